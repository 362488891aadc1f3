"""Settings: what can be set (``model``), how it is spelled (``flags``), read (``load``) and shown (``show``)."""
