"""Engines are loaded and closed once; what cannot load or breaks takes no other route or stage with it."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.checks import read
from adapters.contract.errors import Unavailable, UnknownModel, UpstreamError
from adapters.options import BadOption
from adapters.tts.espeak.adapter import Espeak
from adapters.upstream.breaker import CircuitBreaker
from gateway.access.caller import ANYONE
from gateway.engines.automatic import AutomaticEngine, Contestant
from gateway.engines.balanced import BalancedModel, Upstream
from gateway.engines.build import build
from gateway.engines.candidates import Candidate
from gateway.engines.fallback import Choice, FallbackModel
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.engines.route import STAGES, ServedRoute, Stage
from gateway.settings.load import load
from tests.support.server import gateway_of, gateway_with_routes, scripted_engines


class Loading(scripted.Scripted[Any, Any, Any]):
    """A model that loads when it is told to, or fails to."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(llm.Info(), scripted.answering("Hello."))
        self.go = asyncio.Event()
        self.error = error
        self.closed = 0

    async def warm_up(self) -> None:
        await self.go.wait()
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed += 1
        if self.error is not None:
            raise self.error


def two_routes(broken: Loading) -> tuple[Gateway, Loading]:
    whole = Loading()
    whole.go.set()
    gateway = Gateway(
        load([], {}).settings,
        [
            gateway_with_routes(scripted_engines(llm=engine), [(name, ())]).routes[0]
            for name, engine in (("broken", broken), ("whole", whole))
        ],
    )
    return gateway, whole


@pytest.mark.parametrize("error", [Unavailable("There are no weights."), OSError("weights for 'secret' not there")])
async def test_a_route_that_cannot_load_takes_no_other_with_it(
    error: Exception,
) -> None:
    broken = Loading(error)
    gateway, _ = two_routes(broken)
    with pytest.raises(Unavailable, match="`whole` is still loading") as refusal:
        gateway.admit("whole", ANYONE)
    assert refusal.value.retry_after == 1.0
    states = [gateway.state]
    broken.go.set()
    await gateway.warm_up()
    assert [served.state() for served in gateway.routes] == ["failed", "ready"]
    assert [*states, gateway.state] == ["loading", "ready"]
    assert gateway.admit("whole", ANYONE).route.name == "whole"
    with pytest.raises(UpstreamError, match="`broken` cannot be served"):
        gateway.admit("broken", ANYONE)
    assert "secret" not in str(gateway.routes[0].load_failure())


async def test_others_answer_for_a_model_that_could_not_be_loaded() -> None:
    broken, whole = Loading(Unavailable("There are no weights.")), scripted.language_model(scripted.answering("here"))
    broken.go.set()
    choices = [Choice(route=name, model=name, engine=engine) for name, engine in (("broken", broken), ("whole", whole))]
    gateway = gateway_with_routes(scripted_engines(llm=FallbackModel(choices)), [("broken", ())])
    await gateway.warm_up()
    events = await read(gateway.admit("broken", ANYONE).engines.llm.stream(llm.Request(model="", messages=())))
    assert [event.text for event in events if isinstance(event, llm.TextDelta)] == ["here"]
    assert gateway.state == "ready"
    assert [request.model for request in whole.requests] == ["whole"]


async def test_upstreams_that_could_not_be_loaded_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    broken, whole = Loading(Unavailable("There are no weights.")), scripted.language_model(scripted.answering("here"))
    broken.go.set()

    def upstream(name: str, engine: Any) -> Upstream:
        return Upstream(name=name, engine=engine, circuit=CircuitBreaker(), route="r", model=name, weight=1.0)

    partly = BalancedModel([upstream("broken", broken), upstream("whole", whole)])
    lost = BalancedModel([upstream("broken", broken)])
    spared = FallbackModel([Choice(route=name, model="", engine=each) for name, each in (("l", lost), ("p", partly))])
    routes = [
        gateway_with_routes(scripted_engines(llm=model), [(name, ())]).routes[0]
        for name, model in (("partly", partly), ("lost", lost), ("spared", spared))
    ]
    gateway = Gateway(load([], {}).settings, routes)
    await gateway.warm_up()
    assert [served.load_failure() for served in routes] == [None, "There are no weights.", None]
    assert "the others of partly work: There are no weights." in caplog.text
    for name in ("partly", "spared"):
        await read(gateway.admit(name, ANYONE).engines.llm.stream(llm.Request(model="", messages=())))
    assert [request.model for request in whole.requests] == ["whole", "whole"]


