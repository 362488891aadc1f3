"""What is shown is of one moment, from all places where it is counted."""

import prometheus_client

from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring
from gateway.access.limits import Limits
from gateway.access.meter import LocalMeter
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.sight import Sight
from tests.support.metrics import Scrape


async def test_counts_and_limits_are_shown_together() -> None:
    measured, meter = Metrics(), LocalMeter(Limits(tokens_per_day=9), 31)
    measured.count_answer("speech", 200)
    ann = Caller(name="ann", limits=Limits(requests_per_minute=5))
    await meter.take(ann, "turns")
    sight = Sight(measured, meter, Keyring([Key(digests=(b"1", b"2"), caller=ann)]))
    seen = Scrape(prometheus_client.generate_latest(await sight.seen()).decode())
    assert seen.value("answers_total", surface="speech") == 1
    assert seen.value("limit", key="ann", quantity="requests", period="minute") == 5
    assert seen.value("limit_used", key="ann", quantity="requests", period="minute") == 1
    assert seen.value("limit", key="everybody", quantity="tokens", period="day") == 9
