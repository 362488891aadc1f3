"""Joins the pieces of a response's tool calls, whichever keys the server uses; pure."""

from collections.abc import Generator, Iterator

import msgspec

from adapters.contract import llm
from adapters.llm import tool_validation
from adapters.llm.answer_limits import MAX_CALLS, LimitExceeded
from adapters.llm.responses import wire
from adapters.llm.responses.item_index import ItemIndex, keys_of
from adapters.llm.tool_arguments import ToolArguments, as_text, call_id, canonical, checked_name
from adapters.upstream import ErrorFactory


class OpenCall(msgspec.Struct, eq=False):
    """One call: it starts when its name is known; arguments that come earlier wait for it."""

    call_id: str
    arguments: ToolArguments
    name: str = ""
    is_finished: bool = False
    is_stated: bool = False  # an event has stated it as a whole


class ToolCalls:
    """The tool calls of one response to a request with ``tools``.

    Each is started by ``begin``, extended by ``append``, ended by ``complete``, ``item_done`` or ``finish``. All raise
    ``LimitExceeded`` when there are too many calls or arguments.
    """

    def __init__(self, errors: ErrorFactory, tools: tuple[llm.Tool, ...] = ()) -> None:
        self._errors = errors
        self._tools = tools
        self._calls: list[OpenCall] = []
        self._index: ItemIndex[OpenCall] = ItemIndex()

    def __bool__(self) -> bool:
        return bool(self._calls)

    def begin(self, item: wire.Item, output_index: int | None) -> Iterator[llm.Event]:
        """Start the call ``item``."""
        keys = keys_of(item.id, output_index, item.call_id)
        known = self._index.find(keys)
        if known is None or (known.name and known is not self._index.find(keys_of(None, None, item.call_id))):
            known = self._new(item.call_id)
        self._index.add(keys, known)
        yield from self._name(known, item.name)

    def append(self, event: wire.Event) -> Iterator[llm.Event]:
        """The next piece of a call's arguments."""
        call = self._of(event)
        if not call.is_finished:
            text = as_text(event.delta)
            yield from self._pass_on(call, call.arguments.append(text))

    def complete(self, event: wire.Event) -> Iterator[llm.Event]:
        """The complete arguments of a call, perhaps with its name."""
        call = self._of(event)
        yield from self._name(call, event.name)
        yield from self._complete(call, as_text(event.arguments))

    def item_done(self, item: wire.Item, output_index: int | None) -> Generator[llm.Event, None, str]:
        """The complete call ``item``; returns its id. Raises ``AdapterError`` when it has no name."""
        text = as_text(item.arguments)
        call = self._match(item, output_index, text) or self._new(item.call_id)
        call.is_stated = True
        self._index.add(keys_of(item.id, output_index, item.call_id), call)
        yield from self._name(call, item.name)
        if not call.name:
            raise self._errors.upstream_error("called a tool without naming it")
        yield from self._complete(call, text)
        return call.call_id

    def restate(self) -> None:
        """The end of the response states all calls once more."""
        for call in self._calls:
            call.is_stated = False

    def finish(self) -> Iterator[llm.Event]:
        """The ends of the calls that have not ended yet. Raises ``AdapterError`` for one without a name."""
        for call in self._calls:
            if not call.name:
                raise self._errors.upstream_error("called a tool without naming it")
            yield from self._complete(call, "")

    def _of(self, event: wire.Event) -> OpenCall:
        """The call that an event about arguments speaks of; without keys that are known the one that is open."""
        keys = keys_of(event.item_id, event.output_index, event.call_id)
        if known := self._index.find(keys):
            return known
        last = self._calls[-1] if self._calls else None
        call = last if last and not last.is_finished and event.output_index is None else self._new(event.call_id)
        self._index.add(keys, call)
        return call

    def _match(self, item: wire.Item, output_index: int | None, text: str) -> OpenCall | None:
        """The call that ``item`` states: by its ids, by equal arguments, by its place, or by the beginning of these."""
        left = [call for call in self._calls if not call.is_stated and _may_be(call, item)]
        stated = canonical(text)
        candidates = (
            self._index.find(keys_of(item.id, None, item.call_id)),
            next((call for call in left if call.arguments.text and call.arguments.canonical == stated), None),
            self._index.find(keys_of(None, output_index)),
            next((call for call in left if not call.is_finished and text.startswith(call.arguments.text)), None),
        )
        return next((call for call in candidates if call is not None and call in left), None)

    def _new(self, given_id: str | None) -> OpenCall:
        if len(self._calls) == MAX_CALLS:
            raise LimitExceeded(f"called more than {MAX_CALLS} tools in one answer")
        new_id = call_id(given_id, [call.call_id for call in self._calls])
        call = OpenCall(call_id=new_id, arguments=ToolArguments())
        self._calls.append(call)
        return call

    def _name(self, call: OpenCall, name: str | None) -> Iterator[llm.Event]:
        if name and not call.name:
            call.name = checked_name(name)
            yield llm.ToolCallStarted(call_id=call.call_id, name=name)
            yield from self._pass_on(call, call.arguments.passed_on)

    def _complete(self, call: OpenCall, text: str) -> Iterator[llm.Event]:
        """Finish ``call`` once, if its name is known; first pass on the part of ``text`` that was not streamed."""
        if call.is_finished:
            return
        yield from self._pass_on(call, call.arguments.complete(text) if text else "")
        if call.name:
            call.is_finished = True
            yield from self._pass_on(call, call.arguments.finish())
            yield tool_validation.finished(call.call_id, call.name, call.arguments.text, self._tools)

    def _pass_on(self, call: OpenCall, text: str) -> Iterator[llm.Event]:
        if text and call.name:
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=text)


def _may_be(call: OpenCall, item: wire.Item) -> bool:
    return not (call.name and item.name) or call.name == item.name
