"""The engine ``openai``: any server with OpenAI's API for transcriptions."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from adapters import blocking
from adapters.contract import audio, stt
from adapters.contract.description import ApiKeyVariable, EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TooLong, Unsupported
from adapters.options import Secret
from adapters.stt import whole_audio
from adapters.stt.local_options import SttModel
from adapters.stt.openai import request as form
from adapters.stt.openai.reader import Event, TranscriptionReader
from adapters.upstream import CompletionCall, ServerEngine, Upload, UpstreamClient, UpstreamOptions
from adapters.upstream.urls import is_near

ADAPTER = "openai"
DEFAULT_MODEL = "gpt-4o-mini-transcribe"

MAX_SECONDS = 3600
"""The longest recording; the gateway's own limit is stricter by default, as is that of most servers."""

MIN_SECONDS = 0.1
"""Shorter than any word; servers refuse it."""

COPIED_SECONDS = 60.0
"""A recording up to this length is copied on the event loop: 2 MB, half a millisecond."""

_FORMAT = re.compile("response_format|verbose_json|granularit|stream", re.IGNORECASE)


class OpenAIRecogniser(ServerEngine):
    """Speech to text by ``POST /audio/transcriptions``: OpenAI, vLLM, speaches, whisper.cpp, LocalAI, this gateway.

    The recording is sent when it is complete. Raises ``BadOption`` as ``UpstreamClient`` does.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which server, and how it is asked."""

        stt_model: SttModel = None
        stt_base_url: Annotated[
            str | None,
            Meta(description="Base URL of a server with OpenAI's transcriptions, with its /v1; OpenAI when not given."),
        ] = None
        stt_api_key: Annotated[
            Secret | None,
            Meta(description="API key of that server; OPENAI_API_KEY when not given; an empty one sends no key."),
        ] = None
        stt_upload_format: Annotated[
            Literal["auto", "flac", "wav"],
            Meta(
                description="How recordings are sent: flac is half as large, wav is there sooner; auto takes wav up to "
                "a minute, for a server at a loopback or private address."
            ),
        ] = "auto"
        stt_connect_timeout: Annotated[
            float, Meta(gt=0, le=3600, description="Seconds that connecting to the server may take.")
        ] = 5.0
        stt_deadline: Annotated[
            float, Meta(gt=0, le=3600, description="Seconds that a transcription may take, including all retries.")
        ] = 120.0
        stt_max_retries: Annotated[
            int, Meta(ge=0, le=10, description="How often a request is repeated that may succeed later.")
        ] = 2

    description = EngineDescription(
        model_option="stt_model",
        selected_by=("stt_base_url",),
        api_key=ApiKeyVariable(
            name="OPENAI_API_KEY", key_option="stt_api_key", url_option="stt_base_url", host="api.openai.com"
        ),
    )
    info = stt.Info(sample_rate=form.SAMPLE_RATE, word_times=True, segment_times=True, translation=True)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._model = options.stt_model or DEFAULT_MODEL
        self._is_near = is_near(options.stt_base_url)
        upstream = UpstreamClient(
            ADAPTER,
            UpstreamOptions(
                responses_api_base_url=options.stt_base_url,
                responses_api_api_key=options.stt_api_key,
                responses_api_connect_timeout=options.stt_connect_timeout,
                # A server may be silent until it has recognised everything.
                responses_api_first_token_timeout=options.stt_deadline,
                responses_api_gap_timeout=options.stt_deadline,
                responses_api_deadline=options.stt_deadline,
                responses_api_max_retries=options.stt_max_retries,
            ),
            stage="stt",
        )
        super().__init__(upstream)
        self._refused: set[form.Detail] = set()  # by the server, for this model

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one recording. Raises ``AdapterError`` while iterated."""
        if request.translate and request.word_times:
            raise Unsupported("A translation has no word times.", adapter=ADAPTER, param="word_times")
        pcm = await whole_audio.gather(
            request.audio, sample_rate=form.SAMPLE_RATE, max_seconds=MAX_SECONDS, adapter=ADAPTER
        )
        seconds = audio.seconds(pcm, form.SAMPLE_RATE)
        if seconds < MIN_SECONDS:
            yield Started()
            yield stt.FinalTranscript(text="")
            yield stt.Finished(language=request.language, seconds=seconds)
            return
        upload = await self._upload(pcm, seconds)
        async with aclosing(self._answer(request, upload, seconds)) as events:
            async for event in events:
                yield event

    async def _upload(self, pcm: bytes, seconds: float) -> Upload:
        short, wanted = seconds <= COPIED_SECONDS, self._options.stt_upload_format
        write = form.wav if wanted == "wav" or (wanted == "auto" and self._is_near and short) else form.flac
        # A thread takes longer than to copy what somebody says in a turn.
        return write(pcm) if short and write is form.wav else await blocking.call(write, pcm)

    async def _answer(
        self, request: stt.Request, upload: Upload, seconds: float
    ) -> AsyncGenerator[Started | Event, None]:
        """The answer in the most detailed form that is of use and that the server does not refuse."""
        details = [detail for detail in _details(request) if detail not in self._refused]
        for number, detail in enumerate(details):
            try:
                async with aclosing(self._ask(request, upload, seconds, detail)) as events:
                    async for event in events:
                        self._refused.update(details[:number])
                        yield event
                return
            except InvalidRequest as error:  # the server sends this before its answer, never in the middle
                if detail == details[-1] or isinstance(error, TooLong) or not _is_about_format(error):
                    raise _in_own_words(error, request) from error

    def _ask(
        self, request: stt.Request, upload: Upload, seconds: float, detail: form.Detail
    ) -> AsyncGenerator[Started | Event, None]:
        call = CompletionCall[Event](
            path=form.path(request),
            body=form.fields(request, self._model, detail),
            make_reader=lambda: TranscriptionReader(self._upstream.errors, request, adapter=ADAPTER, seconds=seconds),
            upload=upload,
        )
        return self._upstream.stream(call)


def _details(request: stt.Request) -> tuple[form.Detail, ...]:
    """What to ask for, the best first; the language is in the form with times only."""
    if request.word_times or request.segment_times:
        return ("wanted times",)
    if request.translate:
        return ("plain",)
    return ("streamed", "plain") if request.language else ("times", "streamed", "plain")


def _is_about_format(error: InvalidRequest) -> bool:
    """Whether the server refused the form of the answer; most name the field, some only speak of it."""
    return bool(_FORMAT.search(error.param or error.message))


def _in_own_words(error: InvalidRequest, request: stt.Request) -> InvalidRequest:
    """A refusal that names the field of the contract; times that the server refuses are ``Unsupported``."""
    if isinstance(error, Unsupported):
        return error
    if (request.word_times or request.segment_times) and not isinstance(error, TooLong) and _is_about_format(error):
        return Unsupported(
            "The server gives no times with this model; choose another --stt_model.",
            adapter=ADAPTER,
            param=form.with_own_field("response_format", request),
        )
    error.param = form.with_own_field(error.param, request)
    return error
