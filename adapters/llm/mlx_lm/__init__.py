"""The engine ``mlx-lm``: language models in this process by Apple's library, on its GPUs, and on Linux on the CPU."""
