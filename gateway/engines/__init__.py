"""The engines behind each route: built from the settings, loaded, queued in front of, closed."""
