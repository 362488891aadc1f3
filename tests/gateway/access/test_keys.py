"""A key is known by its hash; what is wrong with one is said without showing it."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.options import BadOption, Secret
from gateway.access.caller import Caller
from gateway.access.keys import InvalidKey, Key, Keyring, check_keys, digest_in, hash_of, listed_keys, masked, new_key

GOOD = "sk-a-key-that-is-long-enough"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def key(text: str = GOOD, *, disabled: bool = False, expires: datetime | None = None, **caller: object) -> Key:
    digest = digest_in(hash_of(text))
    assert digest is not None
    owner = Caller(**{"name": "phone", **caller})  # type: ignore[arg-type]
    return Key(digests=(digest,), caller=owner, disabled=disabled, expires=expires)


def test_a_new_key_is_another_one_each_time_and_is_found_by_its_hash() -> None:
    first, second = new_key(), new_key()
    assert first != second
    assert len(first) >= 43
    keyring = Keyring([key(first), key(second, name="desk")])
    assert [keyring.caller(shown, NOW).name for shown in (first, second)] == ["phone", "desk"]


@pytest.mark.parametrize(
    ("known", "shown", "says", "code"),
    [
        (key(), None, "You didn't provide an API key", None),
        (key(), "", "You didn't provide an API key", None),
        (key(), "sk-another-key-of-nobody", "Incorrect API key provided: sk-***body.", "invalid_api_key"),
        (key(), "ek_somebody-elses-secret", "A client secret opens realtime sessions only", "invalid_api_key"),
        (key(), "short", r"Incorrect API key provided: \*\*\*.", "invalid_api_key"),
        (key(), GOOD.upper(), "Incorrect API key", "invalid_api_key"),
        (key(), f"{GOOD} ", "Incorrect API key", "invalid_api_key"),
        (key(), "\udce9" * 20, "Incorrect API key", "invalid_api_key"),
        (key(disabled=True), GOOD, "is disabled", "invalid_api_key"),
        (key(expires=NOW), GOOD, "expired at 2030-01-01T00:00:00", "invalid_api_key"),
    ],
)
def test_a_key_that_is_not_good(known: Key, shown: str | None, says: str, code: str | None) -> None:
    with pytest.raises(InvalidKey, match=says.replace("sk-***", r"sk-\*\*\*")) as failure:
        Keyring([known]).caller(shown, NOW)
    assert failure.value.code == code
    assert not shown or shown not in failure.value.message


def test_a_key_is_good_until_it_expires() -> None:
    assert Keyring([key(expires=NOW + timedelta(seconds=1))]).caller(GOOD, NOW).name == "phone"


def test_keys_can_be_replaced() -> None:
    keyring = Keyring()
    assert keyring.empty
    keyring.replace([key()])
    assert not keyring.empty
    keyring.replace([key("sk-another-key-of-somebody")])
    with pytest.raises(InvalidKey):
        keyring.caller(GOOD, NOW)


def test_listed_keys_are_named_after_their_hash_and_the_same_one_counts_once() -> None:
    (only,) = listed_keys([Secret(GOOD), Secret(GOOD)])
    assert only.caller.name == f"key-{only.digests[0].hex()[:8]}"
    assert not only.caller.admin


@pytest.mark.parametrize(("text", "says"), [("secret", "6 characters"), ("sk-with a space inside", "no client")])
def test_a_listed_key_that_cannot_be_used_is_not_shown(text: str, says: str) -> None:
    with pytest.raises(BadOption, match=says) as failure:
        listed_keys([Secret(text)])
    assert text not in str(failure.value)


@pytest.mark.parametrize(
    "text", ["", "sha256:", f"sha256:{'g' * 64}", f"sha256:{'0' * 63}", "0" * 64, f"md5:{'0' * 64}"]
)
def test_what_is_no_hash(text: str) -> None:
    assert digest_in(text) is None


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([key(), key("sk-another-key-of-somebody")], "Two .* have the name 'phone'"),
        ([key(), key(name="desk")], "'phone' and 'desk' have the same key"),
        ([key(routes=("slow",))], "unknown route 'slow'; there are fast"),
        ([key(surfaces=("chat",))], "unknown surface 'chat'; there are speech"),
    ],
)
def test_keys_that_do_not_go_together(keys: list[Key], says: str) -> None:
    with pytest.raises(BadOption, match=says):
        check_keys(keys, ["fast"], ["speech"])


def test_of_a_short_key_nothing_is_shown() -> None:
    assert (masked("short"), masked(GOOD)) == ("***", "sk-***ough")
