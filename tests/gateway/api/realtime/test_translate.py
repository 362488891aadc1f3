"""What a connection asks for: by its query, or by the configuration that its client secret is bound to."""

from typing import Any

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.api.realtime.translate import configured, wanted_of


@pytest.mark.parametrize(
    ("query", "bound", "kind", "model"),
    [
        ({}, None, "realtime", None),
        ({"model": "home"}, None, "realtime", "home"),
        ({"intent": "transcription"}, None, "transcription", None),
        ({"model": "home"}, {"type": "realtime", "model": "garden"}, "realtime", "garden"),
        ({"model": "home"}, {"type": "transcription"}, "transcription", "home"),
        ({"model": ""}, {}, "realtime", None),
    ],
)
def test_kinds_and_models(query: dict[str, str], bound: dict[str, Any] | None, kind: str, model: str | None) -> None:
    wanted = wanted_of(query, bound)
    assert (wanted.kind, wanted.model) == (kind, model)
    assert wanted.stages == (("stt",) if kind == "transcription" else ("stt", "llm", "tts"))


def test_what_is_bound_is_laid_over_the_configuration() -> None:
    wanted = wanted_of({"conversation": "conv_1"}, {"type": "realtime", "model": "home", "instructions": "Hi."})
    assert wanted.changes == {"instructions": "Hi."}
    assert wanted.conversation == "conv_1"


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="sing"):
        wanted_of({"intent": "sing"}, None)
    with pytest.raises(InvalidRequest, match="sing"):
        configured({"type": "sing"})
