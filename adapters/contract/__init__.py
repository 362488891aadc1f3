"""The streaming contract that every engine and every consumer shares; standard library and msgspec only.

A stream is an async generator of frozen events. It does nothing until it is iterated, yields ``Started`` once and
first (the request was admitted: connected, model loaded, out of the queue), then content events, then ``Finished`` once
and last. It fails by raising one class of ``adapters.contract.errors`` and is cancelled by closing it: when
``aclose()`` returns, the upstream connection or the model has been released. Only the task that reads a stream closes
it; every other task cancels that one.
"""
