"""The engine ``openai``: any server with OpenAI's API for speech, whose audio is passed on as it arrives."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.blocking import call
from adapters.contract import audio, tts
from adapters.contract.description import ApiKeyVariable, EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest
from adapters.options import Secret
from adapters.tts.limits import check_limits
from adapters.tts.model_option import Model
from adapters.tts.openai.audio_file import SAMPLE_RATE, AudioFile, BadAudio
from adapters.tts.pieces import is_spoken
from adapters.upstream import AudioCall, AudioDeclared, ServerEngine, UpstreamClient, UpstreamOptions

ADAPTER = "openai"
DEFAULT_MODEL = "gpt-4o-mini-tts"


class OpenAISynthesiser(ServerEngine):
    """Text to speech by ``POST /audio/speech``: OpenAI, speaches, Kokoro-FastAPI, LocalAI, vLLM, this gateway.

    Raises ``BadOption`` as ``UpstreamClient`` does.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which server, and how it is asked."""

        tts_model: Model = None
        tts_base_url: Annotated[
            str | None,
            Meta(description="Base URL of a server with OpenAI's speech, with its /v1; OpenAI when not given."),
        ] = None
        tts_api_key: Annotated[
            Secret | None,
            Meta(description="API key of that server; OPENAI_API_KEY when not given; an empty one sends no key."),
        ] = None
        tts_response_format: Annotated[
            Literal["pcm", "wav", "mp3", "flac", "opus"],
            Meta(description="What the server is asked for; pcm (24 kHz) and wav are passed on as they arrive."),
        ] = "pcm"
        tts_connect_timeout: Annotated[
            float, Meta(gt=0, le=3600, description="Seconds that connecting to the server may take.")
        ] = 5.0
        tts_first_token_timeout: Annotated[
            float, Meta(gt=0, le=3600, description="Seconds from a request to the first sound.")
        ] = 30.0
        tts_gap_timeout: Annotated[
            float, Meta(gt=0, le=3600, description="Seconds without sound after which an utterance is given up.")
        ] = 15.0
        tts_deadline: Annotated[
            float, Meta(gt=0, le=3600, description="Seconds that an utterance may take, including all retries.")
        ] = 120.0
        tts_max_retries: Annotated[
            int, Meta(ge=0, le=10, description="How often a request is repeated that failed before its first sound.")
        ] = 2

    description = EngineDescription(
        selected_by=("tts_base_url",),
        api_key=ApiKeyVariable(
            name="OPENAI_API_KEY", key_option="tts_api_key", url_option="tts_base_url", host="api.openai.com"
        ),
    )
    # The voices are the server's, and so is how it reads what is written.
    info = tts.Info(
        sample_rate=SAMPLE_RATE,
        voices=(),
        default_voice="alloy",
        instructions=True,
        reads=frozenset({"numbers", "notation"}),
    )

    def __init__(self, options: Options) -> None:
        self._model = options.tts_model or DEFAULT_MODEL
        self._format = options.tts_response_format
        upstream = UpstreamClient(
            ADAPTER,
            UpstreamOptions(
                responses_api_base_url=options.tts_base_url,
                responses_api_api_key=options.tts_api_key,
                responses_api_connect_timeout=options.tts_connect_timeout,
                responses_api_first_token_timeout=options.tts_first_token_timeout,
                responses_api_gap_timeout=options.tts_gap_timeout,
                responses_api_deadline=options.tts_deadline,
                responses_api_max_retries=options.tts_max_retries,
            ),
            stage="tts",
        )
        super().__init__(upstream)

    def check(self, request: tts.Request) -> None:
        """Raise ``InvalidRequest`` or ``TooLong`` as ``stream`` would; voices are for the server to know."""
        check_limits(request, ADAPTER)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance. Raises ``AdapterError``: ``UpstreamError`` for anything that is no sound."""
        check_limits(request, ADAPTER)
        if not is_spoken(request.text):
            yield Started()
            yield tts.Finished(seconds=0.0, characters=len(request.text))
            return
        seconds = 0.0
        try:
            async with aclosing(self._samples(request)) as pieces:
                async for pcm in pieces:
                    if not seconds:
                        yield Started()
                    seconds += audio.seconds(pcm, SAMPLE_RATE)
                    yield tts.AudioChunk(pcm=pcm)
        except BadAudio as error:
            raise self._upstream.errors.upstream_error(str(error)) from error
        except InvalidRequest as error:
            error.param = {"input": "text"}.get(error.param or "", error.param)
            raise
        yield tts.Finished(seconds=seconds, characters=len(request.text))

    async def _samples(self, request: tts.Request) -> AsyncGenerator[bytes, None]:
        """The samples of an utterance, s16le mono at 24 kHz, in pieces that are not empty."""
        file = AudioFile("")
        wanted = AudioCall(path="/audio/speech", body=self._body(request))
        async with aclosing(self._upstream.audio(wanted)) as pieces:
            async for piece in pieces:
                if isinstance(piece, AudioDeclared):
                    file = AudioFile(piece.content_type)
                elif pcm := file.feed(piece):
                    yield pcm
        if pcm := await call(file.finish) if file.is_decoded_at_the_end else file.finish():
            yield pcm

    def _body(self, request: tts.Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "input": request.text,
            "voice": request.voice or self.info.default_voice,
            "response_format": self._format,
        }
        if request.speed != 1:
            body["speed"] = request.speed
        if request.instructions:
            body["instructions"] = request.instructions
        return body
