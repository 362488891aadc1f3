"""Turns the events of a response, streamed or not, into the contract's events; pure.

Servers differ in what they stream. So each event that states a text or a call as a whole is compared with what was
streamed before, and only the rest is passed on: a text may come in ``output_text.done`` alone, or in the last event.
"""

from collections.abc import Callable, Iterator
from typing import Any

from adapters.contract import llm
from adapters.llm import provider_state
from adapters.llm.decoding.start_state import StartState
from adapters.llm.decoding.tool_call_parser import ToolCallParser
from adapters.llm.responses import wire
from adapters.llm.responses.item_index import Key, keys_of
from adapters.llm.responses.streamed_text import Level, Restatement, StreamedText
from adapters.llm.responses.tool_calls import ToolCalls
from adapters.upstream import ErrorFactory, UnreadableJson, is_shallow


class ResponsesReader:
    """The state of one answer: ``feed`` every event until ``done``, or the ``whole`` response at once; then ``finish``.

    ``route`` says where the answer comes from (``provider_state.route``); without it nothing is kept for its provider.
    ``start`` is the model's (``StartStates``), ``tools`` are the request's.
    """

    def __init__(
        self,
        errors: ErrorFactory,
        *,
        route: str = "",
        start: StartState | None = None,
        tools: tuple[llm.Tool, ...] = (),
    ) -> None:
        self._errors = errors
        self._route = route
        self._parser = ToolCallParser(start or StartState(), tools)
        self._calls = ToolCalls(errors, tools)
        self._said = StreamedText()
        self._reasoned = StreamedText()
        self._summarised = StreamedText()
        self._reasoning_items: list[dict[str, Any]] = []  # until it is known what follows them
        self._seen: set[str] = set()  # their ids
        self._kept: list[dict[str, Any]] = []
        self._has_text = False
        self._final: wire.Response | None = None

    @property
    def done(self) -> bool:
        """Whether the response is complete; later events are ignored."""
        return self._final is not None

    def feed(self, data: bytes, name: str | None = None) -> Iterator[llm.Event]:
        """The events of one event of the server. Raises ``AdapterError``."""
        try:
            event = wire.decode_event(data)
        except UnreadableJson as error:
            raise self._errors.upstream_error("sent something that is not an event of a response") from error
        yield from self._event(event, event.type or name or "", data)

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of a response that was not streamed. Raises ``AdapterError``."""
        try:
            yield from self._end(wire.decode_response(data), "")
        except UnreadableJson as error:
            raise self._errors.upstream_error("sent something that is not a response") from error

    def finish(self, *, marked: bool = False) -> Iterator[llm.Event]:
        """The last events. Raises ``AdapterError`` when the answer is neither complete nor ``marked`` as complete."""
        final = self._final or (wire.Response() if marked else None)
        if final is None:
            raise self._errors.upstream_error("ended its answer in the middle")
        reason: llm.FinishReason = "stop"
        if details := final.incomplete_details:
            reason = "content_filter" if details.reason == "content_filter" else "length"
        yield from self._parser.finish(reason)
        yield from self._calls.finish()
        if reason == "stop" and (self._calls or self._parser.has_called):
            reason = "tool_calls"
        usage = final.usage.counted() if final.usage else None
        yield llm.Finished(reason=reason, usage=usage, extra=self._kept_for_provider())

    def _event(self, event: wire.Event, kind: str, data: bytes) -> Iterator[llm.Event]:  # noqa: PLR0912 - one case a type
        keys = keys_of(event.item_id, event.output_index)
        part = event.content_index or 0
        match kind.removeprefix("response."):
            case "output_text.delta":
                yield from self._text_delta(keys, part, "text", wire.as_text(event.delta))
            case "refusal.delta":
                yield from self._text_delta(keys, part, "refusal", wire.as_text(event.delta))
            case "output_text.done":
                yield from self._text_done(keys, part, [("text", wire.as_text(event.text))], Level.TEXT)
            case "refusal.done":
                yield from self._text_done(keys, part, [("refusal", wire.as_text(event.refusal))], Level.TEXT)
            case "content_part.done":
                yield from self._text_done(keys, part, wire.texts(event.part), Level.PART)
            case "reasoning_text.delta":
                yield from self._reasoning_delta(self._reasoned, keys, part, wire.as_text(event.delta))
            case "reasoning_text.done":
                yield from self._reasoning_done(self._reasoned, keys, part, event.text)
            case "reasoning_summary_text.delta":
                part = event.summary_index or 0
                yield from self._reasoning_delta(self._summarised, keys, part, wire.as_text(event.delta))
            case "reasoning_summary_text.done":
                yield from self._reasoning_done(self._summarised, keys, event.summary_index or 0, event.text)
            case "function_call_arguments.delta":
                yield from self._call(self._calls.append(event))
            case "function_call_arguments.done":
                yield from self._call(self._calls.complete(event))
            case "output_item.added":
                yield from self._item_added(wire.item_of(event.item), event.output_index)
            case "output_item.done":
                yield from self._item_done(event.item or {}, event.output_index)
            case "completed" | "incomplete" | "failed" | "cancelled" | "done" as status:
                yield from self._end(event.response or wire.Response(), status)
            case "error":
                raise self._errors.reported_in(data)
            case "" if event.error:
                raise self._errors.reported_in(data)

    def _text_delta(self, keys: list[Key], part: int, kind: wire.Kind, text: str) -> Iterator[llm.Event]:
        if text:
            self._said.add(keys, part, text)
            yield from self._say(kind, text, self._parser.feed)

    def _text_done(
        self, keys: list[Key], first_part: int, texts: list[tuple[wire.Kind, str]], level: Level
    ) -> Iterator[llm.Event]:
        if any(text for _, text in texts):
            rests = self._said.rests(keys, first_part, [text for _, text in texts], level)
            for (kind, _), rest in zip(texts, rests, strict=True):
                yield from self._say_rest(kind, rest)

    def _say_rest(self, kind: wire.Kind, rest: str) -> Iterator[llm.Event]:
        yield from self._say(kind, rest, self._parser.feed if self._has_text else self._parser.whole)

    def _say(self, kind: wire.Kind, text: str, read: Callable[[str], Iterator[llm.Event]]) -> Iterator[llm.Event]:
        if not text:
            return
        self._has_text = True
        self._place_reasoning(None)
        if kind == "refusal":
            yield llm.TextDelta(text=text, refusal=True)
        else:
            yield from read(text)

    def _reasoning_delta(self, streamed: StreamedText, keys: list[Key], part: int, text: str) -> Iterator[llm.Event]:
        if text:
            streamed.add(keys, part, text)
            yield from self._reason(text)

    def _reasoning_done(self, streamed: StreamedText, keys: list[Key], part: int, whole: Any) -> Iterator[llm.Event]:
        texts = [text for _, text in wire.texts(whole)]
        if any(texts):
            for rest in streamed.rests(keys, part, texts, Level.ITEM if isinstance(whole, list) else Level.TEXT):
                yield from self._reason(rest)

    def _reason(self, text: str) -> Iterator[llm.Event]:
        if text:
            yield from self._parser.report()
            yield llm.ReasoningDelta(text=text)

    def _item_added(self, item: wire.Item, output_index: int | None) -> Iterator[llm.Event]:
        match item.type:
            case "message":
                self._said.begin(keys_of(item.id, output_index))
            case "function_call":
                yield from self._call(self._calls.begin(item, output_index))

    def _item_done(self, raw: dict[str, Any], output_index: int | None) -> Iterator[llm.Event]:
        item = wire.item_of(raw)
        keys = keys_of(item.id, output_index)
        match item.type:
            case "message":
                yield from self._text_done(keys, 0, wire.texts(item.content), Level.ITEM)
            case "reasoning":
                yield from self._reasoning_done(self._summarised, keys, 0, item.summary)
                yield from self._reasoning_done(self._reasoned, keys, 0, item.content)
                self._keep_reasoning(item, raw)
            case "function_call":
                yield from self._call(self._calls.item_done(item, output_index))

    def _end(self, response: wire.Response, status: str) -> Iterator[llm.Event]:
        """The end of the response; ``status`` is that of the event, empty if the response was not streamed."""
        stated = response.status or ""
        if response.error or "failed" in (status, stated):
            raise self._errors.reported(response.error)
        if "cancelled" in (status, stated) or (not status and stated in ("in_progress", "queued")):
            raise self._errors.upstream_error(f"ended its answer with the status {stated or status!r}")
        is_incomplete = "incomplete" in (status, stated)
        response.incomplete_details = (response.incomplete_details or wire.Incomplete()) if is_incomplete else None
        yield from self._restate(response.items)
        self._final = response

    def _restate(self, output: list[dict[str, Any]]) -> Iterator[llm.Event]:
        """What of the complete ``output`` was not streamed."""
        said = Restatement(self._said)
        has_reasoned = len(self._reasoned) + len(self._summarised) > 0
        messages = 0
        self._calls.restate()
        for position, raw in enumerate(output):
            item = wire.item_of(raw)
            match item.type:
                case "message":
                    self._place_reasoning(None)
                    for kind, text in wire.texts(item.content):
                        yield from self._say_rest(kind, said.rest(keys_of(item.id, None), messages, text))
                    messages += 1
                case "reasoning" if item.id not in self._seen:
                    for _, text in () if has_reasoned else (*wire.texts(item.summary), *wire.texts(item.content)):
                        yield from self._reason(text)
                    self._keep_reasoning(item, raw)
                case "function_call":
                    call_id = yield from self._calls.item_done(item, position)
                    self._place_reasoning(call_id)

    def _call(self, events: Iterator[llm.Event]) -> Iterator[llm.Event]:
        for event in events:
            if isinstance(event, llm.ToolCallStarted):
                self._place_reasoning(event.call_id)
            yield event

    def _keep_reasoning(self, item: wire.Item, raw: dict[str, Any]) -> None:
        if is_shallow(raw):
            self._reasoning_items.append(raw)
        if item.id:
            self._seen.add(item.id)

    def _place_reasoning(self, call_id: str | None) -> None:
        """Note that the reasoning items so far belong before the call ``call_id``, or before the text."""
        self._kept += [{"before": call_id, "item": item} for item in self._reasoning_items]
        self._reasoning_items.clear()

    def _kept_for_provider(self) -> dict[str, Any]:
        """What the provider wants back (``request.body`` sends it): encrypted reasoning, and reasoning before calls."""
        items = [
            kept
            for kept in self._kept
            if kept["item"].get("encrypted_content") or (self._calls and kept["item"].get("content"))
        ]
        return provider_state.kept(self._route, {"items": items} if items else {})
