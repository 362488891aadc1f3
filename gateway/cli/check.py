"""``speech-to-speech check``: asks the server behind each route what it can do, and prints what was seen."""

import asyncio
from collections.abc import Callable, Iterable, Iterator

from adapters import registry
from adapters.contract import llm
from adapters.contract.probe import Probe, Probed, ProbeReport
from adapters.options import pick
from gateway.engines.build import build
from gateway.settings.model import GatewaySettings, Loaded, Route

MOST_TOKENS = 16
"""Tokens of each answer; some servers take no smaller limit."""


def check(loaded: Loaded, show: Callable[[str], None]) -> int:
    """Ask one server after the other and ``show`` what was seen; 1 when a route cannot work as it is set.

    A model that runs in this process is not loaded; that what it needs is there has been checked, and where nobody
    chose an engine it is said which will be taken. Raises ``BadOption``
    before anything is asked, as serving does.
    """
    gateway = build(loaded)
    gateway.preflight()
    probes: list[tuple[Probe, list[str]]] = []
    for name, settings in _asked(loaded.routes):
        probe = probe_of(settings)
        if isinstance(probe, str):
            show(f"{name}: {settings.llm_backend} {probe}\n")
            continue
        names = next((names for known, names in probes if known == probe), None)
        if names is None:
            probes.append((probe, names := []))
        names.append(name)
    status = asyncio.run(_run(probes, show))
    for line in gateway.prospects():
        show(line)
    return status


def _asked(routes: Iterable[Route]) -> Iterator[tuple[str, GatewaySettings]]:
    """Every server of a language model: the name of its route, that of the upstream behind it, and its settings."""
    for route in routes:
        if not route.upstreams:
            yield route.name, route.settings
        for upstream in route.upstreams:
            yield f"{route.name}/{upstream.name}", upstream.settings


async def _run(probes: list[tuple[Probe, list[str]]], show: Callable[[str], None]) -> int:
    status = 0
    for probe, names in probes:
        report = await probe.run()
        show(f"{', '.join(names)}: {probe.target}\n{table(report)}")
        if not report.works:
            status = 1
    return status


def table(report: ProbeReport) -> str:
    """What was seen, one observation a line; a dash is what was not asked or could not be seen."""
    cells = {**report.observations, "the route can work": "yes" if report.works else "no"}
    width = max(map(len, cells))
    return "".join(f"  {name:{width}}  {cell or '-'}\n" for name, cell in cells.items())


def probe_of(settings: GatewaySettings) -> Probe | str:
    """How to ask the server that is set, or what is said where there is none to ask. Raises ``BadOption``."""
    backend = settings.llm_backend or ""
    adapter = registry.adapter_class("llm", backend)
    if not isinstance(adapter, Probed):
        return "has no server to ask"
    options = pick(settings, registry.options_class("llm", backend))
    return adapter.probe(options, _question(settings))


def _question(settings: GatewaySettings) -> llm.Request:
    return llm.Request(
        model=settings.model_name or "",
        messages=(
            llm.Message(role=settings.init_chat_role, parts=(llm.Text(text="Be brief."),)),
            llm.Message(role=settings.user_role, parts=(llm.Text(text="Count from one to five."),)),
        ),
        max_output_tokens=MOST_TOKENS,
        reasoning=llm.Reasoning(
            effort=settings.responses_api_reasoning_effort, disabled=settings.responses_api_disable_thinking
        ),
    )
