"""A new key is shown once, and what is printed for the file makes a gateway know it."""

import re
from pathlib import Path

import pytest

from gateway.access.keys import hash_of
from gateway.cli.key import new_key_text
from gateway.settings.load import load
from gateway.settings.model import SettingsError


@pytest.mark.parametrize("admin", [False, True])
def test_a_new_key_can_be_pasted(tmp_path: Path, admin: bool) -> None:
    text = new_key_text(["phone", *(["--admin"] if admin else [])])
    shown = re.search(r"sk-\S+", text)
    assert shown is not None
    assert text.count(shown[0]) == 1
    path = tmp_path / "gateway.toml"
    path.write_text(text[text.index("[[keys]]") :])
    (key,) = load([str(path)], {}).keys
    assert hash_of(shown[0]) == f"sha256:{key.digests[0].hex()}"
    assert (key.caller.name, key.caller.admin) == ("phone", admin)


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--admn", "a"], ["a b"], ["anyone"]])
def test_what_is_no_name(words: list[str]) -> None:
    with pytest.raises(SettingsError):
        new_key_text(words)
