"""``POST /v1/chat/completions``: messages in, text or a spoken answer out, whole or streamed."""

from gateway.api.chat_completions.routes import chat_completions
from gateway.api.chat_completions.schema import ChatCompletion, ChatCompletionChunk, ChatCompletionRequest
from gateway.http.surface import Surface

surface = Surface(
    name="chat_completions",
    handlers=(chat_completions,),
    wire_types=(ChatCompletionRequest, ChatCompletion, ChatCompletionChunk),
)
