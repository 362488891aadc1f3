"""A record is one line in which everything can be seen, and an exception does not quote anybody."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.contract.request_context import RequestContext, current_request
from gateway.telemetry.log_format import JsonFormatter, TextFormatter, printable


def record(message: str, *arguments: object, failure: Any = None, name: str = "gateway") -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, __file__, 1, message, arguments, failure)


def formatted(message: str, *arguments: object, failed: bool = False) -> str:
    failure = sys.exc_info() if failed else None
    return TextFormatter().format(record(message, *arguments, failure=failure))


def test_a_line_has_its_time_level_and_source() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO gateway: Grüße, 名, 😀", formatted("Grüße, %s, 😀", "名")
    )


@pytest.mark.parametrize(
    "character",
    [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", "\u202e", "\u2066", "\u061c", "\ud800"],
    ids=ascii,
)
def test_what_cannot_be_seen_is_escaped(character: str) -> None:
    line = formatted("the model %s", f"a{character}b")
    assert line.endswith(f"the model a{character.encode('unicode_escape').decode()}b")
    assert formatted(f"a{character}b").isprintable()


def test_what_can_be_seen_stays() -> None:
    text = "a b \\n 'quoted' é ü ß 名前 עברית عربى 👩‍👩‍👧 \u200d\u200c"
    assert printable(text) == text


def test_a_failure_is_named_with_the_places_it_passed_and_without_its_message() -> None:
    try:
        raise ValueError("my bank account is 1234")
    except ValueError:
        line = formatted("it failed:", failed=True)
    assert re.search(r"it failed: ValueError, \S+test_log_format\.py:\d+ test_a_failure", line)
    assert "1234" not in line


@pytest.fixture
def of_a_request() -> Iterator[None]:
    before = current_request.set(RequestContext(request_id="req_7", surface="speech"))
    yield
    current_request.reset(before)


@pytest.mark.usefixtures("of_a_request")
def test_a_line_ends_with_its_request() -> None:
    assert formatted("it begins").endswith("it begins request_id=req_7")
    assert formatted("req_7 begins").endswith("req_7 begins"), "once is enough"


@pytest.mark.usefixtures("of_a_request")
def test_json_is_one_line_for_programs() -> None:
    try:
        raise ValueError("my bank account is 1234")
    except ValueError:
        line = JsonFormatter().format(record("it\nfailed %s", "\u202ehere", failure=sys.exc_info()))
    assert "\n" not in line
    assert "1234" not in line
    fields = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields.pop("time"))
    assert fields.pop("message").startswith("it\\nfailed \\u202ehere ValueError, ")
    assert fields == {"level": "info", "logger": "gateway", "request_id": "req_7"}


LOGGING = """
import logging
from gateway.telemetry.log_format import configure_logging
configure_logging("text", "debug")
for name in ("gateway.x", "adapters.x", "httpx", "openai._base_client", "urllib3"):
    for level in ("debug", "info", "warning"):
        getattr(logging.getLogger(name), level)("%s of %s", level, name)
for _ in range(3):
    logging.getLogger("opentelemetry.exporter").error("cannot send")
"""


def test_others_only_warn_and_an_outage_is_said_once() -> None:
    done = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)
    lines = [line.split(": ", 1)[1] for line in done.stderr.splitlines()]
    assert lines == [
        *(f"{level} of {name}" for name in ("gateway.x", "adapters.x") for level in ("debug", "info", "warning")),
        *(f"warning of {name}" for name in ("httpx", "openai._base_client", "urllib3")),
        "cannot send",
    ]
