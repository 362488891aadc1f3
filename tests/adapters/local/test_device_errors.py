"""What happened to a device is told by the exceptions of torch and mlx."""

import pytest

from adapters.local.device_errors import is_device_lost, is_out_of_memory


class OutOfMemoryError(RuntimeError):
    """As torch's."""


class AcceleratorError(RuntimeError):
    """As torch's."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("x"),
        AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("[malloc] Unable to allocate 9 bytes."),
        RuntimeError("[metal::malloc] Attempting to allocate 9 bytes which is greater than the maximum"),
    ],
)
def test_too_little_memory(error: Exception) -> None:
    assert (is_out_of_memory(error), is_device_lost(error)) == (True, False)


@pytest.mark.parametrize(
    "error",
    [
        AcceleratorError("anything"),
        RuntimeError("CUDA error: device-side assert triggered"),
        RuntimeError("HIP error: unspecified launch failure"),
        RuntimeError("cudaStreamSynchronize(stream) failed: an illegal memory access was encountered"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`"),
    ],
)
def test_a_lost_device(error: Exception) -> None:
    assert (is_out_of_memory(error), is_device_lost(error)) == (False, True)


@pytest.mark.parametrize(
    "error", [RuntimeError("shape mismatch"), ValueError("CUDA error: out of memory"), OSError("x")]
)
def test_anything_else(error: Exception) -> None:
    assert (is_out_of_memory(error), is_device_lost(error)) == (False, False)
