"""Engines are built once for all routes that want them alike, and stand behind bounded queues."""

from pathlib import Path

import pytest

from adapters.contract import llm
from adapters.llm.echo import Echo
from adapters.options import BadOption
from adapters.vad.energy import Energy
from gateway.engines.build import build
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import QueuedEngine
from gateway.engines.speech_cache import CachedSynthesiser
from gateway.settings.load import load


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
    assert not isinstance(plain.llm, QueuedEngine)
    monkeypatch.setattr(Echo, "info", llm.Info(max_parallel=2))
    queued = build(load(["--max_queue", "5"], {})).routes[0].engines.llm
    assert isinstance(queued, QueuedEngine)
    assert queued.info.max_parallel == 2


def test_a_detector_that_hears_at_another_rate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Energy, "sample_rate", 8_000)
    with pytest.raises(BadOption, match="--vad energy listens at 8000 Hz, --stt pocketsphinx at 16000 Hz"):
        build(load(["--vad", "energy", "--stt", "pocketsphinx"], {}))


def test_fallbacks_of_a_stage_are_engines_of_their_own_with_one_circuit_each(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(
        'stt = "transformers"\nstt_model = "m"\nstt_fallbacks = ["pocketsphinx"]\n'
        '[[routes]]\nname = "a"\n[[routes]]\nname = "b"\n'
    )
    gateway = build(load(["--config", str(tmp_path / "gateway.toml")], {}))
    one, other = (served.engines.stt for served in gateway.routes)
    assert isinstance(one, FallbackRecogniser)
    assert isinstance(other, FallbackRecogniser)
    assert one.candidates.first.name == "transformers"
    assert one.candidates.engines == other.candidates.engines
    assert one.candidates.first.circuit is other.candidates.first.circuit


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        (["--tts_fallbacks", "nobody"], "--tts_fallbacks 'nobody' is no other engine of --tts; there are: "),
        (["--tts", "espeak", "--tts_fallbacks", "espeak"], "--tts_fallbacks 'espeak' is no other engine of --tts"),
        (["--stt_fallbacks", "none"], "--stt_fallbacks 'none' is no other engine of --stt; there are: "),
    ],
)
def test_a_fallback_is_another_engine_of_the_stage(flags: list[str], refused: str) -> None:
    with pytest.raises(BadOption, match=refused):
        build(load(flags, {}))


def test_speech_is_cached_when_it_is_asked_for() -> None:
    assert not isinstance(build(load([], {})).routes[0].engines.tts, CachedSynthesiser)
    assert isinstance(
        build(load(["--tts", "espeak", "--speech_cache_mb", "1"], {})).routes[0].engines.tts, CachedSynthesiser
    )
    stored = build(load(["--tts", "espeak", "--speech_cache_store", "redis://127.0.0.1:1/0"], {}))
    assert isinstance(stored.routes[0].engines.tts, CachedSynthesiser)
