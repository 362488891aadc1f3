"""The engines' options beside the gateway's own: one struct, every key declared once."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from adapters import registry
from gateway.settings import model
from gateway.settings.model import GatewaySettings, settings_type
from gateway.settings.options import options


@pytest.fixture
def _fresh() -> Iterator[None]:
    settings_type.cache_clear()
    yield
    settings_type.cache_clear()


def brings(monkeypatch: pytest.MonkeyPatch, **engines: type[msgspec.Struct]) -> None:
    """The only language models are ``engines``, which bring these options."""
    names = {"llm": tuple(engines), "stt": (), "tts": (), "vad": ()}
    monkeypatch.setattr(registry, "names", names.__getitem__)
    monkeypatch.setattr(registry, "options_class", lambda _stage, name: engines[name])


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    model_name: str | None = "its own"
    own: Annotated[int, Meta(description="Its own.")] = 1


class Other(msgspec.Struct, frozen=True, kw_only=True):
    own: Annotated[int, Meta(description="Another's.")] = 2


@pytest.mark.usefixtures("_fresh")
def test_an_engine_that_names_a_setting_of_the_gateway_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    brings(monkeypatch, reading=Reading)
    fields = {field.name: field for field in msgspec.structs.fields(settings_type())}
    (declared,) = [field for field in msgspec.structs.fields(GatewaySettings) if field.name == "model_name"]
    assert fields["model_name"].type == declared.type
    assert fields["model_name"].default is None
    assert fields["own"].default == 1


@pytest.mark.usefixtures("_fresh")
def test_two_engines_that_mean_different_things_by_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    brings(monkeypatch, reading=Reading, other=Other)
    with pytest.raises(TypeError, match="'own' of llm engine 'other' is already declared otherwise"):
        settings_type()


def test_what_engines_only_read_is_described_as_the_gateways_own() -> None:
    assert options()["model_name"].engines == ()
    assert options()["model_name"].group == model.LANGUAGE_MODEL
    assert options()["llm_gen"].engines == ("mlx-lm", "transformers")
    assert options()["llm_device"].engines == ("transformers",)
    assert options()["stt_device"].group == model.RECOGNITION
