"""``GET /health`` and ``GET /ready``: whether the process lives, and whether it can answer."""

from gateway.api.health.routes import health, ready
from gateway.http.surface import Surface

surface = Surface(name="health", handlers=(health, ready))
