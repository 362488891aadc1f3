"""A failure is named without what was said."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.models import tiny_whisper
from tests.support.recogniser_engine import asking, heard, pipeline_of

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


SECRET = "what somebody said"


@contextmanager
def broken(engine: TransformersRecogniser, error: Exception) -> Iterator[None]:
    """The model's forward pass raises ``error``."""

    def forward(*_arguments: Any) -> None:
        raise error

    hook = pipeline_of(engine).model.register_forward_pre_hook(forward)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("failure", "error", "names"),
    [
        (RuntimeError(f"CUDA out of memory. {SECRET}"), Unavailable, "not enough memory"),
        (MemoryError(SECRET), Unavailable, "not enough memory"),
        (KeyError(SECRET), UpstreamError, r"\(KeyError\)"),
    ],
)
async def test_a_failure_is_named_without_what_was_said_and_the_engine_goes_on(
    whisper: TransformersRecogniser, failure: Exception, error: type[AdapterError], names: str
) -> None:
    with broken(whisper, failure), pytest.raises(error, match=names) as raised:
        await heard(whisper, asking(QUESTION.samples))
    assert SECRET not in raised.value.message
    assert whisper.failure is None
    assert (await heard(whisper, asking(QUESTION.samples)))[0].text == QUESTION.text


@pytest.mark.parametrize("plain", [False, True], ids=["torch's", "plain"])
async def test_an_engine_whose_device_is_lost_says_so(whisper: TransformersRecogniser, plain: bool) -> None:
    import torch  # noqa: PLC0415

    kind = RuntimeError if plain else torch.AcceleratorError
    with broken(whisper, kind("CUDA error: unspecified launch failure")):
        with pytest.raises(Unavailable, match="has to be restarted"):
            await heard(whisper, asking(QUESTION.samples))
    with pytest.raises(Unavailable, match="has to be restarted"):
        await heard(whisper, asking(QUESTION.samples))
    assert whisper.failure is not None
