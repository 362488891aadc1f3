"""What turns did, as metrics for Prometheus; README.md beside this file lists them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from adapters.contract import llm
from gateway.telemetry.observer import Report, TurnStart
from gateway.telemetry.outcome import LEFT, TurnOutcome

STAGE_BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds of a stage: what a listener feels lies between a twentieth of a second and two seconds."""

TURN_BUCKETS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Seconds of a whole turn."""

# A second series for each, with a time that nobody asks for.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counts turns in ``registry``; ``observe`` is the observer. Labels are names of the configuration or fixed."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        turn, account = ("surface", "route"), ("route", "key")

        def counter(name: str, description: str, *labels: str) -> Counter:
            return Counter(f"speech_gateway_{name}", description, labels, registry=registry)

        def stage(name: str, description: str, *labels: str) -> Histogram:
            name = f"speech_gateway_{name}_seconds"
            return Histogram(name, description, ("route", *labels), registry=registry, buckets=STAGE_BUCKETS)

        self._answers = counter("answers", "HTTP answers, refusals too, by their status.", "surface", "status")
        self._in_flight = Gauge("speech_gateway_turns_in_flight", "Turns that run now.", turn, registry=registry)
        self._turns = counter("turns", "Turns that are over: completed, left or failed.", *turn, "key", "outcome")
        self._errors = counter("turn_errors", "Turns that failed, by the kind of error.", *turn, "error")
        self._fallbacks = counter("fallbacks", "Turns in which another engine stood in.", "route", "stage", "engine")
        self._tokens = counter("tokens", "Tokens of language models.", *account, "purpose", "kind")
        self._heard = counter("heard_seconds", "Seconds of audio that were heard.", *account)
        self._spoken = counter("spoken_seconds", "Seconds of speech that were synthesised or cached.", *account)
        self._delivered = counter("delivered_seconds", "Seconds of speech that clients took.", *account)
        self._characters = counter("characters", "Characters of text that were spoken.", *account)
        self._cached = counter("cached_characters", "Characters of them whose speech was cached.", *account)
        self._stages: dict[str, Histogram] = {
            "stt": stage("stt", "From the request to its transcript."),
            "first_clause": stage("first_clause", "From the model's first content to the first text for synthesis."),
            "tts_first": stage("tts_first_audio", "From the first text for synthesis to its first samples."),
            "first_audio": stage("first_audio", "From the request to the first samples of the answer."),
        }
        self._llm_first = stage(
            "llm_first_token", "From the transcript, or the request, to the model's first content.", "upstream"
        )
        self._seconds = Histogram(
            "speech_gateway_turn_seconds",
            "Whole turns that were completed.",
            turn,
            registry=registry,
            buckets=TURN_BUCKETS,
        )
        # Kept: to find the series of its labels anew costs three times as much as to count.
        self._series: Any = cache(lambda metric, *labels: metric.labels(*labels))

    def watch_sessions(self, open_now: Callable[[], int]) -> None:
        """Ask ``open_now``, whenever the metrics are asked for, how many realtime sessions there are."""
        sessions = Gauge("speech_gateway_realtime_sessions", "Realtime sessions that are open.", registry=self.registry)
        sessions.set_function(open_now)

    def observe(self, turn: TurnStart) -> Report:
        """Count the turn while it runs, and its outcome."""
        in_flight = self._series(self._in_flight, turn.surface, turn.route)
        in_flight.inc()

        def report(outcome: TurnOutcome) -> None:
            in_flight.dec()
            self._count_end(turn, outcome)
            self._count_fallbacks(outcome)
            self._count_use(outcome)
            for name, histogram in self._stages.items():
                if (seconds := getattr(outcome.timings, name)) is not None:
                    self._series(histogram, outcome.route).observe(seconds)
            if (seconds := outcome.timings.llm_first) is not None:
                self._series(self._llm_first, outcome.route, outcome.upstream or "").observe(seconds)

        return report

    def count_answer(self, surface: str, status: int) -> None:
        """Count an answer to a request."""
        self._series(self._answers, surface, status).inc()

    def _count_end(self, turn: TurnStart, outcome: TurnOutcome) -> None:
        place = (turn.surface, turn.route)
        ended = "failed" if outcome.error else "left" if outcome.reason == LEFT else "completed"
        self._series(self._turns, *place, outcome.caller, ended).inc()
        if outcome.error is not None:
            self._series(self._errors, *place, outcome.error).inc()
        if ended == "completed":
            self._series(self._seconds, *place).observe(outcome.timings.total)

    def _count_fallbacks(self, outcome: TurnOutcome) -> None:
        if outcome.answered_by not in {None, outcome.route}:
            self._series(self._fallbacks, outcome.route, "llm", outcome.answered_by).inc()
        for stage, engines in (("stt", outcome.heard_by), ("tts", outcome.spoken_by)):
            for engine in engines:
                self._series(self._fallbacks, outcome.route, stage, engine).inc()

    def _count_use(self, outcome: TurnOutcome) -> None:
        account = (outcome.route, outcome.caller)
        for metric, amount in (
            (self._heard, outcome.heard_seconds),
            (self._spoken, outcome.spoken_seconds),
            (self._delivered, outcome.delivered_seconds),
            (self._characters, outcome.characters),
            (self._cached, outcome.cached_characters),
        ):
            if amount:
                self._series(metric, *account).inc(amount)
        self._count_tokens(account, "answer", outcome.usage or outcome.estimate)
        self._count_tokens(account, "summary", outcome.compaction)

    def _count_tokens(self, account: tuple[str, str], purpose: str, usage: llm.Usage | None) -> None:
        if usage is None:
            return
        for kind in ("input", "output", "cached", "reasoning"):
            if tokens := getattr(usage, f"{kind}_tokens"):
                self._series(self._tokens, *account, purpose, kind).inc(tokens)
