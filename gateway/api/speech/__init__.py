"""``POST /v1/audio/speech``: a text in, its speech streaming out."""

from gateway.api.speech.routes import speech
from gateway.api.speech.schema import SpeechEvent, SpeechRequest
from gateway.http.surface import Surface
from gateway.wire.voice_turn import SpeechToSpeechRequest

surface = Surface(name="speech", handlers=(speech,), wire_types=(SpeechRequest, SpeechEvent, SpeechToSpeechRequest))
