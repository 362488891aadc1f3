"""Speech recognisers, one folder an engine."""
