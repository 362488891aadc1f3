"""A model that sees answers to what is in an image, through mlx-vlm, with every generation flag."""

import asyncio
import base64
import io
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TooLong
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from tests.support.answers import answer, end_of, open_answers, request, text_of, usage_of
from tests.support.mlx_engine import PromptChecks, loaded, script, scripted

# It brings some 600 MB (OpenCV, pyarrow, pandas and more), so it is not among what tests need.
pytest.importorskip("mlx_vlm", reason="goes without mlx-vlm")
Image = pytest.importorskip("PIL.Image", reason="needs Pillow")


@pytest.fixture
async def engine(tiny_qwen_vl: Path) -> AsyncGenerator[MlxLanguageModel, None]:
    async with loaded(tiny_qwen_vl, llm_is_vlm=True, llm_gen={"max_new_tokens": 12, "min_new_tokens": 12}) as engine:
        yield engine


def picture(colour: str, kind: str = "PNG", text: str = "hello") -> llm.Message:
    """A small image of one colour and a question."""
    file = io.BytesIO()
    Image.new("RGB", (50, 40), colour).save(file, kind)
    return shown(file.getvalue(), text)


def shown(file: bytes, text: str = "hello") -> llm.Message:
    url = f"data:image/png;base64,{base64.b64encode(file).decode()}"
    return llm.Message(role="user", parts=(llm.Image(url=url), llm.Text(text=text)))


async def test_it_says_what_it_takes(engine: MlxLanguageModel, tiny_qwen_vl: Path) -> None:
    from tests.models.tiny_qwen_vl import CONTEXT  # noqa: PLC0415 - imports mlx_vlm

    assert (engine.info.images, engine.info.max_parallel, engine.info.context_tokens) == (True, 1, CONTEXT)
    MlxLanguageModel(MlxLanguageModel.Options(model_name=str(tiny_qwen_vl), llm_is_vlm=True)).preflight()


async def test_the_image_decides(engine: MlxLanguageModel) -> None:
    red, blue, again = [text_of(await answer(engine, request(picture(colour)))) for colour in ("red", "blue", "red")]
    assert red == again != blue


async def test_every_format_is_read(engine: MlxLanguageModel) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        await answer(engine, request(picture("red", kind), max_output_tokens=1))


async def test_every_image_is_counted_and_generation_flags_are_honoured(engine: MlxLanguageModel) -> None:
    from tests.models.tiny_qwen_vl import IMAGE_TOKENS  # noqa: PLC0415 - imports mlx_vlm

    hot = llm.Sampling(temperature=2.0, seed=1)
    first = await answer(engine, request(picture("red"), sampling=hot))
    assert first[0].ignored == ()
    assert text_of(first) == text_of(await answer(engine, request(picture("red"), sampling=hot)))
    assert text_of(first) != text_of(await answer(engine, request(picture("red"))))
    assert usage_of(first).output_tokens == 12
    one, both = [usage_of(await answer(engine, request(picture("red"), last))) for last in ("hello", picture("blue"))]
    assert both.input_tokens == one.input_tokens + IMAGE_TOKENS + 2  # one that begins an image and one that ends it


def record(monkeypatch: pytest.MonkeyPatch, shown: list[list[int]]) -> None:
    """Note in ``shown`` the tokens that the processors are shown before each choice."""
    from adapters.llm.mlx_lm import sampling  # noqa: PLC0415 - imports mlx

    processors = sampling.processors

    def recording(*arguments: Any, **keywords: Any) -> list[Any]:
        def note(tokens: Any, logits: Any) -> Any:
            shown.append(tokens.tolist())
            return logits

        return [*processors(*arguments, **keywords), note]

    monkeypatch.setattr(sampling, "processors", recording)