async def test_a_route_none_of_whose_models_could_be_loaded_has_failed() -> None:
    models = {name: Loading(Unavailable(f"No weights: {name}.")) for name in ("own", "spare")}
    for model in models.values():
        model.go.set()
    choices = [Choice(route=name, model=name, engine=model) for name, model in models.items()]
    routes = [
        gateway_with_routes(scripted_engines(llm=engine), [(name, ())]).routes[0]
        for name, engine in (("own", FallbackModel(choices)), ("spare", models["spare"]))
    ]
    gateway = Gateway(load([], {}).settings, routes)
    await gateway.warm_up()
    assert [served.load_failure() for served in gateway.routes] == ["No weights: own.", "No weights: spare."]
    assert gateway.state == "failed"


class Checked(scripted.Scripted[Any, Any, Any]):
    """An engine that can be looked at before it is loaded, and can break after."""

    failure: str | None = None

    def __init__(self, looked: list[str], name: str, refusal: BadOption | None = None) -> None:
        super().__init__(llm.Info(max_parallel=1), scripted.answering("Hello."))
        self.looked = looked
        self.name = name
        self.refusal = refusal

    def preflight(self) -> None:
        self.looked.append(self.name)
        if self.refusal is not None:
            raise self.refusal


def test_every_engine_is_looked_at_once_before_anything_binds() -> None:
    looked: list[str] = []
    stages = {stage: Checked(looked, stage) for stage in ("stt", "tts", "vad")}
    model = Checked(looked, "llm")
    routes = gateway_with_routes(
        scripted_engines(**stages, llm=QueuedEngine("model", model, QueueLimits(length=1, seconds=30))),
        [("a", ()), ("b", ())],
    )
    routes.preflight()
    assert {*looked} == {"stt", "llm", "tts", "vad"}
    assert looked.count("llm") == 1
    model.refusal = BadOption("--model_name 'm' is not there.")
    with pytest.raises(BadOption, match="'m' is not there"):
        routes.preflight()


def test_engines_that_need_no_look_are_left_alone() -> None:
    build(load([], {})).preflight()


@pytest.mark.parametrize("queued", [False, True])
async def test_a_route_whose_engine_broke_has_failed_and_the_others_serve(queued: bool) -> None:
    model = Checked([], "llm")
    engine = QueuedEngine("model", model, QueueLimits(length=1, seconds=30)) if queued else model
    gateway = Gateway(
        load([], {}).settings,
        [
            gateway_with_routes(scripted_engines(llm=engine), [("broken", ())]).routes[0],
            gateway_with_routes(scripted_engines(), [("whole", ())]).routes[0],
        ],
    )
    await gateway.warm_up()
    assert gateway.admit("broken", ANYONE).state() == "ready"
    model.failure = "its thread died"
    assert ([served.state() for served in gateway.routes], gateway.state) == (["failed", "ready"], "ready")
    assert gateway.admit("whole", ANYONE).route.name == "whole"
    with pytest.raises(Unavailable, match="`broken` cannot answer any more: its thread died"):
        gateway.admit("broken", ANYONE)


async def test_a_gateway_whose_only_engine_broke_has_failed() -> None:
    model = Checked([], "llm")
    gateway = gateway_of(scripted_engines(llm=model))
    await gateway.warm_up()
    model.failure = "its thread died"
    assert gateway.state == "failed"


async def test_a_route_with_others_behind_it_answers_although_its_own_model_broke() -> None:
    model = Checked([], "llm")
    model.failure = "its thread died"
    spare = scripted.language_model(scripted.answering("Hello."))
    choices = [Choice(route=name, model=name, engine=engine) for name, engine in (("a", model), ("b", spare))]
    gateway = gateway_of(scripted_engines(llm=FallbackModel(choices)))
    await gateway.warm_up()
    assert gateway.state == "ready"


async def test_all_routes_failed_is_failed() -> None:
    broken = Loading(Unavailable("There are no weights."))
    broken.go.set()
    gateway = gateway_with_routes(scripted_engines(llm=broken), [("a", ()), ("b", ())])
    await gateway.warm_up()
    assert gateway.state == "failed"


