"""``GET /v1/usage``: what was used, by key, day and route."""

from gateway.api.usage.routes import list_usage
from gateway.api.usage.schema import UsageRecord
from gateway.http.surface import Surface

surface = Surface(name="usage", handlers=(list_usage,), wire_types=(UsageRecord,))
