"""Speech synthesisers, one folder an engine."""
