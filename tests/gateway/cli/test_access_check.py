"""A gateway that anybody could use, or whose keys cannot work, does not start."""

import pytest
from msgspec.structs import replace

from adapters.options import BadOption
from gateway.cli.access_check import check_access
from gateway.settings.load import load
from gateway.settings.model import SettingsError


def test_another_address_than_loopback_needs_keys_or_a_word_that_none_are_wanted() -> None:
    with pytest.raises(SettingsError, match=r"--host 0\.0\.0\.0 can be reached from other machines"):
        check_access(load(["--host", "0.0.0.0"], {}))
    check_access(load([], {}))
    check_access(load(["--host", "0.0.0.0", "--allow_anonymous", "speech.lan"], {}))
    check_access(load(["--host", "0.0.0.0", "--api_keys", "sk-the-key-of-the-start"], {}))


def test_a_key_for_a_surface_that_is_not_there() -> None:
    loaded = load(["--api_keys", "sk-the-key-of-the-start"], {})
    key = loaded.keys[0]
    wrong = replace(key, caller=replace(key.caller, surfaces=("telepathy",)))
    with pytest.raises(BadOption, match="unknown surface 'telepathy'"):
        check_access(replace(loaded, keys=(wrong,)))
