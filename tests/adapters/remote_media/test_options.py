import pytest

from adapters.options import BadOption
from adapters.remote_media.options import allowed_hosts


@pytest.mark.parametrize(
    ("pattern", "host", "allowed"),
    [
        ("img.lan", "img.lan", True),
        ("IMG.lan", "Img.LAN.", True),
        ("img.lan", "xxx.img.lan", False),
        ("img.lan", "img-lan", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("10.0.0.*", "10.0.0.7", True),
        ("10.0.0.*", "10.0.0.evil.example", False),
        ("fd00::1", "fd00::1", True),
    ],
)
def test_hosts_match_patterns(pattern: str, host: str, allowed: bool) -> None:
    assert allowed_hosts((pattern,)).names(host) is allowed


def test_words_are_no_hosts() -> None:
    assert allowed_hosts(("public",)).public
    assert not allowed_hosts(("off",)).public
    assert not allowed_hosts(("public",)).names("public")
    both = allowed_hosts(("public", "img.lan"))
    assert both.public
    assert both.names("img.lan")


@pytest.mark.parametrize(
    "given", [("off", "public"), ("*",), ("*.*",), ("http://img.lan",), ("img.lan/x",), ("",), ("a b",)]
)
def test_what_cannot_be_meant_is_refused(given: tuple[str, ...]) -> None:
    with pytest.raises(BadOption, match="--remote_media"):
        allowed_hosts(given)
