"""What has to be so that several worker processes are one gateway."""

import sys

from gateway.settings.composition import descriptions, engine_description, route_engines
from gateway.settings.model import ENGINE_KEYS, Loaded, SettingsError


def check_workers(loaded: Loaded) -> None:
    """Raise ``SettingsError`` for several workers that could not share what they must, or would each load a model."""
    settings = loaded.settings
    if settings.workers == 1:
        return
    several = f"--workers {settings.workers}"
    if sys.platform != "linux":
        raise SettingsError(f"{several} needs Linux: start one process, or several gateways behind a proxy.")
    for option, what in (("conversation_store", "keep conversations"), ("usage_store", "count limits and usage")):
        if getattr(settings, option) is None:
            raise SettingsError(
                f"{several}: each process would {what} on its own; give --{option} the address of a Valkey or Redis, "
                "redis://host:port/db."
            )
    for route in loaded.routes:
        for stage, engine in route_engines(route):
            if engine_description(stage, engine).loads_weights:
                key = ENGINE_KEYS[stage]
                named = getattr(route.settings, key)
                light = [name for name, about in descriptions(stage).items() if not about.loads_weights]
                raise SettingsError(
                    f"{several}: each process would load the model of {engine} (--{key} {named} of {route.name}); "
                    f"choose a --{key} behind a server or without weights ({', '.join(light)}), or --workers 1."
                )