async def test_closing_closes_every_engine_once_even_if_one_fails() -> None:
    broken = Loading(RuntimeError("cannot close"))
    gateway, whole = two_routes(broken)
    with pytest.raises(RuntimeError, match="cannot close"):
        await gateway.aclose()
    assert (broken.closed, whole.closed) == (1, 1)


def test_models_are_found_by_name_alias_and_star() -> None:
    gateway = gateway_with_routes(scripted_engines(), [("a", ("x",)), ("b", ()), ("c", ("*",))])
    for served_route in gateway.routes:
        for stage in STAGES:
            served_route.settle(stage, None)
    found = {name: gateway.admit(name, ANYONE).route.name for name in (None, "a", "x", "b", "anything")}
    assert found == {None: "a", "a": "a", "x": "a", "b": "b", "anything": "c"}
    with pytest.raises(UnknownModel, match="`anything`"):
        gateway_with_routes(scripted_engines(), [("a", ())]).admit("anything", ANYONE)


def routes_in(path: Path, toml: str) -> Gateway:
    """The routes of a configuration file around scripted engines, which are ready."""
    path.write_text(toml)
    loaded = load([str(path)], {})
    routes = [ServedRoute(route=route, engines=scripted_engines()) for route in loaded.routes]
    for served_route in routes:
        for stage in STAGES:
            served_route.settle(stage, None)
    return Gateway(loaded.settings, routes)


def admitted(gateway: Gateway, model: str, named_by: Stage | None) -> str | None:
    """The route that answers to ``model``, if one does."""
    try:
        return gateway.admit(model, ANYONE, named_by=named_by).name
    except UnknownModel:
        return None


ROUTES = """
[[routes]]
name = "first"
stt = "pocketsphinx"
tts = "espeak"

[[routes]]
name = "second"
stt = "transformers"
stt_model = "org/ears"

[[routes]]
name = "third"
stt = "none"
"""


@pytest.mark.parametrize(
    ("model", "as_recogniser", "as_synthesiser"),
    [
        ("second", "second", "second"),
        ("whisper-1", "first", None),
        ("gpt-4o-transcribe-diarize", "first", None),
        ("tts-1-hd", None, "first"),
        ("tts-1-1106", None, "first"),
        ("gpt-4o-mini-tts-2025-12-15", None, "first"),
        ("pocketsphinx", "first", None),
        ("espeak", None, "first"),
        ("transformers", "second", None),
        ("org/ears", "second", None),
        ("none", None, None),
        ("tts-1-pro", None, None),
        ("whisper", None, None),
        ("", None, None),
    ],
)
def test_the_model_of_one_stage_names_a_route_where_it_may(
    tmp_path: Path, model: str, as_recogniser: str | None, as_synthesiser: str | None
) -> None:
    gateway = routes_in(tmp_path / "routes.toml", ROUTES)
    assert admitted(gateway, model, "stt") == as_recogniser
    assert admitted(gateway, model, "tts") == as_synthesiser
    assert admitted(gateway, model, None) == (model if model == "second" else None)


@pytest.mark.parametrize("fallbacks", [False, True])
def test_an_engine_that_the_gateway_chose_names_its_route(tmp_path: Path, fallbacks: bool) -> None:
    path = tmp_path / "routes.toml"
    path.write_text('tts = "auto"\n[[routes]]\nname = "first"\n')
    loaded = load([str(path)], {})
    engine: Any = AutomaticEngine("tts", [Contestant(name="espeak", engine=scripted.synthesiser())], loading_trial)
    if fallbacks:
        engine = FallbackSynthesiser([Candidate(name="auto", engine=engine, circuit=CircuitBreaker())])
    served_route = ServedRoute(route=loaded.routes[0], engines=scripted_engines(tts=engine))
    for stage in STAGES:
        served_route.settle(stage, None)
    gateway = Gateway(loaded.settings, [served_route])
    assert admitted(gateway, "espeak", "tts") == "first"
    assert admitted(gateway, "auto", "tts") is None


async def loading_trial(_engine: Any) -> float:
    return 1.0


