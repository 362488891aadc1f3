"""``GET /v1/models``: the routes of this gateway, as OpenAI lists models."""

from gateway.api.models.routes import list_models, retrieve_model
from gateway.http.surface import Surface

surface = Surface(name="models", handlers=(list_models, retrieve_model))
