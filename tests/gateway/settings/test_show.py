"""What ``config`` prints can be read again and means the same, and shows no secret."""

from pathlib import Path

import msgspec
import pytest

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


def test_upstreams_are_shown_with_what_differs_from_their_route(tmp_path: Path) -> None:
    first = tmp_path / "first.toml"
    first.write_text(
        'llm_backend = "chat-completions"\n[[routes]]\nname = "a"\nresponses_api_base_url = "http://one/v1"\n'
        'upstreams = [{ name = "one" }, { name = "two", weight = 2, responses_api_base_url = "http://two/v1",'
        ' responses_api_api_key = "sk-private", model_name = "tuned" }]\n'
    )
    shown = effective(load([str(first)], {}))
    assert "sk-private" not in shown
    second = tmp_path / "second.toml"
    second.write_text(shown, encoding="utf-8")
    one, two = load([str(second)], {}).routes[0].upstreams
    assert [(one.name, one.weight), (two.name, two.weight)] == [("one", 1.0), ("two", 2.0)]
    assert [one.settings.model_name, two.settings.model_name] == ["gpt-4o-mini", "tuned"]
    hosts = [getattr(each.settings, "responses_api_base_url") for each in (one, two)]  # noqa: B009 - of an engine
    assert hosts == ["http://one/v1", "http://two/v1"]
    assert one.origins["responses_api_max_retries"] == f"file {second}"


def test_secrets_are_masked() -> None:
    shown = effective(load(["--responses_api_stream"], {"OPENAI_API_KEY": "sk-private"}))
    assert "sk-private" not in shown
    (line,) = [line for line in shown.splitlines() if "responses_api_api_key =" in line]
    assert line.startswith('# responses_api_api_key = "***"')
    assert line.endswith("# environment OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:hidden@localhost/v1", '# responses_api_base_url = "http://***@localhost/v1"'),
        ("https://host/v1?key=hidden", '# responses_api_base_url = "https://host/v1?***"'),
        ("http://user:hid/den@host/v1", '# responses_api_base_url = "http://***@host/v1"'),
        ("http://localhost/v1", 'responses_api_base_url = "http://localhost/v1"'),
    ],
)
def test_a_url_is_shown_without_its_secrets(tmp_path: Path, url: str, shown: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(f'llm_backend = "echo"\n[[routes]]\nname = "a"\nresponses_api_base_url = "{url}"\n')
    for loaded in (load(["--responses_api_base_url", url], {}), load([str(path)], {})):
        lines = effective(loaded).splitlines()
        assert shown in [line.rpartition("  # ")[0].strip() for line in lines]
        assert "hid" not in "".join(line for line in lines if "base_url" in line)


def test_urls_inside_tables_are_shown_without_their_secrets() -> None:
    body = '{"proxy": "http://u:hidden@host", "hooks": ["http://u:hidden@host"], "n": null}'
    shown = effective(load(["--responses_api_extra_body", body], {}))
    assert "hidden" not in shown
    assert '# responses_api_extra_body = {"proxy": "http://***@host", "hooks": ["http://***@host"], "n": null}' in shown


def test_a_text_that_is_no_url_is_shown_as_it_is() -> None:
    prompt = "Ask a@b.example? See https://host/@me?x=1 for more."
    assert f'init_chat_prompt = "{prompt}"' in effective(load(["--init_chat_prompt", prompt], {}))


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
