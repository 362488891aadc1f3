"""``check`` says what it saw of servers that are none, in a table, without a traceback."""

import pytest

from gateway.cli.main import main
from tests.gateway.cli.test_remote_answer import STRANGE, saying

ANSWERS = {"chat"}
"""What is an answer of a model; to the other API an empty one, because it ends as one."""


@pytest.mark.parametrize("backend", ["chat-completions", "responses-api"])
@pytest.mark.parametrize("name", STRANGE)
def test_a_server_that_is_none_cannot_work(name: str, backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    with saying(STRANGE[name]) as url:
        status = main(["check", "--llm_backend", backend, "--model_name", "m", "--responses_api_base_url", url])
    output = capsys.readouterr()
    assert "the route can work" in output.out
    assert "Traceback" not in output.err
    assert status == (0 if name in ANSWERS else 1)
