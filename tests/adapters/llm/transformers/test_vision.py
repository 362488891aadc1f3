"""A model that sees answers to what is in an image, with every generation flag."""

import base64
import io
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.llm.transformers.adapter import TransformersLanguageModel
from tests.support.answers import answer, request, text_of, usage_of
from tests.support.transformers_engine import loaded

Image = pytest.importorskip("PIL.Image", reason="needs Pillow")


def picture(colour: str, kind: str = "PNG") -> llm.Message:
    """A small image of one colour and a question."""
    file = io.BytesIO()
    Image.new("RGB", (50, 40), colour).save(file, kind)
    return shown(file.getvalue(), kind.lower())


def shown(file: bytes, kind: str = "png") -> llm.Message:
    url = f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
    return llm.Message(role="user", parts=(llm.Image(url=url), llm.Text(text="hello")))


@pytest.fixture
async def engine(tiny_llava: Path) -> AsyncGenerator[TransformersLanguageModel, None]:
    async with loaded(tiny_llava, llm_is_vlm=True, llm_gen={"max_new_tokens": 12, "min_new_tokens": 12}) as engine:
        assert engine.info.images
        assert engine.info.max_parallel == 1
        yield engine


async def test_the_image_decides(engine: TransformersLanguageModel) -> None:
    red, blue, again = [text_of(await answer(engine, request(picture(colour)))) for colour in ("red", "blue", "red")]
    assert red == again != blue


async def test_every_format_is_read(engine: TransformersLanguageModel) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        await answer(engine, request(picture("red", kind), max_output_tokens=1))


async def test_two_images_and_generation_flags(engine: TransformersLanguageModel) -> None:
    asked = request(picture("red"), picture("blue"), sampling=llm.Sampling(temperature=2.0, seed=1))
    first, again = await answer(engine, asked), await answer(engine, asked)
    assert text_of(first) == text_of(again)
    assert usage_of(first).output_tokens == 12
    assert usage_of(first).input_tokens > 2 * 16  # an image is 16 tokens


async def test_text_alone_is_answered_too_and_its_beginning_kept(engine: TransformersLanguageModel) -> None:
    assert usage_of(await answer(engine, request("hello"))).cached_tokens == 0
    assert usage_of(await answer(engine, request("hello"))).cached_tokens > 0
    assert usage_of(await answer(engine, request(picture("red")))).cached_tokens == 0


@pytest.mark.parametrize("file", [b"no image at all", b"\x89PNG\r\n\x1a\n" + bytes(20)])
async def test_a_broken_image_is_an_invalid_request(engine: TransformersLanguageModel, file: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read") as seen:
        await answer(engine, request(shown(file)))
    assert seen.value.code == "invalid_image_url"


async def test_an_image_that_is_not_there_is_an_invalid_request(tiny_llava: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_llava, model)
    (model / "chat_template.jinja").write_text("{{ '<image>' }}[assistant]")
    async with loaded(model, llm_is_vlm=True) as engine:
        with pytest.raises(InvalidRequest, match="processor refuses"):
            await answer(engine, request("no image, and the template shows one"))
