"""Settings: what can be set (``model``, ``composition``), how it is read (``load``) and shown (``show``, ``help``)."""
