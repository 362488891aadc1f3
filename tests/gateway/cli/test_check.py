"""``check`` as people run it: what it asks over the wire, the table, the exit status; secrets stay secret."""

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from adapters import registry
from adapters.options import BadOption
from gateway.cli.check import check, probe_of
from gateway.cli.main import main
from gateway.settings.load import load
from tests.support.upstream_server import Exchange, UpstreamServer

KEY = "test-key-123456"
SECRET_WORDS = "words of the provider"


async def provider(exchange: Exchange) -> None:
    """Chat Completions only, one model, no reasoning_effort; repeats the key in its refusals."""
    if exchange.path == "/v1/models":
        await exchange.reply(200, {"data": [{"id": "known"}]})
    elif exchange.path != "/v1/chat/completions":
        await exchange.reply(404, {"detail": "Not Found"})
    elif exchange.json["model"] != "known":
        await exchange.reply(404, {"error": {"message": SECRET_WORDS, "code": "model_not_found"}})
    elif "reasoning_effort" in exchange.json:
        message = f"{SECRET_WORDS} {exchange.headers['authorization']}"
        await exchange.reply(400, {"error": {"message": message, "param": "reasoning_effort"}})
    else:
        call = [{"index": 0, "id": "c", "function": {"name": "ping", "arguments": "{}"}}]
        deltas = [{"tool_calls": call}] if "tools" in exchange.json else [{"content": "1"}, {"content": ", 2"}]
        await exchange.start()
        await exchange.events(*({"choices": [{"delta": delta}]} for delta in deltas))
        await exchange.events({"choices": [{"delta": {}, "finish_reason": "stop"}]}, "[DONE]")
        await exchange.finish()


async def checked(*flags: str) -> tuple[int, str, list[Exchange]]:
    """Run the command against the provider: exit status, what it says, what the provider was asked."""
    said: list[str] = []
    async with UpstreamServer(provider) as server:
        words = [flag.replace("SERVER", server.base_url) for flag in flags]
        # The command runs an event loop of its own.
        status = await asyncio.to_thread(check, load(words, {"OPENAI_API_KEY": KEY}), said.append)
        return status, "\n".join(said), server.exchanges


def cells(said: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\S.*?)  +(\S.*)$", said, re.MULTILINE))


CHAT = ("--llm_backend", "chat-completions", "--responses_api_base_url", "SERVER", "--model_name", "known")


async def test_a_route_that_works() -> None:
    status, said, exchanges = await checked(*CHAT)
    assert status == 0
    heading, *_ = said.splitlines()
    assert re.fullmatch(r"known: chat-completions, known at http://127\.0\.0\.1:\d+/v1", heading)
    table = cells(said)
    assert re.fullmatch(r"\d+ ms", table.pop("time to first token"))
    assert table == {
        "reachable": "yes",
        "model": "listed",
        "answers": "yes",
        "streams": "yes",
        "tools stream": "yes",
        "Responses API": "404 not found",
        "reasoning_effort none": "refused with status 400",
        "chat_template_kwargs.enable_thinking false": "accepted",
        "the route can work": "yes",
    }
    assert KEY not in said
    assert SECRET_WORDS not in said
    assert {exchange.headers["authorization"] for exchange in exchanges} == {f"Bearer {KEY}"}


async def test_what_is_asked_is_what_the_route_would_ask_but_short() -> None:
    extra = ("--responses_api_temperature", "0.5", "--responses_api_extra_body", '{"provider": {"order": ["x"]}}')
    _, _, exchanges = await checked(*CHAT, *extra, "--init_chat_role", "developer")
    asked = {exchange.path: exchange.json for exchange in reversed(exchanges) if exchange.method == "POST"}
    plain, responses = asked["/v1/chat/completions"], asked["/v1/responses"]
    assert (plain["max_tokens"], responses["max_output_tokens"]) == (16, 16)
    assert [message["role"] for message in plain["messages"]] == ["developer", "user"]
    for body in (plain, responses):
        assert (body["model"], body["temperature"], body["provider"]) == ("known", 0.5, {"order": ["x"]})
        assert not {"reasoning_effort", "reasoning", "chat_template_kwargs", "tools"} & body.keys()


