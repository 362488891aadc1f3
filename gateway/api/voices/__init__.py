"""``GET /v1/audio/voices``: the names that ``voice`` takes."""

from gateway.api.voices.routes import list_voices
from gateway.http.surface import Surface

surface = Surface(name="voices", handlers=(list_voices,))
