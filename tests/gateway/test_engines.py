"""Engines are built once, stand behind bounded queues, and one that cannot load takes no other route with it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.checks import read
from adapters.contract.errors import Unavailable, UnknownModel, UpstreamError
from adapters.llm.echo import Echo
from adapters.options import BadOption
from adapters.tts.espeak.adapter import Espeak
from adapters.vad.energy import Energy
from gateway.engines import Gateway, ServedRoute, build
from gateway.fallback import Choice, FallingBack
from gateway.queued import Queued
from gateway.settings.load import load
from tests.gateway.serving import gateway_of, gateway_with_routes, scripted_engines


def loaded(tmp_path: Path, routes: str) -> Gateway:
    (tmp_path / "gateway.toml").write_text(routes)
    return build(load([str(tmp_path / "gateway.toml")], {}))


def test_routes_share_engines_with_the_same_options(tmp_path: Path) -> None:
    first, second, third = loaded(
        tmp_path,
        """
        [[routes]]
        name = "a"
        [[routes]]
        name = "b"
        voice = "nova"
        [[routes]]
        name = "c"
        vad_energy_threshold_db = -40.0
        llm_backend = "chat-completions"
        responses_api_base_url = "http://127.0.0.1:1/v1"
        """,
    ).routes
    assert first.engines.stt is second.engines.stt is third.engines.stt
    assert first.engines.tts is second.engines.tts is third.engines.tts
    assert first.engines.vad is second.engines.vad
    assert first.engines.llm is second.engines.llm
    assert third.engines.vad is not first.engines.vad, "another threshold is another detector"
    assert third.engines.llm is not first.engines.llm


def test_a_local_model_is_loaded_once_for_all_routes_that_name_it(tmp_path: Path) -> None:
    routes = "".join(
        f'[[routes]]\nname = "{name}"\nllm_backend = "{backend}"\nmodel_name = "{model}"\n'
        for name, backend, model in (
            ("a", "transformers", "one"),
            ("b", "transformers", "one"),
            ("c", "transformers", "other"),
            ("d", "mlx-lm", "one"),
        )
    )
    first, second, third, fourth = (route.engines.llm for route in loaded(tmp_path, routes).routes)
    assert first is second
    assert len({id(engine) for engine in (first, third, fourth)}) == 3


def test_engines_that_can_do_so_much_stand_behind_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = build(load([], {})).routes[0].engines
    assert not isinstance(plain.llm, Queued)
    monkeypatch.setattr(Echo, "info", llm.Info(max_parallel=2))
    queued = build(load(["--max_queue", "5"], {})).routes[0].engines.llm
    assert isinstance(queued, Queued)
    assert queued.info.max_parallel == 2


def test_a_detector_that_hears_at_another_rate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Energy, "sample_rate", 8_000)
    with pytest.raises(BadOption, match="--vad energy listens at 8000 Hz, --stt pocketsphinx at 16000 Hz"):
        build(load([], {}))


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
        gateway.admit("whole")
    assert refusal.value.retry_after == 1.0
    states = [gateway.state]
    broken.go.set()
    await gateway.warm_up()
    assert [served.state for served in gateway.routes] == ["failed", "ready"]
    assert [*states, gateway.state] == ["loading", "ready"]
    assert gateway.admit("whole").route.name == "whole"
    with pytest.raises(UpstreamError, match="`broken` cannot be served"):
        gateway.admit("broken")
    assert "secret" not in str(gateway.routes[0].failure)


async def test_others_answer_for_a_model_that_could_not_be_loaded() -> None:
    broken, whole = Loading(Unavailable("There are no weights.")), scripted.language_model(scripted.answering("here"))
    broken.go.set()
    choices = [Choice(route=name, model=name, engine=engine) for name, engine in (("broken", broken), ("whole", whole))]
    gateway = gateway_with_routes(scripted_engines(llm=FallingBack(choices)), [("broken", ())])
    await gateway.warm_up()
    events = await read(gateway.admit("broken").engines.llm.stream(llm.Request(model="", messages=())))
    assert [event.text for event in events if isinstance(event, llm.TextDelta)] == ["here"]
    assert gateway.state == "ready"
    assert [request.model for request in whole.requests] == ["whole"]


async def test_a_route_none_of_whose_models_could_be_loaded_has_failed() -> None:
    models = {name: Loading(Unavailable(f"No weights: {name}.")) for name in ("own", "spare")}
    for model in models.values():
        model.go.set()
    choices = [Choice(route=name, model=name, engine=model) for name, model in models.items()]
    routes = [
        gateway_with_routes(scripted_engines(llm=engine), [(name, ())]).routes[0]
        for name, engine in (("own", FallingBack(choices)), ("spare", models["spare"]))
    ]
    gateway = Gateway(load([], {}).settings, routes)
    await gateway.warm_up()
    assert [served.failure for served in gateway.routes] == ["No weights: own.", "No weights: spare."]
    assert gateway.state == "failed"


class Checked(scripted.Scripted[Any, Any, Any]):
    """An engine that can be looked at before it is loaded, and can break after."""

    down: str | None = None

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
    routes = gateway_with_routes(scripted_engines(**stages, llm=Queued("model", model, 1)), [("a", ()), ("b", ())])
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
    engine = Queued("model", model, 1) if queued else model
    gateway = Gateway(
        load([], {}).settings,
        [
            gateway_with_routes(scripted_engines(llm=engine), [("broken", ())]).routes[0],
            gateway_with_routes(scripted_engines(), [("whole", ())]).routes[0],
        ],
    )
    await gateway.warm_up()
    assert gateway.admit("broken").current == "ready"
    model.down = "its thread died"
    assert ([served.current for served in gateway.routes], gateway.state) == (["failed", "ready"], "ready")
    assert gateway.admit("whole").route.name == "whole"
    with pytest.raises(Unavailable, match="`broken` cannot answer any more: its thread died"):
        gateway.admit("broken")


async def test_a_gateway_whose_only_engine_broke_has_failed() -> None:
    model = Checked([], "llm")
    gateway = gateway_of(scripted_engines(llm=model))
    await gateway.warm_up()
    model.down = "its thread died"
    assert gateway.state == "failed"


async def test_a_route_with_others_behind_it_answers_although_its_own_model_broke() -> None:
    model = Checked([], "llm")
    model.down = "its thread died"
    spare = scripted.language_model(scripted.answering("Hello."))
    choices = [Choice(route=name, model=name, engine=engine) for name, engine in (("a", model), ("b", spare))]
    gateway = gateway_of(scripted_engines(llm=FallingBack(choices)))
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
        served_route.state = "ready"
    found = {name: gateway.admit(name).route.name for name in (None, "a", "x", "b", "anything")}
    assert found == {None: "a", "a": "a", "x": "a", "b": "b", "anything": "c"}
    with pytest.raises(UnknownModel, match="`anything`"):
        gateway_with_routes(scripted_engines(), [("a", ())]).admit("anything")


@pytest.mark.parametrize("flags", [("--voice", "nobody"), ("--voice", "de+nope"), ("--language", "xx")])
async def test_a_voice_or_language_of_the_settings_that_cannot_be_spoken_fails_the_route(
    flags: tuple[str, ...],
) -> None:
    gateway = gateway_of(scripted_engines(tts=Espeak(Espeak.Options())), *flags)
    await gateway.warm_up()
    assert gateway.state == "failed"
    assert repr(flags[1]) in (gateway.routes[0].failure or "")


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
        while gateway.routes[0].state != "ready":
            await asyncio.sleep(0)
    assert gateway.routes[1].state == "loading"
    loading.set()
    await warming
    assert gateway.state == "ready"


async def test_a_language_that_the_recogniser_does_not_understand_fails_the_route() -> None:
    english = scripted.recogniser("hello")
    english.info = msgspec.structs.replace(english.info, languages=("en",))
    gateway = gateway_of(scripted_engines(stt=english), "--language", "de")
    await gateway.warm_up()
    assert gateway.routes[0].failure == "--stt pocketsphinx does not understand --language 'de', only en."


async def test_words_whose_phonemes_the_voice_cannot_take_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "gateway.toml").write_text('[pronunciations]\ngif = "[[dZIf]]"\nSQL = "sequel"\n')
    settings = load([str(tmp_path / "gateway.toml")], {})
    gateway = Gateway(settings.settings, [ServedRoute(route=settings.routes[0], engines=scripted_engines())])
    await gateway.warm_up()
    assert caplog.messages == ["--tts espeak takes no phonemes; without their pronunciations: gif."]