async def test_the_effort_that_is_set_is_the_one_that_is_asked_for() -> None:
    status, said, exchanges = await checked(*CHAT, "--responses_api_reasoning_effort", "low")
    assert status == 0  # the route leaves out what is refused
    assert cells(said)["reasoning_effort low"] == "refused with status 400"
    assert [exchange.json.get("reasoning_effort") for exchange in exchanges if exchange.body].count("low") == 1


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--model_name", "other"), {"model": "404 no such model", "answers": "404 no such model", "streams": "-"}),
        (("--llm_backend", "responses-api"), {"model": "listed", "answers": "404 not found"}),
    ],
)
async def test_a_route_that_cannot_work(flags: tuple[str, ...], expected: dict[str, Any]) -> None:
    status, said, _ = await checked(*CHAT, *flags)
    assert status == 1
    table = cells(said)
    assert table.items() >= {"reachable": "yes", "the route can work": "no", **expected}.items()
    assert SECRET_WORDS not in said


async def test_several_routes(tmp_path: Path) -> None:
    """One of them cannot work; two share what is asked; one has no server; secrets in the URL do not show."""
    async with UpstreamServer(provider) as server:
        path = tmp_path / "gateway.toml"
        path.write_text(f"""
llm_backend = "chat-completions"
model_name = "known"
responses_api_base_url = "{server.base_url.replace("//", "//user:hidden@")}"
[[routes]]
name = "one"
[[routes]]
name = "two"
voice = "nova"
[[routes]]
name = "three"
model_name = "other"
[[routes]]
name = "four"
llm_backend = "echo"
""")
        said: list[str] = []
        assert await asyncio.to_thread(check, load([str(path)], {}), said.append) == 1
        models = [exchange for exchange in server.exchanges if exchange.path == "/v1/models"]
    assert len(models) == 2
    assert [block.partition(":")[0] for block in said[:3]] == ["four", "one, two", "three"]
    assert said[0] == "four: echo has no server to ask\n"
    assert "hidden" not in "".join(said)


async def test_each_upstream_of_a_route_is_asked_for_its_model(tmp_path: Path) -> None:
    async with UpstreamServer(provider) as server:
        path = tmp_path / "gateway.toml"
        path.write_text(f"""
[[routes]]
name = "home"
llm_backend = "chat-completions"
model_name = "known"
responses_api_base_url = "{server.base_url}"
upstreams = [{{ name = "good" }}, {{ name = "canary", model_name = "unknown" }}]
""")
        said: list[str] = []
        assert await asyncio.to_thread(check, load([str(path)], {}), said.append) == 1
    assert [block.partition(":")[0] for block in said[:2]] == ["home/good", "home/canary"]
    works = [cells(block)["the route can work"] for block in said[:2]]
    assert works == ["yes", "no"]


@pytest.mark.parametrize("backend", registry.names("llm"))
def test_every_engine_says_what_can_be_asked(backend: str) -> None:
    """Of equal options it says the same, so that a server of several routes is asked once."""
    words = ["--llm_backend", backend, "--model_name", "m", "--responses_api_base_url", "http://user:pw@localhost/v1"]
    first, second = (probe_of(load(words, {}).routes[0].settings) for _ in range(2))
    assert first == second
    if isinstance(first, str):
        assert first in ("has no server to ask", "finds m; whether it loads is seen when it is served")
    else:
        assert first.target == f"{backend}, m at http://localhost/v1"


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        assert main(["check", "--responses_api_base_url", url, "--model_name", "m"]) == 1
    assert cells(capsys.readouterr().out)["reachable"] == "cannot be reached"
    assert main(["check", "--llm_backend", "echo"]) == 0
    assert main(["check", "--model_name", "./m"]) == 2
    assert main(["check", "--responses_api_base_url", "nonsense"]) == 2


def test_a_base_url_that_cannot_work_is_told_without_its_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--responses_api_base_url", "http://user:hidden@[broken"]) == 2
    said = capsys.readouterr().err
    assert "--responses_api_base_url 'http://***@[broken' is not a URL" in said
    assert "hidden" not in said


def test_bad_settings_are_found_before_anything_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('[[routes]]\nname = "a"\nllm_backend = "echo"\nfallbacks = ["nobody"]\n')
    said: list[str] = []
    with pytest.raises(BadOption, match="nobody"):
        check(load([str(path)], {}), said.append)
    assert said == []


async def test_it_says_which_engine_is_taken_where_nobody_chose_one() -> None:
    _, said, _ = await checked(*CHAT)
    assert re.search(r"^--tts auto passes over piper: .+", said, re.MULTILINE)
    assert said.splitlines()[-1] == "--tts auto takes espeak"
    assert "--vad auto takes energy" in said
    assert "--tts auto" not in (await checked(*CHAT, "--tts", "espeak"))[1]
