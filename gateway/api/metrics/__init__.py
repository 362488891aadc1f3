"""``GET /metrics``: what the gateway does, for Prometheus."""

from gateway.api.metrics.routes import metrics
from gateway.http.surface import Surface

surface = Surface(name="metrics", handlers=(metrics,))
