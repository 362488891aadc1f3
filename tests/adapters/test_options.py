"""Options: what is never shown."""

import pytest

from adapters.options import Secret, shown_url


def test_a_secret_shows_nothing() -> None:
    secret = Secret("sk-private")
    assert (repr(secret), str(secret), f"{secret}") == ("***", "***", "***")
    assert secret.reveal() == "sk-private"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("https://user:pw@host/v1", "https://***@host/v1"),
        ("https://token@host", "https://***@host"),
        ("https://user:p@w@host", "https://***@host"),
        ("https://user:p?w@host", "https://***@host"),
        ("https://user:p/w@host", "https://***@host"),
        ("https://host/v1?key=k#part", "https://host/v1?***"),
        ("user:pw@host", "***@host"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_user_password_and_query(url: str, shown: str) -> None:
    assert shown_url(url) == shown
