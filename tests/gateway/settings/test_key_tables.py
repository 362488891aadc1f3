"""The keys of a file: each mistake is one sentence, which shows no key."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.options import BadOption
from gateway.access.keys import Keyring, hash_of
from gateway.access.limits import Limits
from gateway.settings.load import load
from gateway.settings.model import Loaded, SettingsError
from gateway.settings.show import effective

PLAIN = "sk-a-key-that-is-long-enough"
HASH = hash_of(PLAIN)


def loaded(tmp_path: Path, text: str) -> Loaded:
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    return load([str(path)], {})


def test_everything_that_a_key_can_say(tmp_path: Path) -> None:
    text = f"""
        [[keys]]
        name = "phone"
        hash = "{HASH}"
        routes = ["fast"]
        surfaces = ["speech"]
        expires = 2030-01-31T00:00:00Z
        disabled = true
        limits.requests_per_minute = 5
        [[keys]]
        name = "me"
        hash = "{hash_of("another key")}"
        admin = true
    """
    phone, me = loaded(tmp_path, text).keys
    assert phone.digests[0].hex() == HASH.removeprefix("sha256:")
    assert (phone.caller.routes, phone.caller.surfaces) == (("fast",), ("speech",))
    assert phone.caller.limits == Limits(requests_per_minute=5)
    assert phone.disabled
    assert phone.expires is not None
    assert phone.expires.year == 2030
    assert (me.caller.name, me.caller.admin, me.caller.routes, me.expires) == ("me", True, None, None)


def test_two_hashes_while_a_key_is_replaced(tmp_path: Path) -> None:
    new = "sk-the-key-that-replaces-it"
    (key,) = loaded(tmp_path, f'[[keys]]\nname = "phone"\nhash = ["{HASH}", "{hash_of(new)}"]\n').keys
    keyring = Keyring([key])
    now = datetime.now(UTC)
    assert keyring.caller(PLAIN, now) == keyring.caller(new, now) == key.caller
    assert keyring.callers == [key.caller]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (f'name = "a"\nhash = ["{HASH}", "{PLAIN}"]', "has a 'hash' that is none: 'sha256:' and 64"),
        ('name = "a"\nhash = []', "hash"),
        (f'hash = "{HASH}"', "it lacks 'name'"),
        (f'name = "a b"\nhash = "{HASH}"', "expected 1 to 64 letters, digits, '.', '_' or '-' - at name"),
        (f'name = "anyone"\nhash = "{HASH}"', "no key can have the name 'anyone'"),
        (f'name = "nobody"\nhash = "{HASH}"', "no key can have the name 'nobody'"),
        (f'name = "everybody"\nhash = "{HASH}"', "no key can have the name 'everybody'"),
        ('name = "a"', "needs a 'hash' or a 'key'"),
        (f'name = "a"\nhash = "{HASH}"\nkey = "{PLAIN}"', "needs a 'hash' or a 'key'"),
        (f'name = "a"\nhash = "{PLAIN}"', "has a 'hash' that is none: 'sha256:' and 64"),
        ('name = "a"\nkey = "secret"', "a key of 6 characters"),
        ('name = "a"\nkey = 5', "must be a string"),
        (f'name = "a"\nhash = "{HASH}"\nlimits.tokens_per_day = -1', "limits.tokens_per_day"),
        (f'name = "a"\nhash = "{HASH}"\nlimits.tokens = 1', "the unknown 'tokens'"),
        (f'name = "a"\nhash = "{HASH}"\nroutes = []', "routes"),
        (f'name = "a"\nhash = "{HASH}"\nexpires = 2030-01-31T00:00:00', "expires"),
        (f'name = "a"\nhash = "{HASH}"\nexpired = true', "the unknown 'expired'"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(tmp_path: Path, table: str, says: str) -> None:
    with pytest.raises((SettingsError, BadOption)) as failure:
        loaded(tmp_path, f"[[keys]]\n{table}")
    message = str(failure.value)
    assert says in message
    assert "\n" not in message
    assert PLAIN not in message
    assert "secret" not in message


def test_keys_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'keys' must be a list of tables"):
        loaded(tmp_path, 'keys = ["sk-a"]')


def test_a_plain_key_is_taken_with_a_warning(tmp_path: Path) -> None:
    found = loaded(tmp_path, f'[[keys]]\nname = "phone"\nkey = "{PLAIN}"')
    assert found.keys[0].digests[0].hex() == HASH.removeprefix("sha256:")
    (warning,) = found.warnings
    assert "phone" in warning
    assert "speech-to-speech key new" in warning
    assert PLAIN not in warning + effective(found)


def test_keys_of_the_environment_are_hidden() -> None:
    found = load([], {"S2S_API_KEYS": f'["{PLAIN}", "sk-another-key-of-somebody"]'})
    assert len(found.keys) == 2
    assert '# api_keys = ["***", "***"]' in effective(found)
    assert PLAIN not in effective(found)


@pytest.mark.parametrize("text", [f'["{PLAIN}", 5]', '[["sk-a"]]'])
def test_keys_that_are_no_texts_are_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="S2S_API_KEYS must be a list of strings") as failure:
        load([], {"S2S_API_KEYS": text})
    assert PLAIN not in str(failure.value)


def test_anonymous_beside_keys_has_no_effect() -> None:
    (warning,) = load(["--api_keys", PLAIN, "--allow_anonymous", "speech.lan"], {}).warnings
    assert warning.startswith("--allow_anonymous: no effect")