def test_a_route_of_that_name_comes_before_the_model_of_a_stage_and_star_after_it(tmp_path: Path) -> None:
    toml = f'{ROUTES}\n[[routes]]\nname = "whisper-1"\n\n[[routes]]\nname = "rest"\naliases = ["*"]\n'
    gateway = routes_in(tmp_path / "routes.toml", toml)
    asked: dict[str, Stage] = {"whisper-1": "stt", "tts-1": "tts", "espeak": "tts", "anything": "tts"}
    found = {model: admitted(gateway, model, stage) for model, stage in asked.items()}
    assert found == {"whisper-1": "whisper-1", "tts-1": "first", "espeak": "first", "anything": "rest"}


@pytest.mark.parametrize("flags", [("--voice", "nobody"), ("--voice", "de+nope"), ("--language", "xx")])
async def test_a_voice_or_language_of_the_settings_that_cannot_be_spoken_fails_the_route(
    flags: tuple[str, ...],
) -> None:
    async with aclosing(gateway_of(scripted_engines(tts=Espeak(Espeak.Options())), *flags)) as gateway:
        await gateway.warm_up()
        assert gateway.state == "failed"
        assert repr(flags[1]) in (gateway.routes[0].load_failure() or "")


async def test_a_route_is_ready_before_the_next_has_loaded() -> None:
    loading = asyncio.Event()

    class Slow(scripted.Scripted[Any, Any, Any]):
        async def warm_up(self) -> None:
            await loading.wait()

    quick, slow = (
        gateway_of(scripted_engines()),
        gateway_of(scripted_engines(llm=Slow(llm.Info(), scripted.answering()))),
    )
    gateway = Gateway(quick.settings, [*quick.routes, *slow.routes])
    warming = asyncio.create_task(gateway.warm_up())
    async with asyncio.timeout(5):
        while gateway.routes[0].state() != "ready":
            await asyncio.sleep(0)
    assert gateway.routes[1].state() == "loading"
    loading.set()
    await warming
    assert gateway.state == "ready"


async def test_a_language_that_the_recogniser_does_not_understand_fails_the_route() -> None:
    english = scripted.recogniser("hello")
    english.info = msgspec.structs.replace(english.info, languages=("en",))
    gateway = gateway_of(scripted_engines(stt=english), "--stt", "pocketsphinx", "--language", "de")
    await gateway.warm_up()
    assert gateway.routes[0].load_failure() == "--stt pocketsphinx does not understand --language 'de', only en."


async def test_words_whose_phonemes_the_voice_cannot_take_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "gateway.toml").write_text('[pronunciations]\ngif = "[[dZIf]]"\nSQL = "sequel"\n')
    settings = load([str(tmp_path / "gateway.toml")], {})
    gateway = Gateway(settings.settings, [ServedRoute(route=settings.routes[0], engines=scripted_engines())])
    await gateway.warm_up()
    assert caplog.messages == ["--tts auto takes no phonemes; these pronunciations have no effect: gif."]


@pytest.mark.parametrize("stage", STAGES)
async def test_a_stage_that_cannot_load_takes_no_other_stage_with_it(stage: Stage) -> None:
    broken = Loading(Unavailable("There are no weights."))
    broken.go.set()
    whole: Any = scripted_engines()
    broken.info = getattr(whole, stage).info
    gateway = gateway_of(scripted_engines(**{stage: broken}))
    await gateway.warm_up()
    assert gateway.state == "failed", "there is no whole turn"
    others = [other for other in STAGES if other != stage]
    assert gateway.admit(None, ANYONE, others).state(others) == "ready"
    with pytest.raises(UpstreamError, match="cannot be served"):
        gateway.admit(None, ANYONE, (stage,))


async def test_a_stage_that_is_lost_later_takes_no_other_stage_with_it() -> None:
    model = Checked([], "llm")
    gateway = gateway_of(scripted_engines(llm=model))
    await gateway.warm_up()
    model.failure = "its thread died"
    assert gateway.admit(None, ANYONE, ("stt", "tts")) is gateway.routes[0]
    with pytest.raises(Unavailable, match="its thread died"):
        gateway.admit(None, ANYONE)


async def test_a_stage_is_ready_before_the_next_has_loaded() -> None:
    model = Loading()
    gateway = gateway_of(scripted_engines(llm=model))
    warming = asyncio.create_task(gateway.warm_up())
    async with asyncio.timeout(5):
        while gateway.routes[0].state(("stt",)) != "ready":
            await asyncio.sleep(0)
    assert gateway.state == "loading"
    with pytest.raises(Unavailable, match="still loading"):
        gateway.admit(None, ANYONE)
    model.go.set()
    await warming
    assert gateway.admit(None, ANYONE).state() == "ready"


