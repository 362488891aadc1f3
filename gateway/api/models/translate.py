"""Pure: the routes of the gateway as models on the wire."""

from gateway.access.caller import Caller
from gateway.api.models.schema import Engines, Model
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import STAGES, ServedRoute
from gateway.engines.voices import voice_names


def models_of(gateway: Gateway, caller: Caller) -> list[Model]:
    """Every name that requests of ``caller`` can give as ``model``, the first route first."""
    return [_model(name, served, gateway.started) for served in gateway.routes_for(caller) for name in _names(served)]


def _names(served: ServedRoute) -> list[str]:
    return [served.name, *(alias for alias in served.route.aliases if alias != "*")]


def _model(name: str, served: ServedRoute, created: int) -> Model:
    """Every route takes recordings: its recogniser hears them, or the model does."""
    info = served.engines.llm.info
    return Model(
        id=name,
        created=created,
        state=served.state(),
        input_modalities=["text", "audio", "image"] if info.images else ["text", "audio"],
        output_modalities=["text", "audio"],
        tools=info.tools,
        json_answers=info.json_answers,
        context_tokens=served.route.settings.context_tokens or info.context_tokens,
        voices=voice_names(served.engines.tts.info),
        engines=Engines(**{stage: served.engine_names(stage) for stage in STAGES}),
    )
