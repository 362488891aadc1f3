"""One spoken question has one spoken answer, whichever route it is asked on."""

import base64
from typing import Any

import httpx

from tests.support import http_client
from tests.support.chat_client import ROUTE, SPOKEN, asked, completion, recording, user
from tests.support.server import gateway_of, scripted_engines, served


async def test_three_ways_to_one_spoken_answer() -> None:
    engines: Any = scripted_engines()
    flags = ("--enable_lang_prompt", "--init_chat_prompt", "Be brief.", "--responses_api_reasoning_effort", "low")
    async with served(gateway_of(engines, *flags)) as address, httpx.AsyncClient(base_url=address) as client:
        spoken = await client.post(http_client.ROUTE, **http_client.form(fields={"response_format": "pcm"}))
        assert spoken.status_code == 200
        question = {"model": "m", "voice": "alloy", "response_format": "pcm", "input_audio": recording()["input_audio"]}
        by_speech = await client.post("/v1/audio/speech", json=question)
        answer = completion(await client.post(ROUTE, **asked(user([recording()]), **SPOKEN)))
    audio = answer.choices[0].message.audio
    assert audio is not None
    assert base64.b64decode(audio.data) == spoken.content == by_speech.content
    first, *others = engines.llm.requests
    assert others == [first, first]
    requests = [(request.text, request.voice, request.language) for request in engines.tts.requests]
    third = len(requests) // 3
    assert requests == requests[:third] * 3
