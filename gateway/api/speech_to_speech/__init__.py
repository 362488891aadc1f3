"""``POST /v1/audio/speech-to-speech``: a spoken question in, a spoken answer streaming out."""

from gateway.api.speech_to_speech.routes import speech_to_speech
from gateway.api.speech_to_speech.schema import Event, SpeechToSpeechRequest
from gateway.http.surface import Surface

surface = Surface(handlers=(speech_to_speech,), wire_types=(SpeechToSpeechRequest, Event))
