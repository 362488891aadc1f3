"""Models behind one streaming contract; the lower layer, which knows nothing of HTTP routes or the command line."""
