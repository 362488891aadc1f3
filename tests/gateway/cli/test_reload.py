"""Settings that are read again: all of what changed is taken over by new turns, or nothing and one line says why."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import trustme

from adapters.contract import llm
from adapters.contract.errors import Unavailable
from gateway.access.keys import Keyring
from gateway.app import Process, create_app
from gateway.cli.reload import Reloads, Running
from gateway.engines.build import RouteBuilder
from gateway.engines.lifecycle import Gateway
from gateway.server.tls import tls_context
from gateway.settings.load import load
from gateway.settings.model import Loaded
from tests.support.server import serving, until
from tests.support.upstream_server import Exchange, UpstreamServer, replies, streams

LIGHT = 'vad = "none"\nstt = "pocketsphinx"\npocketsphinx_workers = 1\ntts = "espeak"\n'
ECHO = '[[routes]]\nname = "{name}"\nllm_backend = "echo"\n' + LIGHT
CHAT = '[[routes]]\nname = "{name}"\nllm_backend = "chat-completions"\nresponses_api_base_url = "{url}"\n' + LIGHT
PIPER = ECHO.format(name="b").replace('tts = "espeak"', 'tts = "piper"\ntts_model = "/nowhere.onnx"')


def running(loaded: Loaded) -> Running:
    builder = RouteBuilder(loaded.settings)
    gateway = Gateway(loaded.settings, builder.routes(loaded), builder.cache)
    tls = tls_context(loaded.settings)
    return Running(loaded=loaded, gateway=gateway, builder=builder, keyring=Keyring(loaded.keys), tls=tls)


@asynccontextmanager
async def loaded_from(file: Path) -> AsyncGenerator[tuple[Running, Reloads], None]:
    """What serves the settings of ``file``, which may be changed and reloaded."""
    what = running(load([str(file)], {}))
    await what.gateway.warm_up()
    try:
        yield what, Reloads(what, lambda: load([str(file)], {}))
    finally:
        await what.gateway.aclose()


def names(what: Running) -> list[str]:
    return [served.name for served in what.gateway.routes]


async def test_what_did_not_change_stays_loaded_and_what_is_gone_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(ECHO.format(name="a") + CHAT.format(name="b", url="http://127.0.0.1:9/v1"))
    async with loaded_from(file) as (what, reloads):
        echo, gone = (served.engines.llm for served in what.gateway.routes)
        file.write_text(
            ECHO.format(name="a") + 'aliases = ["x"]\n' + CHAT.format(name="c", url="http://127.0.0.1:10/v1")
        )
        await reloads.reload()
        await what.gateway.retire()
        assert names(what) == ["a", "c"]
        assert what.gateway.routes[0].engines.llm is echo
        assert what.gateway.routes[0].route.aliases == ("x",)
        assert what.gateway.state == "ready"
        with pytest.raises(Exception, match="has been closed"):
            async with aclosing(gone.stream(_request())) as events:
                await anext(events)
        file.write_text(ECHO.format(name="a") + CHAT.format(name="b", url="http://127.0.0.1:9/v1"))
        await reloads.reload()
        assert what.gateway.routes[1].engines.llm is not gone


async def test_guards_that_did_not_change_stay_and_others_are_closed(tmp_path: Path) -> None:
    guards = '[[guards]]\nname = "{name}"\nkind = "patterns"\npatterns = ["secret"]\n'
    file = tmp_path / "gateway.toml"
    file.write_text(ECHO.format(name="a") + guards.format(name="stays") + guards.format(name="goes"))
    async with loaded_from(file) as (what, reloads):
        stays, goes = what.gateway.routes[0].guards.all
        assert await stays.flags("a secret")
        file.write_text(ECHO.format(name="b") + guards.format(name="stays") + guards.format(name="comes"))
        await reloads.reload()
        await what.gateway.retire()
        now = what.gateway.routes[0].guards.all
        assert [guard.rules.name for guard in now] == ["stays", "comes"]
        assert now[0] is stays
        assert [await guard.flags("a secret") for guard in now] == [True, True]
        with pytest.raises(Unavailable):
            await goes.flags("a secret")


def _request() -> llm.Request:
    return llm.Request(model="m", messages=(llm.Message(role="user", parts=(llm.Text(text="Hi"),)),))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("port = [", "is malformed"),
        ('[[routes]]\nname = "b"\nllm_backend = "chat-completions"\nresponses_api_base_url = "x"\n', "is not a URL"),
        (ECHO.format(name="b") + 'fallbacks = ["nobody"]\n', "is no other route"),
        (PIPER, "/nowhere.onnx"),
        (ECHO.format(name="b") + 'voice = "nobody"\n', "'nobody'"),
        (ECHO.format(name="b") + f'[[keys]]\nname = "me"\nhash = "sha256:{0:064}"\nroutes = ["a"]\n', "route 'a'"),
    ],
    ids=["no file", "an option", "a fallback", "preflight", "loading", "a key"],
)
async def test_what_cannot_work_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changed: str, said: str
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(ECHO.format(name="a"))
    async with loaded_from(file) as (what, reloads):
        before = what.gateway.routes
        file.write_text(changed)
        await reloads.reload()
        (line,) = [record.getMessage() for record in caplog.records if "not reloaded" in record.getMessage()]
        assert said in line
        assert "\n" not in line
        assert what.gateway.routes == before
        assert what.keyring.empty
        file.write_text(ECHO.format(name="c"))
        await reloads.reload()
        assert names(what) == ["c"]


async def test_a_turn_that_runs_ends_with_the_engines_that_it_began_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    go = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        if exchange.method == "GET":
            return await replies(200, {"data": []})(exchange)
        word = {"id": "c", "choices": [{"index": 0, "delta": {"content": "old"}, "finish_reason": None}]}
        await exchange.start()
        await exchange.events(word)
        await go.wait()
        await exchange.events({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]")
        return await exchange.finish()

    file = tmp_path / "gateway.toml"
    end = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    new = {"id": "c", "choices": [{"index": 0, "delta": {"content": "new"}, "finish_reason": None}]}
    async with UpstreamServer(slow) as one, UpstreamServer(streams(new, end, "[DONE]")) as two:
        file.write_text(CHAT.format(name="a", url=one.base_url))
        what = running(load([str(file)], {}))
        retired = asyncio.Event()
        reloads = Reloads(what, lambda: load([str(file)], {}), retired.set)
        app = create_app(what.gateway, keyring=what.keyring, process=Process(attend=(reloads.attend,)))
        async with serving(app, what.gateway.settings) as (address, _), httpx.AsyncClient(base_url=address) as client:
            await until(lambda: what.gateway.state == "ready")
            old = what.gateway.routes[0]
            asked = {"model": "a", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
            first = asyncio.create_task(client.post("/v1/chat/completions", json=asked))
            await until(lambda: one.open_streams)
            file.write_text(CHAT.format(name="a", url=two.base_url))
            reloads.want()
            await until(lambda: what.gateway.routes[0] is not old)
            assert '"new"' in (await client.post("/v1/chat/completions", json=asked)).text
            assert old.in_use
            assert not retired.is_set()
            go.set()
            answer = await first
            assert answer.status_code == 200
            assert '"old"' in answer.text
            assert "[DONE]" in answer.text
            await until(lambda: not old.in_use)
            await until(retired.is_set)
            retired.clear()
            file.write_text("nonsense")
            reloads.want()
            await until(lambda: "not reloaded" in caplog.text)
            await asyncio.sleep(0.05)
            assert not retired.is_set(), "nothing was closed"


async def test_a_setting_of_the_server_waits_for_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(ECHO.format(name="a"))
    async with loaded_from(file) as (what, reloads):
        file.write_text("port = 9\nmax_requests = 3\n" + ECHO.format(name="b"))
        await reloads.reload()
        assert names(what) == ["b"]
    assert "port, max_requests: changed in the settings, taken over at the next start only" in caplog.text


async def test_a_model_that_could_not_be_loaded_is_tried_again_and_keeps_no_others_back(
    tmp_path: Path,
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(ECHO.format(name="a") + ECHO.format(name="b") + 'voice = "nobody"\n')
    async with loaded_from(file) as (what, reloads):
        file.write_text(ECHO.format(name="b") + 'voice = "nobody"\n' + ECHO.format(name="c"))
        await reloads.reload()
        assert [(served.name, served.state()) for served in what.gateway.routes] == [("b", "failed"), ("c", "ready")]
        file.write_text(ECHO.format(name="b"))
        await reloads.reload()
        assert what.gateway.state == "ready"


async def test_a_gateway_that_others_reach_does_not_lose_its_keys(caplog: pytest.LogCaptureFixture) -> None:
    """Also when the new settings name another address: the process listens where it did."""
    what = running(load(["--host", "0.0.0.0", "--api_keys", "sk-the-key-of-the-start"], {}))
    await Reloads(what, lambda: load(["--host", "127.0.0.1"], {})).reload()
    assert not what.keyring.empty
    assert "the settings are not reloaded: --host 0.0.0.0" in caplog.text


async def test_a_key_may_come_with_its_route(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(ECHO.format(name="a"))
    async with loaded_from(file) as (what, reloads):
        key = f'[[keys]]\nname = "me"\nhash = "sha256:{0:064}"\nroutes = ["b"]\n'
        file.write_text(ECHO.format(name="b") + key)
        await reloads.reload()
        assert not what.keyring.empty


async def test_new_connections_get_the_new_certificate(tmp_path: Path) -> None:
    files = tmp_path / "chain.pem", tmp_path / "key.pem"

    def issue() -> None:
        leaf = trustme.CA().issue_cert("127.0.0.1")
        leaf.private_key_pem.write_to_path(files[1])
        leaf.cert_chain_pems[0].write_to_path(files[0])

    issue()
    what = running(load(["--tls_certificate", str(files[0]), "--tls_key", str(files[1])], {}))
    before = presented(what.tls)
    issue()
    assert presented(what.tls) == before
    await Reloads(what, lambda: what.loaded).reload()
    assert presented(what.tls) not in {before, None}
    await what.gateway.aclose()


def presented(tls: ssl.SSLContext | None) -> bytes | None:
    """The certificate that a client of a server with ``tls`` gets."""
    assert tls is not None
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    client = trusting.wrap_bio(to_client, to_server)
    server = tls.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return client.getpeercert(binary_form=True)
