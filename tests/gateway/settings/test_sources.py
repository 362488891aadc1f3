"""Configuration files: mistakes are named with their place, before anything starts."""

from pathlib import Path

import pytest

from gateway.settings.model import SettingsError
from gateway.settings.sources import read_environment, read_file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("chat_sise = 3", "unknown key 'chat_sise': did you mean chat_size?"),
        ("route = []", "unknown key 'route': did you mean routes?"),
        ("port = '80'", "port '80' cannot be used: expected int, got str"),
        ("speed = true", "speed True cannot be used: expected float, got bool"),
        ("max_audio_seconds = inf", "expected a finite number"),
        ("stt = ['a']", "is not one of faster-whisper, openai, pocketsphinx"),
        ("config = 'other.toml'", "'config' names the file itself"),
        ("responses_api_api_key = 123456", "responses_api_api_key must be a string"),
        ("[responses_api_api_key]\nsecret = 'sk-private'", "responses_api_api_key must be a string"),
        ("llm_gen = 3", "llm_gen 3 cannot be used: expected object, got int"),
        ("port = ", "is malformed"),
        ("routes = 3", "'routes' must be a list of tables"),
        ("[routes]\nname = 'a'", "'routes' must be a list of tables"),
        ("[[routes]]\nvoice = 'echo'", "route 1 needs a 'name'"),
        ("[[routes]]\nname = ''", "route 1 has an empty name"),
        ("[[routes]]\nname = 'a'\naliases = 'b'", "lists of 'aliases'"),
        ("[[routes]]\nname = 'a'\nport = 1", "'port' is set for the whole server, not in route 'a'"),
        ("[[routes]]\nname = 'a'\nconfig = 'x'", "'config' is set for the whole server, not in route 'a'"),
        ("[[routes]]\nname = 'a'\nvoise = 'x'", "route 'a': unknown key 'voise': did you mean voice?"),
        ("[[routes]]\nname = 'a'\n[[routes]]\nname = 'a'", "routes 'a' and 'a' both have the name 'a'"),
        ("[[routes]]\nname = 'a'\n[[routes]]\nname = 'b'\naliases = ['a']", "'a' and 'b' both have the name 'a'"),
    ],
)
def test_mistakes(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(content)
    with pytest.raises(SettingsError) as raised:
        read_file(str(path))
    assert message in str(raised.value)
    assert str(path) in str(raised.value)
    assert "sk-private" not in str(raised.value)


@pytest.mark.parametrize("content", [b"[1]", b'{"port": 1', b'\xff\xfe{"port": 1}', b""])
def test_malformed_json(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"gateway\.json"):
        read_file(str(path))


def test_malformed_bytes_in_toml(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"voice = '\xff'")
    with pytest.raises(SettingsError, match="is malformed"):
        read_file(str(path))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        read_file(str(tmp_path / "folder.toml"))


def test_environment() -> None:
    settings, warnings = read_environment({"S2S_PORT": "1", "S2S_port": "2", "PORT": "3", "S2S_QQQ": "4"})
    assert {key: (setting.value, setting.origin) for key, setting in settings.items()} == {
        "port": (1, "environment S2S_PORT")
    }
    assert [warning.partition(" ")[0] for warning in warnings] == ["S2S_QQQ", "S2S_port"]


def test_an_empty_variable_is_not_set() -> None:
    empty = {"S2S_PORT": "", "S2S_VOICE": "", "S2S_COMPACT_HISTORY": "", "S2S_LLM_GEN_SEED": "", "S2S_QQQ": ""}
    assert read_environment(empty) == ({}, [])


SERVICES = {
    "S2S_PORT": "tcp://10.0.0.1:80",
    "S2S_PORT_80_TCP": "tcp://10.0.0.1:80",
    "S2S_PORT_80_TCP_ADDR": "10.0.0.1",
    "S2S_PORT_80_TCP_PORT": "80",
    "S2S_PORT_80_TCP_PROTO": "tcp",
    "S2S_SERVICE_HOST": "10.0.0.1",
    "S2S_SERVICE_PORT": "80",
    "S2S_SERVICE_PORT_HTTP": "80",
    "S2S_VOICE_PORT": "udp://10.0.0.2:53",
    "S2S_VOICE_PORT_53_UDP_PORT": "53",
    "S2S_VOICE_SERVICE_HOST": "10.0.0.2",
}
"""What a pod finds beside the Services s2s and s2s-voice."""


def test_services_of_kubernetes_are_ignored_with_a_line() -> None:
    settings, warnings = read_environment(SERVICES | {"S2S_VOICE": "nova", "S2S_QQQ": "1"})
    assert {key: setting.value for key, setting in settings.items()} == {"voice": "nova"}
    links, unknown = warnings
    assert links.startswith(f"{', '.join(sorted(SERVICES))}: ignored, because Kubernetes sets such variables")
    assert unknown.startswith("S2S_QQQ in the environment is not a setting")


@pytest.mark.parametrize("port", ["80", "tcp", "10.0.0.1:80"])
def test_a_port_that_somebody_sets_is_a_setting(port: str) -> None:
    if port.isdigit():
        assert read_environment({"S2S_PORT": port})[0]["port"].value == int(port)
    else:
        with pytest.raises(SettingsError, match="S2S_PORT"):
            read_environment({"S2S_PORT": port})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("ending", "text"), [("toml", 'voice = "é"'), ("json", '{"voice": "é"}')])
def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path, encoding: str, ending: str, text: str) -> None:
    path = tmp_path / f"gateway.{ending}"
    path.write_bytes(text.encode(encoding))
    assert read_file(str(path)).settings["voice"].value == "é"


def test_mistake_in_the_environment() -> None:
    with pytest.raises(SettingsError, match="S2S_PORT 'x' cannot be used"):
        read_environment({"S2S_PORT": "x"})
