"""Every source file has its test at the same place, or stands here with the reason why it is tested elsewhere."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    str(path.relative_to(ROOT)) for folder in ("adapters", "gateway") for path in (ROOT / folder).rglob("*.py")
)

ELSEWHERE = {
    "gateway/api/models/translate.py": ("tests/gateway/api/models/test_routes.py", "it is seen whole over the socket"),
    "gateway/api/speech_to_speech/response.py": (
        "tests/gateway/api/speech_to_speech/test_streaming.py",
        "the order of its parts matters on the wire",
    ),
    "gateway/cli/answer_file.py": ("tests/gateway/cli/test_ask.py", "only the command writes such a file"),
    "gateway/conversation/build.py": ("tests/gateway/conversation/test_store.py", "its settings are what stores do"),
    "gateway/conversation/history.py": (
        "tests/gateway/turns/test_conversation_turn.py",
        "a lease lasts as long as the turn that holds it",
    ),
    "gateway/conversation/memory_store.py": ("tests/gateway/conversation/test_store.py", "one suite for all stores"),
    "gateway/conversation/redis_store.py": ("tests/gateway/conversation/test_store.py", "one suite for all stores"),
    "gateway/engines/route.py": ("tests/gateway/engines/test_lifecycle.py", "its state is what loading makes of it"),
    "gateway/http/form.py": (
        "tests/gateway/api/speech_to_speech/test_bad_input.py",
        "bodies are read from a socket, whole and broken",
    ),
    "gateway/http/request_id.py": ("tests/gateway/http/test_errors.py", "every answer has the id, refusals too"),
    "gateway/pipeline/encoded.py": (
        "tests/gateway/api/speech_to_speech/test_sdk.py",
        "its bytes are a file that a client can open",
    ),
    "gateway/turns/tally.py": ("tests/gateway/turns/test_conversation_turn.py", "its sums are those of a whole turn"),
}
"""The source, the test that would turn red, and why it is there."""

NOT_YET_HELD_TO_IT = ("adapters/", "gateway/settings/", "gateway/text/")
"""Where a missing test is only counted, until these folders keep the rule too."""


def has_behaviour(source: str) -> bool:
    """Whether a file does anything: types and constants alone need no test."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def mirror(source: str) -> Path:
    path = ROOT / "tests" / source
    return path.with_name(f"test_{path.name}")


HELD_TO_IT = [each for each in SOURCES if not each.startswith(NOT_YET_HELD_TO_IT) and has_behaviour(each)]


@pytest.mark.parametrize("source", HELD_TO_IT)
def test_a_source_has_its_test(source: str) -> None:
    assert mirror(source).exists() != (source in ELSEWHERE), "a test at the same place, or a line in ELSEWHERE"


def test_the_rest_has_its_tests() -> None:
    rest = [each for each in SOURCES if each.startswith(NOT_YET_HELD_TO_IT) and has_behaviour(each)]
    if missing := [each for each in rest if not mirror(each).exists()]:
        pytest.xfail(f"{len(missing)} sources have no test of their own: {', '.join(missing)}")


def test_the_list_names_files_that_exist() -> None:
    assert [
        source for source, (test, _) in ELSEWHERE.items() if source not in SOURCES or not (ROOT / test).exists()
    ] == []
