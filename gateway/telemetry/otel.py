"""Turns as traces and metrics of OpenTelemetry: a span a turn, in it a span a stage, in the gen_ai conventions."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters import blocking
from adapters.contract.request_context import current_request
from gateway.telemetry.observer import Report, TurnStart
from gateway.telemetry.outcome import LEFT, TurnOutcome

SCOPE = "speech_gateway"

CLOSING_SECONDS = 3.0
"""How long the last data may be tried to be sent when the gateway ends."""

SECONDS_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""Those that the conventions ask for."""

_PROPAGATOR = TraceContextTextMapPropagator()


class TracedModel(msgspec.Struct, frozen=True, kw_only=True):
    """The language model of a route: the engine that runs or asks it, and its name there."""

    provider: str
    name: str

    @property
    def attributes(self) -> dict[str, Any]:
        """What the conventions say of a request to it."""
        named = {"gen_ai.provider.name": self.provider, "gen_ai.request.model": self.name}
        return {"gen_ai.operation.name": "chat", **named}


class OtelExport:
    """Sends the spans and metrics of turns to the collector at ``endpoint``; ``model_of`` is the model of a route.

    ``observe`` is the observer; ``start`` comes before the first turn. Everything else that can be set of an SDK is
    read from the variables ``OTEL_*`` by the SDK itself: headers, sampling, attributes of the service, intervals.
    """

    def __init__(self, endpoint: str, model_of: Callable[[str], TracedModel | None]) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._model_of = model_of
        self._exporters: tuple[OTLPSpanExporter | OTLPMetricExporter, ...] = ()

    def start(self) -> None:
        """Start the threads that send."""
        resource = Resource.create({SERVICE_NAME: "speech-gateway"}).merge(OTELResourceDetector().detect())
        spans = OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces")
        metrics = OTLPMetricExporter(endpoint=f"{self._endpoint}/v1/metrics")
        self._exporters = (spans, metrics)
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(spans))
        reader = PeriodicExportingMetricReader(metrics)
        self._metrics = MeterProvider((reader,), resource=resource, shutdown_on_exit=False)
        self._tracer = self._traces.get_tracer(SCOPE)
        self._measures = _Measures(self._metrics)

    async def aclose(self) -> None:
        """Send what is left, and stop; harmless when it was not started."""
        if not self._exporters:
            return
        timer = asyncio.get_running_loop().call_later(CLOSING_SECONDS, self._give_up)
        try:
            await blocking.call(self._shut_down)
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        """End the repetitions for a collector that is away."""
        for exporter in self._exporters:
            exporter.shutdown()

    def _shut_down(self) -> None:
        self._traces.shutdown()
        self._metrics.shutdown(timeout_millis=CLOSING_SECONDS * 1000)

    def observe(self, turn: TurnStart) -> Report:
        """Begin the span of the turn, to which requests to other servers belong; report ends it, with its stages."""
        began = time.time_ns() - round(turn.elapsed * 1e9)
        request = current_request.get()
        caller = {} if request is None else request.headers
        span = self._tracer.start_span(
            f"turn {turn.route}",
            context=_PROPAGATOR.extract(caller),
            kind=SpanKind.SERVER,
            start_time=began,
            attributes={
                "speech_gateway.surface": turn.surface,
                "speech_gateway.route": turn.route,
                "speech_gateway.key": turn.caller,
                "speech_gateway.request_id": turn.request_id or "",
                "speech_gateway.turn_id": turn.response_id,
            },
        )
        if request is not None:
            sent: dict[str, str] = {}
            _PROPAGATOR.inject(sent, context=set_span_in_context(span))
            current_request.set(msgspec.structs.replace(request, **sent))

        def report(outcome: TurnOutcome) -> None:
            model = self._model_of(outcome.answered_by or outcome.route)
            self._measures.record(turn, outcome, model)
            if span.is_recording():
                self._trace_stages(span, began, outcome, model)
                _describe(span, outcome)
            span.end(began + round(outcome.timings.total * 1e9))

        return report

    def _trace_stages(self, turn: Span, began: int, outcome: TurnOutcome, model: TracedModel | None) -> None:
        """A span for every stage that began to give something."""
        timings = outcome.timings
        heard, total = timings.stt or 0.0, timings.total
        within = set_span_in_context(turn)

        def stage(name: str, kind: SpanKind, times: tuple[float, float | None], attributes: dict[str, Any]) -> None:
            start, end = times[0], total if times[1] is None else times[0] + times[1]
            at = began + round(start * 1e9)
            span = self._tracer.start_span(name, context=within, kind=kind, start_time=at, attributes=attributes)
            span.end(began + round(end * 1e9))

        if timings.stt is not None:
            attributes = {"speech_gateway.heard_seconds": outcome.heard_seconds}
            stage("stt", SpanKind.INTERNAL, (0.0, timings.stt), attributes | _engines(outcome.heard_by))
        if timings.llm_first is not None and model is not None:
            stage(f"chat {model.name}", SpanKind.CLIENT, (heard, timings.llm), _answered(outcome, model))
        if timings.first_audio is not None and timings.tts_first is not None:
            attributes = {
                "speech_gateway.characters": outcome.characters,
                "speech_gateway.spoken_seconds": outcome.spoken_seconds,
            }
            times = (timings.first_audio - timings.tts_first, timings.tts)
            stage("tts", SpanKind.INTERNAL, times, attributes | _engines(outcome.spoken_by))


