"""The guard ``patterns``: regular expressions that a text must not match."""
