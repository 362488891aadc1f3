"""How far work ahead goes on a route: by the setting, else as far as nobody has to be paid for what is thrown away."""

from adapters.upstream.urls import is_near
from gateway.engines.route import STAGES, ServedRoute, Stage
from gateway.realtime.session.commands import Reach
from gateway.settings.composition import engine_description
from gateway.settings.model import ENGINE_KEYS, FALLBACK_KEYS


def reach_of(served: ServedRoute, wanted: Reach | str) -> Reach:
    """``wanted``, a value of ``--realtime_ahead``, on the route ``served``."""
    match wanted:
        case "off" | "stt" | "llm" | "tts":
            return wanted
    reach: Reach = "off"
    for stage in STAGES:
        if not _is_near(served, stage):
            break
        reach = stage
    return reach


def _is_near(served: ServedRoute, stage: Stage) -> bool:
    """Whether all engines of a stage are in this process, or at a loopback or private address."""
    if getattr(served.engines, stage) is None:
        return True
    settings = served.route.settings
    fallbacks = getattr(settings, FALLBACK_KEYS[stage]) if stage in FALLBACK_KEYS else ()
    names = {served.engine_names(stage)[0], getattr(settings, ENGINE_KEYS[stage]), *fallbacks} - {"auto"}
    keys = [key for name in names if (key := engine_description(stage, name).api_key) is not None]
    upstreams = served.route.upstreams if stage == "llm" else ()
    places = [upstream.settings for upstream in upstreams] or [settings]
    return all(is_near(getattr(place, key.url_option)) for place in places for key in keys)
