"""Pure: the routes of the gateway as models on the wire."""

from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.api.models.schema import Model
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute


def models_of(gateway: Gateway) -> list[Model]:
    """Every name that requests can give as ``model``, the first route first."""
    return [
        Model(
            id=name,
            created=gateway.started,
            voices=list(dict.fromkeys([*OPENAI_VOICES, *served.engines.tts.info.voices])),
        )
        for served in gateway.routes
        for name in _names(served)
    ]


def _names(served: ServedRoute) -> list[str]:
    return [served.name, *(alias for alias in served.route.aliases if alias != "*")]