def with_fallback(first: Any, second: Any) -> Gateway:
    """A gateway whose synthesiser ``first`` has the fallback ``second``."""
    candidates = [
        Candidate(name=name, engine=engine, circuit=CircuitBreaker())
        for name, engine in (("first", first), ("second", second))
    ]
    return gateway_of(scripted_engines(tts=FallbackSynthesiser(candidates)))


class Voice(scripted.Scripted[Any, Any, Any]):
    """A synthesiser that can be loaded, or not; it counts how often it was loaded and closed."""

    def __init__(self, error: Exception | None = None) -> None:
        working = scripted.synthesiser()
        super().__init__(working.info, working.script)
        self.error = error
        self.lives: list[str] = []

    async def warm_up(self) -> None:
        self.lives.append("loaded")
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.lives.append("closed")


async def test_a_voice_with_fallbacks_is_loaded_and_closed_with_them() -> None:
    first, second = Voice(), Voice()
    gateway = with_fallback(first, second)
    await gateway.warm_up()
    await gateway.aclose()
    assert (first.lives, second.lives) == (["loaded", "closed"], ["loaded", "closed"])


@pytest.mark.parametrize("broken", [0, 1])
async def test_a_voice_that_could_not_be_loaded_is_left_out(broken: int) -> None:
    voices = [Voice(), Voice()]
    voices[broken].error = Unavailable("no weights")
    gateway = with_fallback(*voices)
    await gateway.warm_up()
    engine = gateway.admit(None, ANYONE).engines.tts
    assert isinstance(engine, FallbackSynthesiser)
    assert engine.candidates.engines == (voices[1 - broken],)


async def test_when_no_voice_could_be_loaded_the_stage_has_failed() -> None:
    gateway = with_fallback(Voice(Unavailable("no weights")), Voice(Unavailable("no package")))
    await gateway.warm_up()
    assert gateway.routes[0].load_failure() == "no weights"
    with pytest.raises(UpstreamError):
        gateway.admit(None, ANYONE)


class Closing(scripted.Scripted[Any, Any, Any]):
    """A model that cannot be loaded for the reason ``failure``, if there is one, and says whether it was closed."""

    def __init__(self, failure: str | None = None) -> None:
        super().__init__(llm.Info(), scripted.answering("Hello."))
        self.why, self.loads, self.closed = failure, 0, 0

    async def warm_up(self) -> None:
        self.loads += 1
        if self.why is not None:
            raise Unavailable(self.why)

    async def aclose(self) -> None:
        self.closed += 1


async def test_routes_that_cannot_be_loaded_are_not_taken_over_and_what_was_made_for_them_is_closed() -> None:
    old, kept, broken, new = Closing(), Closing(), Closing("There are no weights."), Closing()
    others = scripted_engines()

    def routes(**models: Closing) -> list[ServedRoute]:
        engines = {name: msgspec.structs.replace(others, llm=model) for name, model in models.items()}
        return [gateway_with_routes(each, [(name, ())]).routes[0] for name, each in engines.items()]

    gateway = Gateway(load([], {}).settings, routes(a=old, b=kept))
    await gateway.warm_up()
    with pytest.raises(BadOption, match=r"the model c cannot be served: There are no weights\."):
        await gateway.take_over(routes(a=new, c=broken))
    await gateway.retire()
    assert [served.name for served in gateway.routes] == ["a", "b"]
    assert [each.closed for each in (old, kept, broken, new)] == [0, 0, 1, 1]

    first = gateway.routes[0]
    another = Closing()
    with first.used():
        await gateway.take_over(routes(b=kept, d=another))
        retiring = asyncio.create_task(gateway.retire())
        await asyncio.sleep(0)
        assert (old.closed, gateway.admit("d", ANYONE).name) == (0, "d")
    await retiring
    assert [each.closed for each in (old, kept, another)] == [1, 0, 0]
    assert [each.loads for each in (old, kept, another)] == [1, 1, 1]
    await gateway.aclose()
    assert [each.closed for each in (old, kept, broken, new, another)] == [1] * 5
