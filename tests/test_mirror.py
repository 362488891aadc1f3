"""Every source file has its test at the same place, or stands here with the reason why it is tested elsewhere."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    str(path.relative_to(ROOT)) for folder in ("adapters", "gateway") for path in (ROOT / folder).rglob("*.py")
)

ELSEWHERE = {
    "gateway/api/chat_completions/response.py": (
        "tests/gateway/api/chat_completions/test_sdk.py",
        "whole and in chunks, it is what the SDK reads",
    ),
    "gateway/api/models/translate.py": ("tests/gateway/api/models/test_routes.py", "it is seen whole over the socket"),
    "gateway/engines/loading.py": ("tests/gateway/engines/test_lifecycle.py", "what is loaded is seen of the gateway"),
    "gateway/api/responses/events.py": ("tests/gateway/api/responses/test_writer.py", "events are made there"),
    "gateway/api/responses/translate.py": (
        "tests/gateway/api/responses/test_routes.py",
        "what is asked for is seen at the model, and in the response",
    ),
    "gateway/realtime/session/answer_plan.py": (
        "tests/gateway/realtime/session/test_responses.py",
        "what is asked is seen in the commands of a session",
    ),
    "gateway/api/realtime/client_secrets.py": (
        "tests/gateway/api/realtime/test_access.py",
        "a secret is what it opens",
    ),
    "gateway/api/realtime/openapi.py": ("tests/gateway/http/test_openapi.py", "the description is checked whole"),
    "gateway/webrtc/call.py": ("tests/gateway/api/realtime/test_calls.py", "a call is seen whole over real sockets"),
    "gateway/webrtc/calls.py": (
        "tests/gateway/api/realtime/test_calls.py",
        "whose a call is shows there",
    ),
    "gateway/realtime/answer_run.py": (
        "tests/gateway/realtime/test_answering.py",
        "what is held back, and when, shows in what is told",
    ),
    "gateway/realtime/hearing/transcribing.py": (
        "tests/gateway/realtime/test_driver.py",
        "transcripts are those of items",
    ),
    "gateway/realtime/protocol/response_events.py": (
        "tests/gateway/realtime/session/test_work_ahead.py",
        "usage is seen in the events of a session",
    ),
    "gateway/realtime/session/session_state.py": (
        "tests/gateway/realtime/session/test_session.py",
        "all parts of a session share it",
    ),
    "gateway/realtime/session/transcripts.py": (
        "tests/gateway/realtime/session/test_turn_taking.py",
        "words are part of turns",
    ),
    "gateway/realtime/session/turn.py": (
        "tests/gateway/realtime/session/test_turn_taking.py",
        "what a turn is shows in its course",
    ),
    "gateway/wire/invalid_fields.py": (
        "tests/gateway/http/test_validation.py",
        "it words what is wrong with whole requests",
    ),
    "gateway/wire/kept_items.py": (
        "tests/gateway/api/responses/test_retrieval.py",
        "what is kept is made by whole turns",
    ),
    "gateway/wire/passed_items.py": (
        "tests/gateway/api/responses/test_passed_response.py",
        "what of a request is kept shows when it is continued",
    ),
    "gateway/wire/step_messages.py": (
        "tests/gateway/api/conversations/test_edits.py",
        "what is left of a step is made by whole turns",
    ),
    "gateway/api/voices/translate.py": ("tests/gateway/api/voices/test_routes.py", "it is seen whole over the socket"),
    "gateway/api/speech/response.py": (
        "tests/gateway/api/speech/test_routes.py",
        "what it does is seen on the wire",
    ),
    "gateway/http/spoken_answer.py": (
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
    "gateway/http/voice_turns.py": (
        "tests/gateway/api/speech_to_speech/test_routes.py",
        "it is what that route does with a request",
    ),
    "gateway/http/recording_operation.py": (
        "tests/gateway/api/transcriptions/test_openapi.py",
        "it is seen in the routes that it describes",
    ),
    "gateway/http/request_id.py": ("tests/gateway/http/test_errors.py", "every answer has the id, refusals too"),
    "gateway/audio/ffmpeg.py": ("tests/gateway/audio/test_decode.py", "a recording is decoded, or refused, as a whole"),
    "gateway/audio/refusals.py": ("tests/gateway/audio/test_decode.py", "its words are those of a refused recording"),
    "gateway/redis_client.py": ("tests/gateway/conversation/test_store.py", "it needs a real server"),
    "gateway/settings/model.py": ("tests/gateway/settings/test_load.py", "settings are declared here and made there"),
    "gateway/settings/options.py": ("tests/gateway/settings/test_flags.py", "what it reads comes from flags"),
    "gateway/text/normalization/verbalizer.py": (
        "tests/gateway/text/normalization/test_normalizer.py",
        "the order of its steps shows in whole sentences",
    ),
    "gateway/text/segmentation/": ("tests/gateway/text/segmentation/test_segmenter.py", "tables of whole sentences"),
    "adapters/blocking/limits.py": (
        "tests/adapters/blocking/test_processes.py",
        "limits are those of a process",
    ),
    "adapters/blocking/worker_process.py": ("tests/adapters/blocking/test_processes.py", "only a pool makes one"),
    "adapters/blocking/worker.py": ("tests/adapters/blocking/test_processes.py", "a worker is a process of its own"),
    "adapters/contract/audio.py": ("tests/gateway/audio/test_resample.py", "one division, used by every stage"),
    "adapters/contract/errors.py": ("tests/gateway/http/test_errors.py", "every class is walked there"),
    "adapters/contract/checks/": ("tests/contract/test_checks.py", "each check fails on a broken engine there"),
    "adapters/llm/answer_limits.py": ("tests/adapters/llm/test_stream_fuzzing.py", "limits are those of whole answers"),
    "adapters/llm/chat_completions/adapter.py": ("tests/adapters/llm/test_over_http.py", "one suite for both APIs"),
    "adapters/llm/responses/adapter.py": ("tests/adapters/llm/test_over_http.py", "one suite for both APIs"),
    "adapters/llm/json_schema/": ("tests/adapters/llm/json_schema/test_validator.py", "rules show in whole schemas"),
    "adapters/llm/transformers/sequential.py": (
        "tests/adapters/llm/transformers/test_adapter.py",
        "one suite for both ways to generate",
    ),
    "adapters/stt/faster_whisper/batched.py": (
        "tests/adapters/stt/faster_whisper/test_adapter.py",
        "what is recognised together needs a real model",
    ),
    "adapters/stt/local_recogniser.py": (
        "tests/adapters/stt/transformers/test_adapter.py",
        "it is half of each of its engines",
    ),
    "adapters/stt/openai/reader.py": ("tests/adapters/stt/openai/test_adapter.py", "it reads what a server sends"),
    "adapters/stt/openai/wire.py": ("tests/adapters/stt/openai/test_adapter.py", "it is what a server sends"),
    "adapters/stt/recognition.py": ("tests/adapters/stt/transformers/test_batched.py", "it is what a batch is given"),
    "adapters/upstream/forwarding.py": ("tests/gateway/turns/test_passed_turn.py", "bytes are compared over sockets"),
    "adapters/upstream/timed_response.py": (
        "tests/adapters/upstream/test_attempt_time_limits.py",
        "its limits are those of an attempt",
    ),
    "adapters/upstream/audio_answer.py": ("tests/adapters/tts/openai/test_adapter.py", "its users are synthesisers"),
    "adapters/tts/openai/audio_file.py": ("tests/adapters/tts/openai/test_adapter.py", "files come from a server"),
    "adapters/tts/transformers/": ("tests/adapters/tts/transformers/test_adapter.py", "tiny models are made there"),
    "adapters/tts/limits.py": ("tests/adapters/tts/espeak/test_adapter.py", "its limits are those of every engine"),
    "adapters/upstream/probe/server_probe.py": ("tests/gateway/cli/test_check.py", "it is what check prints"),
    "gateway/telemetry/engine_metrics.py": (
        "tests/gateway/api/metrics/test_routes.py",
        "metrics are what Prometheus reads",
    ),
    "gateway/telemetry/metrics.py": ("tests/gateway/api/metrics/test_routes.py", "metrics are what Prometheus reads"),
    "adapters/contract/request_context.py": (
        "tests/gateway/http/test_request_naming.py",
        "it is what other servers are told",
    ),
    "gateway/turns/tally.py": ("tests/gateway/turns/test_conversation_turn.py", "its sums are those of a whole turn"),
}
"""The source, or folder of sources, the test that would turn red, and why it is there."""


def has_behaviour(source: str) -> bool:
    """Whether a file does anything: types, constants and protocols alone need no test."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(len(function.body) > 1 or not ast.get_docstring(function) for function in functions)


def mirror(source: str) -> Path:
    path = ROOT / "tests" / source
    return path.with_name(f"test_{path.name}")


def is_listed(source: str) -> bool:
    """Whether the file, or its folder, stands in the list."""
    return source in ELSEWHERE or f"{source.rpartition('/')[0]}/" in ELSEWHERE


@pytest.mark.parametrize("source", [each for each in SOURCES if has_behaviour(each)])
def test_a_source_has_its_test(source: str) -> None:
    assert mirror(source).exists() or is_listed(source), "a test at the same place, or a line in ELSEWHERE"
    assert not (mirror(source).exists() and source in ELSEWHERE), "there is a test now: the line in ELSEWHERE can go"


def test_the_list_names_files_that_exist() -> None:
    assert [
        source for source, (test, _) in ELSEWHERE.items() if not (ROOT / source).exists() or not (ROOT / test).exists()
    ] == []
