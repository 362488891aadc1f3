"""The gateway: policy, HTTP surfaces and the command line, on top of ``adapters``."""
