"""Every command line of the reference gives the backend and the settings that its users know."""

import shlex
from typing import Any

import pytest

from adapters.options import Secret
from gateway.settings.load import load

QWEN = "Qwen/Qwen3-4B-Instruct-2507"
MLX_QWEN = "mlx-community/Qwen3-4B-Instruct-2507-bf16"
HUB = "https://router.huggingface.co/v1"
LOCAL = "http://localhost:8000/v1"

# The words, the backend they choose, what they set.
REFERENCE: list[tuple[str, str, dict[str, Any]]] = [
    (f"--llm_backend transformers --model_name {QWEN}", "transformers", {"model_name": QWEN}),
    (f"--llm_backend mlx-lm --model_name {MLX_QWEN}", "mlx-lm", {"model_name": MLX_QWEN}),
    ("--llm_backend responses-api --model_name gpt-4o-mini", "responses-api", {"model_name": "gpt-4o-mini"}),
    (
        f"--llm_backend chat-completions --model_name {QWEN} --responses_api_base_url {LOCAL}",
        "chat-completions",
        {"model_name": QWEN, "responses_api_base_url": LOCAL},
    ),
    (f"--model_name {QWEN}", "transformers", {"model_name": QWEN}),
    ("--user_role user", "echo", {"user_role": "user", "model_name": "echo"}),
    ("--init_chat_role system", "echo", {"init_chat_role": "system"}),
    (
        '--init_chat_prompt "You are a concise voice assistant. Keep answers under 15 words."',
        "echo",
        {"init_chat_prompt": "You are a concise voice assistant. Keep answers under 15 words."},
    ),
    ("--chat_size 20", "echo", {"chat_size": 20}),
    ("--stream_batch_sentences 1", "echo", {"stream_batch_sentences": 1}),
    ("--enable_lang_prompt", "echo", {"enable_lang_prompt": True}),
    ("--compact_history false", "echo", {"compact_history": False}),
    ("--llm_backend transformers --llm_device cuda", "transformers", {"llm_device": "cuda", "model_name": QWEN}),
    ("--llm_backend transformers --llm_torch_dtype bfloat16", "transformers", {"llm_torch_dtype": "bfloat16"}),
    ("--llm_gen_max_new_tokens 512", "transformers", {"llm_gen": {"max_new_tokens": 512}}),
    ("--llm_gen_min_new_tokens 5", "transformers", {"llm_gen": {"min_new_tokens": 5}}),
    (
        "--llm_gen_temperature 0.7 --llm_gen_do_sample",
        "transformers",
        {"llm_gen": {"temperature": 0.7, "do_sample": True}},
    ),
    (
        "--llm_backend transformers --llm_is_vlm --model_name llava-hf/llava-1.5-7b-hf",
        "transformers",
        {"llm_is_vlm": True, "model_name": "llava-hf/llava-1.5-7b-hf"},
    ),
    (
        f"--llm_backend mlx-lm --model_name {MLX_QWEN} --chat_size 20 --stream_batch_sentences 1",
        "mlx-lm",
        {"model_name": MLX_QWEN, "chat_size": 20, "stream_batch_sentences": 1},
    ),
    (
        "--llm_backend transformers --llm_device cuda --llm_torch_dtype bfloat16"
        f" --model_name {QWEN} --llm_gen_max_new_tokens 512",
        "transformers",
        {"llm_device": "cuda", "llm_torch_dtype": "bfloat16", "llm_gen": {"max_new_tokens": 512}},
    ),
    (
        "--llm_backend responses-api --responses_api_api_key sk-...",
        "responses-api",
        {"responses_api_api_key": Secret("sk-..."), "model_name": "gpt-4o-mini"},
    ),
    (
        f'--llm_backend responses-api --responses_api_base_url {HUB} --responses_api_api_key "hf-token"',
        "responses-api",
        {"responses_api_base_url": HUB, "responses_api_api_key": Secret("hf-token")},
    ),
    ("--llm_backend responses-api --responses_api_stream", "responses-api", {"responses_api_stream": True}),
    (
        "--llm_backend responses-api --responses_api_disable_thinking",
        "responses-api",
        {"responses_api_disable_thinking": True},
    ),
    (
        f'--llm_backend responses-api --model_name "Qwen/Qwen3.5-9B:together" --responses_api_base_url {HUB}'
        ' --responses_api_api_key "hf-token" --responses_api_stream',
        "responses-api",
        {"model_name": "Qwen/Qwen3.5-9B:together", "responses_api_base_url": HUB, "responses_api_stream": True},
    ),
    (
        "--llm_backend chat-completions --responses_api_reasoning_effort none",
        "chat-completions",
        {"responses_api_reasoning_effort": "none", "model_name": "gpt-4o-mini"},
    ),
    (
        f'--mode realtime --llm_backend chat-completions --model_name "{QWEN}"'
        f" --responses_api_base_url {LOCAL} --responses_api_stream",
        "chat-completions",
        {"mode": "realtime", "model_name": QWEN, "responses_api_base_url": LOCAL},
    ),
    (
        '--mode realtime --llm_backend chat-completions --model_name "google/gemma-4-31B-it:cerebras"'
        f' --responses_api_base_url {HUB} --responses_api_api_key "hf-token"'
        " --responses_api_reasoning_effort none --responses_api_stream",
        "chat-completions",
        {"mode": "realtime", "model_name": "google/gemma-4-31B-it:cerebras", "responses_api_reasoning_effort": "none"},
    ),
    (
        "--llm_gen_temperature 0.7 --llm_gen_top_p 0.9",
        "transformers",
        {"llm_gen": {"temperature": 0.7, "top_p": 0.9}},
    ),
    (
        "--llm_gen_do_sample --llm_gen_temperature 0.5",
        "transformers",
        {"llm_gen": {"do_sample": True, "temperature": 0.5}},
    ),
    (
        "OPENAI_API_KEY=sk-... --llm_backend responses-api --model_name gpt-4o-mini --responses_api_stream",
        "responses-api",
        {"responses_api_api_key": Secret("sk-..."), "model_name": "gpt-4o-mini"},
    ),
]


@pytest.mark.parametrize(("words", "backend", "expected"), REFERENCE, ids=[words for words, _, _ in REFERENCE])
def test_reference(words: str, backend: str, expected: dict[str, Any]) -> None:
    split = shlex.split(words)
    environment = dict(word.split("=", 1) for word in split if word.startswith("OPENAI"))
    loaded = load([word for word in split if not word.startswith("OPENAI")], environment)
    assert loaded.settings.llm_backend == backend
    assert {key: getattr(loaded.settings, key) for key in expected} == expected
    (route,) = loaded.routes
    assert route.name == loaded.settings.model_name
    assert set(route.aliases) == {"s2s", "*"}
    assert route.settings == loaded.settings
