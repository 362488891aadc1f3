"""A worker knows its number; a process that is none has the number of the first."""

import pytest

from adapters.blocking.number import numbered, worker_number


def test_a_process_reads_its_number_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_number() == 0
    environment = numbered(3)
    for name in set(environment) - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.setenv(name, environment[name])
    assert worker_number() == 3