async def test_a_penalty_sees_the_whole_prompt(tiny_qwen_vl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # mlx-vlm passes only the last token of a prompt: what the prompt says would not be penalised.
    never = llm.Sampling(presence_penalty=1000.0)
    everything = {"presence_context_size": 1000, "min_new_tokens": 12, "max_new_tokens": 12}
    async with loaded(tiny_qwen_vl, llm_is_vlm=True, llm_gen=everything) as engine:
        shown: list[list[int]] = []
        record(monkeypatch, shown)
        usage = usage_of(await answer(engine, request(picture("red"), sampling=never)))
        prompt, written = shown[-1][: usage.input_tokens], shown[-1][usage.input_tokens :]
        assert shown[0] == prompt
        assert not {*written} & {*prompt}
        assert len({*written}) == len(written) >= usage.output_tokens - 1


async def test_the_likeliest_is_taken_whatever_the_makers_recommend(tiny_qwen_vl: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_qwen_vl, model)
    (model / "generation_config.json").write_text(json.dumps({"do_sample": True, "temperature": 50.0, "top_k": 300}))
    async with loaded(model, llm_is_vlm=True) as engine:
        asked = request(picture("red"), max_output_tokens=12)
        assert len({text_of(await answer(engine, asked)) for _ in range(3)}) == 1


async def test_text_alone_is_answered_too(engine: MlxLanguageModel) -> None:
    first, again = [text_of(await answer(engine, request("hello"))) for _ in range(2)]
    await answer(engine, request(picture("red")))  # what it saw leaves nothing behind
    assert first == again == text_of(await answer(engine, request("hello")))


async def test_what_generation_emits_is_decoded_and_ends(
    engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, engine, "héllo 世界")
    events = await answer(engine, request(picture("red")))
    assert (text_of(events), end_of(events).reason) == ("héllo 世界", "stop")


async def test_callers_never_mix(engine: MlxLanguageModel) -> None:
    asked = [request(picture(colour)) for colour in ("red", "blue", "green")] + [request("hello")]
    alone = [text_of(await answer(engine, one)) for one in asked]
    together = await asyncio.gather(*(answer(engine, one) for one in asked))
    assert [text_of(events) for events in together] == alone


async def test_a_reader_that_leaves_stops_its_answer(engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def choose(count: int) -> int:
        written.append(count)
        return 60

    scripted(monkeypatch, choose)
    async with aclosing(engine.stream(request(picture("red"), max_output_tokens=1000))) as stream:
        async for event in stream:
            if isinstance(event, llm.TextDelta):
                break
    assert open_answers(engine) == 0
    assert len(written) < 100
    count = len(written)
    await answer(engine, request("hello", max_output_tokens=1))
    assert len(written) <= count + 2


async def test_a_reader_that_leaves_in_the_middle_of_the_prompt_ends_it_there(
    tiny_qwen_vl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = PromptChecks(monkeypatch)
    async with loaded(tiny_qwen_vl, llm_is_vlm=True, llm_gen={"max_new_tokens": 5}) as engine:
        long = request(picture("red", text="hello " * 1500))
        assert usage_of(await answer(engine, long)).input_tokens > 1024
        assert checks.count >= 2
        whole, checks.count = checks.count, 0
        await checks.leave(engine, long, at=1)
        assert checks.count == 1 < whole
        assert open_answers(engine) == 0
        assert text_of(await answer(engine, request("hello")))


@pytest.mark.parametrize("file", [b"no image at all", b"\x89PNG\r\n\x1a\n" + bytes(20)])
async def test_a_broken_image_is_an_invalid_request(engine: MlxLanguageModel, file: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read") as seen:
        await answer(engine, request(shown(file)))
    assert seen.value.code == "invalid_image_url"


async def test_too_many_images_are_refused(engine: MlxLanguageModel) -> None:
    with pytest.raises(InvalidRequest, match="17 images"):
        await answer(engine, request(*[picture("red")] * 17))


async def test_what_the_processor_refuses_is_an_invalid_request_before_anything_begins(
    engine: MlxLanguageModel,
) -> None:
    file = io.BytesIO()
    Image.new("RGB", (1000, 2), "red").save(file, "PNG")  # Qwen takes no image of 200 times the width
    async with aclosing(engine.stream(request(shown(file.getvalue())))) as stream:
        with pytest.raises(InvalidRequest, match="processor refuses"):
            await anext(stream)


async def test_a_conversation_that_is_too_long_is_refused_before_anything_begins(engine: MlxLanguageModel) -> None:
    async with aclosing(engine.stream(request(picture("red", text="hello " * 4000)))) as stream:
        with pytest.raises(TooLong, match=r"has \d{4,} tokens; the model takes 2048"):
            await anext(stream)
    assert isinstance((await answer(engine, request("hello")))[0], Started)
