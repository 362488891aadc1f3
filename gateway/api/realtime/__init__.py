"""``/v1/realtime``: a conversation by voice over a WebSocket or WebRTC, and short-lived keys for it."""

from gateway.api.realtime.calls import create_call, delete_call, hang_up_call
from gateway.api.realtime.routes import (
    create_client_secret,
    create_session,
    create_transcription_session,
    realtime,
    realtime_without_upgrade,
)
from gateway.api.realtime.schema import BetaSessionRequest, ClientSecretAnswer, ClientSecretRequest
from gateway.http.surface import Surface

surface = Surface(
    name="realtime",
    handlers=(
        realtime,
        realtime_without_upgrade,
        create_call,
        delete_call,
        hang_up_call,
        create_client_secret,
        create_session,
        create_transcription_session,
    ),
    wire_types=(ClientSecretRequest, ClientSecretAnswer, BetaSessionRequest),
)
