"""HTTPS: a whole turn over it, refusals over it, and certificates that cannot be used."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import openai
import pytest
import trustme

from gateway.app import create_app
from gateway.server.tls import tls_context
from gateway.settings.load import load
from gateway.settings.model import SettingsError
from tests.support.http_client import ROUTE, form
from tests.support.server import gateway_of, scripted_engines, serving


class Files(NamedTuple):
    certificate: str
    key: str
    trusting: ssl.SSLContext


@pytest.fixture
def files(tmp_path: Path) -> Files:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(tmp_path / "chain.pem", append=True)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return Files(str(tmp_path / "chain.pem"), str(tmp_path / "key.pem"), trusting)


def flags(files: Files) -> list[str]:
    return ["--tls_certificate", files.certificate, "--tls_key", files.key]


async def test_the_openai_client_and_a_voice_turn_over_https(files: Files) -> None:
    gateway = gateway_of(scripted_engines(), *flags(files))
    tls = tls_context(gateway.settings)
    async with (
        serving(create_app(gateway), gateway.settings, tls) as (address, _),
        openai.AsyncOpenAI(
            base_url=f"{address}/v1",
            api_key="none",
            http_client=openai.DefaultAsyncHttpxClient(verify=files.trusting),
        ) as client,
        httpx.AsyncClient(verify=files.trusting) as http,
    ):
        heard = []
        stream = await client.chat.completions.create(
            model="any", messages=[{"role": "user", "content": "Hello?"}], stream=True
        )
        async for chunk in stream:
            heard += [choice.delta.content or "" for choice in chunk.choices]
        assert "".join(heard) == "Hello there. How are you?"
        spoken = await http.post(f"{address}{ROUTE}", **form())
        assert spoken.status_code == 200
        assert spoken.content[:4] == b"RIFF"


async def test_a_client_that_still_sends_gets_its_refusal(files: Files) -> None:
    """Without TLS the server would end its side of the connection first, which TLS cannot do."""
    gateway = gateway_of(scripted_engines(), *flags(files))
    async with serving(create_app(gateway), gateway.settings, tls_context(gateway.settings)) as (address, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(address).port, ssl=files.trusting)
        writer.write(b"POST /v1/nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 ")
        writer.close()


async def test_speaking_http_to_it_is_the_end_of_that_connection_only(files: Files) -> None:
    gateway = gateway_of(scripted_engines(), *flags(files))
    async with serving(create_app(gateway), gateway.settings, tls_context(gateway.settings)) as (address, _):
        async with httpx.AsyncClient() as plain:
            with pytest.raises(httpx.RemoteProtocolError):
                await plain.get(address.replace("https", "http") + "/health")
        async with httpx.AsyncClient(verify=files.trusting) as client:
            assert (await client.get(f"{address}/health")).status_code == 200


def test_without_a_certificate_there_is_no_tls() -> None:
    assert tls_context(load([], {}).settings) is None


def broken(path: str) -> str:
    Path(path).write_text("no certificate", encoding="utf-8")
    return path


def encrypted(path: str) -> str:
    text = Path(path).read_text(encoding="utf-8")
    assert "PRIVATE KEY" in text
    Path(path).write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n", encoding="utf-8"
    )
    return path


WRONG: dict[str, tuple[Callable[[Files], list[str]], str]] = {
    "no key": (lambda files: ["--tls_certificate", files.certificate], "--tls_certificate is set without --tls_key"),
    "no certificate": (lambda files: ["--tls_key", files.key], "--tls_key is set without --tls_certificate"),
    "a file that is not there": (
        lambda files: ["--tls_certificate", "/nowhere.pem", "--tls_key", files.key],
        "--tls_certificate /nowhere.pem cannot be read (No such file or directory).",
    ),
    "no PEM": (
        lambda files: ["--tls_certificate", broken(files.certificate), "--tls_key", files.key],
        "cannot be used (",
    ),
    "a key with a password": (
        lambda files: ["--tls_certificate", files.certificate, "--tls_key", encrypted(files.key)],
        "its unencrypted key",
    ),
    "a key of another certificate": (
        lambda files: [
            "--tls_certificate",
            files.certificate,
            "--tls_key",
            str(Path(files.key).with_name("other.pem")),
        ],
        "key values mismatch",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_named(case: str, files: Files) -> None:
    other: Any = trustme.CA().issue_cert("127.0.0.1").private_key_pem
    other.write_to_path(Path(files.key).with_name("other.pem"))
    arguments, words = WRONG[case]
    settings = load(arguments(files), {}).settings
    with pytest.raises(SettingsError) as refused:
        tls_context(settings)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
