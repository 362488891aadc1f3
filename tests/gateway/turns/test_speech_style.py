"""A request's voice, speed and style go over those of the route."""

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.conversation.conversation import Languages
from gateway.engines.route import ServedRoute
from gateway.pipeline.speak import Delivery
from gateway.settings.load import load
from gateway.text.normalization.normalizer import ReadingOptions
from gateway.turns.speech_style import speech_style
from tests.support.server import scripted_engines


def route(*flags: str) -> ServedRoute:
    return ServedRoute(route=load(flags, {}).routes[0], engines=scripted_engines())


def test_what_a_request_leaves_open_is_that_of_the_settings() -> None:
    served = route("--voice", "hum+low", "--speed", "1.25", "--speak_code", "read")
    style = speech_style(served, voice=None, speed=None, instructions=None)
    assert style.delivery(Languages(asked="de")) == Delivery(
        voice="hum+low",
        speed=1.25,
        instructions=None,
        voice_language=None,
        text_language="de",
        reading=ReadingOptions(code="read"),
    )
    style = speech_style(served, voice="hum", speed=0.5, instructions="Whisper.", private=True)
    assert style.delivery(Languages(asked="de", voice="fr")) == Delivery(
        voice="hum",
        speed=0.5,
        instructions="Whisper.",
        voice_language="fr",
        text_language="fr",
        reading=ReadingOptions(code="read"),
        private=True,
    )


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nobody"):
        speech_style(route(), voice="nobody", speed=None, instructions=None)
