"""What ``config`` prints can be read again and means the same, and shows no secret."""

from pathlib import Path

import msgspec

from gateway.settings.load import load
from gateway.settings.show import effective


def test_what_is_shown_loads_the_same(tmp_path: Path) -> None:
    first = tmp_path / "first.toml"
    first.write_text(
        'speed = 1.5\n[[routes]]\nname = "a"\nllm_backend = "echo"\n[[routes]]\nname = "b"\nvoice = "echo"\n'
    )
    words = [
        "--init_chat_prompt",
        'Say "é"\\\n\x7f\tplease',
        "--llm_gen_top_k",
        "5",
        "--llm_gen_stop",
        '["a", {"b": 1}]',
    ]
    words += ["--responses_api_extra_body", '{"a b": {"c": [1.5, true]}}', "--responses_api_stop", "END"]
    loaded = load([str(first), *words], {})
    second = tmp_path / "second.toml"
    second.write_text(effective(loaded), encoding="utf-8")
    again = load([str(second)], {})
    assert msgspec.structs.replace(again.settings, config=None) == msgspec.structs.replace(loaded.settings, config=None)
    assert [(route.name, route.aliases) for route in again.routes] == [("a", ()), ("b", ())]
    assert [route.settings.llm_backend for route in again.routes] == ["echo", "responses-api"]
    assert [route.settings.voice for route in again.routes] == ["alloy", "echo"]


def test_secrets_are_masked() -> None:
    shown = effective(load(["--responses_api_stream"], {"OPENAI_API_KEY": "sk-private"}))
    assert "sk-private" not in shown
    (line,) = [line for line in shown.splitlines() if "responses_api_api_key =" in line]
    assert line.startswith('# responses_api_api_key = "***"')
    assert line.endswith("# environment OPENAI_API_KEY")


def test_what_toml_cannot_say_is_commented_out() -> None:
    lines = effective(load(["--llm_gen_x", '{"y": null}', "--llm_gen_z", "null"], {})).splitlines()
    assert [line.rpartition("  # ")[0].strip() for line in lines if line.startswith("# llm_gen_")] == [
        '# llm_gen_x = {"y": null}',
        "# llm_gen_z =",
    ]


def test_origins_stand_in_one_column() -> None:
    lines = effective(load([], {})).splitlines()
    columns = {line.rindex("  # ") for line in lines if line.endswith("# default") and len(line) < 80}
    assert len(columns) == 1