def _engines(stood_in: tuple[str, ...]) -> dict[str, Any]:
    return {"speech_gateway.stood_in": stood_in} if stood_in else {}


def _answered(outcome: TurnOutcome, model: TracedModel) -> dict[str, Any]:
    """What the conventions say of an answer."""
    attributes = model.attributes | {"gen_ai.response.time_to_first_chunk": outcome.timings.llm_first}
    if outcome.conversation_id is not None:
        attributes["gen_ai.conversation.id"] = outcome.conversation_id
    if outcome.error is not None:
        attributes["error.type"] = outcome.error
    elif outcome.reason != LEFT:
        attributes["gen_ai.response.finish_reasons"] = (outcome.reason,)
    if (usage := outcome.usage) is not None:
        attributes |= {
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        }
    return attributes


def _describe(span: Span, outcome: TurnOutcome) -> None:
    """How the turn ended."""
    span.set_attribute("speech_gateway.reason", outcome.reason)
    if outcome.error is not None:
        span.set_attribute("error.type", outcome.error)
        span.set_status(StatusCode.ERROR)


class _Measures:
    """The instruments of the conventions, and two of our own."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(SCOPE)

        def seconds(name: str, description: str) -> Any:
            return meter.create_histogram(
                name, unit="s", description=description, explicit_bucket_boundaries_advisory=SECONDS_BUCKETS
            )

        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )
        self._llm = seconds("gen_ai.client.operation.duration", "GenAI operation duration.")
        self._first = seconds("gen_ai.client.operation.time_to_first_chunk", "Time to receive the first chunk.")
        self._turn = seconds("speech_gateway.turn.duration", "Whole turns.")
        self._first_audio = seconds("speech_gateway.turn.first_audio", "From the request to the first samples.")

    def record(self, turn: TurnStart, outcome: TurnOutcome, model: TracedModel | None) -> None:
        """Record a turn that is over."""
        timings, failed = outcome.timings, {} if outcome.error is None else {"error.type": outcome.error}
        place = {"speech_gateway.surface": turn.surface, "speech_gateway.route": turn.route}
        self._turn.record(timings.total, place | failed)
        if timings.first_audio is not None:
            self._first_audio.record(timings.first_audio, place)
        if model is None or timings.llm_first is None:
            return
        self._first.record(timings.llm_first, model.attributes)
        if timings.llm is not None:
            self._llm.record(timings.llm, model.attributes | failed)
        if (usage := outcome.usage) is not None:
            self._tokens.record(usage.input_tokens, {**model.attributes, "gen_ai.token.type": "input"})
            self._tokens.record(usage.output_tokens, {**model.attributes, "gen_ai.token.type": "output"})
