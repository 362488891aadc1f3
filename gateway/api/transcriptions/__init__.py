"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``: a recording in, its transcript out."""

from gateway.api.transcriptions.routes import transcriptions, translations
from gateway.api.transcriptions.schema import (
    CreateTranscription,
    CreateTranslation,
    StreamEvent,
    Transcript,
    VerboseTranscript,
)
from gateway.http.surface import Surface

surface = Surface(
    name="transcriptions",
    handlers=(transcriptions, translations),
    wire_types=(CreateTranscription, CreateTranslation, Transcript, VerboseTranscript, StreamEvent),
)
