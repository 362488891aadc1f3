"""The engine ``piper``: voices of the Piper project, in worker processes."""
