"""The engine ``kokoro``: the Kokoro model, in worker processes."""
