"""The stages of the benchmark: engines of fixed delays, the same for the gateway and for the loop by hand."""

from adapters import registry, scripted
from adapters.vad.energy import Energy
from gateway.engines.route import Engines
from gateway.settings.model import Route
from tests.bench.delays import Delays


def flags(upstream: str) -> list[str]:
    """The gateway's flags for a language model at the base URL ``upstream``."""
    return ["--llm_backend", "chat-completions", "--model_name", "bench", "--responses_api_base_url", upstream]


def engines(route: Route, delays: Delays) -> Engines:
    """Recogniser and synthesiser that wait and play; the real adapter to the upstream that ``route`` names."""
    return Engines(
        stt=scripted.recogniser("what is the capital of france", pause=delays.hearing),
        llm=registry.build("llm", "chat-completions", route.settings),
        tts=scripted.synthesiser(scripted.ToneVoice(pause=delays.speaking)),
        vad=Energy(Energy.Options()),
    )
