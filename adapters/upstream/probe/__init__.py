"""Asks an OpenAI-compatible server with a few small requests what it can do."""

from adapters.upstream.probe.probe import Observations, Questions, observe

__all__ = ["Observations", "Questions", "observe"]
