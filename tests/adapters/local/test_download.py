"""The reports of a download: added up, and none after its end."""

import msgspec

from adapters.local.download import _Reports
from adapters.local.weights import Progress


def test_what_a_thread_tells_after_the_end_is_not_sent() -> None:
    sent: list[bytes] = []
    reports = _Reports(sent.append)
    reports.add(2, 10)
    reports.add(3, 10)
    reports.end()
    reports.add(5, 10)
    assert [msgspec.msgpack.decode(each, type=Progress) for each in sent] == [
        Progress(done=2, total=10),
        Progress(done=5, total=10),
    ]
