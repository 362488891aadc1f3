"""The voice activity detector ``silero``: Silero's small neural network, one for all streams."""
