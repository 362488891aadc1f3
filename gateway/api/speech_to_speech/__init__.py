"""``POST /v1/audio/speech-to-speech``: a spoken question in, a spoken answer streaming out."""

from gateway.api.speech_to_speech.routes import speech_to_speech
from gateway.http.surface import Surface
from gateway.wire.voice_events import VoiceEvent
from gateway.wire.voice_turn import SpeechToSpeechRequest

surface = Surface(name="speech_to_speech", handlers=(speech_to_speech,), wire_types=(SpeechToSpeechRequest, VoiceEvent))
