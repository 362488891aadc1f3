"""Voice activity detectors, one file an engine."""
