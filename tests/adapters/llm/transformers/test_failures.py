"""What goes wrong is told to the one it concerns; the engine goes on, or says that it is down."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, TooLong, Unavailable, Unsupported, UpstreamError
from adapters.llm.transformers.adapter import TransformersLanguageModel
from tests.models import tiny_random
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import SWITCH, answer, open_answers, request, text_of
from tests.support.transformers_engine import loaded, loaded_by


@pytest.fixture(params=[8, 1], ids=["together", "alone"])
async def engine(request: pytest.FixtureRequest, tiny_qwen: Path) -> AsyncGenerator[TransformersLanguageModel, None]:
    async with loaded(tiny_qwen, llm_max_parallel=request.param) as engine:
        yield engine


@contextmanager
def failing(
    engine: TransformersLanguageModel, error: BaseException, *, after: int, at_the_end: bool = False
) -> Iterator[None]:
    """The model's forward pass raises ``error`` once, ``after`` some that do not, in its last layer or at once."""
    layer = loaded_by(engine).model.model
    layer = layer.layers[-1] if at_the_end else layer
    passes = 0

    def forward(*_: Any) -> None:
        nonlocal passes
        passes += 1
        if passes == after + 1:
            raise error

    hook = layer.register_forward_pre_hook(forward)
    try:
        yield
    finally:
        hook.remove()


MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried to …"),
    MemoryError(),
)


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("error", MEMORY, ids=["device", "host", "interpreter"])
async def test_out_of_memory_ends_the_answer_and_not_the_engine(
    engine: TransformersLanguageModel, error: Exception, after: int
) -> None:
    with failing(engine, error, after=after), pytest.raises(Unavailable, match="not enough memory"):
        await answer(engine, request(FOREVER))
    assert open_answers(engine) == 0
    assert engine.failure is None
    assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_an_unknown_failure_is_told_by_its_kind_alone(
    engine: TransformersLanguageModel, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "what the user said"
    with (
        failing(engine, ArithmeticError(secret), after=2),
        pytest.raises(UpstreamError, match="ArithmeticError") as seen,
    ):
        await answer(engine, request(FOREVER))
    assert secret not in f"{seen.value}{caplog.text}"
    assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_what_a_failed_pass_left_half_computed_is_not_used_again(engine: TransformersLanguageModel) -> None:
    asked = request(CAPITAL)
    with failing(engine, ArithmeticError(), after=0, at_the_end=True), pytest.raises(UpstreamError):
        await answer(engine, asked)
    assert text_of(await answer(engine, asked)) == answer_to(CAPITAL)


async def test_a_failed_step_is_told_to_all_who_wait(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen) as engine:
        with failing(engine, ArithmeticError(), after=5):
            asked = (answer(engine, request(FOREVER)) for _ in range(3))
            results = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(result) for result in results] == [UpstreamError] * 3
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_a_thread_that_dies_is_told_to_all_and_for_good(engine: TransformersLanguageModel) -> None:
    with failing(engine, SystemExit(), after=5):
        asked = (answer(engine, request(FOREVER)) for _ in range(3))
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    assert engine.failure is not None
    assert "SystemExit" in engine.failure
    with pytest.raises(Unavailable):
        await answer(engine, request(CAPITAL))


async def test_a_prompt_past_the_context_is_too_long(engine: TransformersLanguageModel) -> None:
    with pytest.raises(TooLong, match=r"\d{4,} tokens.*4096") as seen:
        await answer(engine, request("tell me a story " * 1500))
    assert seen.value.code == "context_length_exceeded"


async def test_an_answer_ends_where_the_context_does(tiny_llama: Path) -> None:
    for parallel in (8, 1):
        async with loaded(tiny_llama, llm_max_parallel=parallel) as engine:
            events = await answer(engine, request("hello", max_output_tokens=1000, sampling=llm.Sampling(stop=None)))
            usage = events[-1].usage
            assert usage.input_tokens + usage.output_tokens <= tiny_random.CONTEXT
            assert events[-1].reason in ("length", "stop")


async def test_a_template_that_refuses_makes_an_invalid_request(tmp_path: Path) -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role here') }}{% endif %}[assistant]"
    tiny_random.build_llama(tmp_path, template=template)
    async with loaded(tmp_path) as engine:
        with pytest.raises(InvalidRequest, match="no system role here"):
            await answer(engine, request("hello"))
        user = llm.Message(role="user", parts=(llm.Text(text="hello"),))
        await answer(engine, llm.Request(model="m", messages=(user,), max_output_tokens=3))


async def test_tools_need_a_template_that_takes_them(tiny_llama: Path) -> None:
    async with loaded(tiny_llama) as engine:
        assert not engine.info.tools
        with pytest.raises(Unsupported, match="takes no tools"):
            await answer(engine, request("hello", tools=(SWITCH,)))


async def load(model: Path, **options: Any) -> None:
    async with loaded(model, **options):
        pass


async def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path, template=None)
    with pytest.raises(UpstreamError, match="has no chat template"):
        await load(tmp_path)


async def test_broken_weights_are_told_in_one_sentence(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UpstreamError, match="could not be loaded"):
        await load(tmp_path)
    weights.unlink()
    with pytest.raises(UpstreamError, match="missing or broken"):
        await load(tmp_path)


async def test_missing_weights_are_not_made_up(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"num_hidden_layers": 3}))
    with pytest.raises(UpstreamError, match="lacks 9 of its weights"):
        await load(tmp_path)


async def test_an_unknown_architecture_is_told_in_one_sentence(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": "nonsense"}))
    with pytest.raises(UpstreamError, match="cannot generate text with its architecture"):
        await load(tmp_path)


async def test_code_that_comes_with_a_model_needs_a_flag(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    config = tmp_path / "config.json"
    foreign = {
        "model_type": "foreign",
        "auto_map": {"AutoConfig": "foreign.Config", "AutoModelForCausalLM": "foreign.M"},
    }
    config.write_text(json.dumps(json.loads(config.read_text()) | foreign))
    (tmp_path / "foreign.py").write_text("raise SystemExit('it was run')")
    with pytest.raises(UpstreamError, match="--llm_trust_remote_code"):
        await load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "why"), [("top_k", -1, "top_k"), ("bad_words_ids", [[10**9]], "no token can be sampled")]
)
async def test_a_value_that_no_answer_can_be_written_with_is_found_while_loading(
    tiny_llama: Path, name: str, value: Any, why: str
) -> None:
    with pytest.raises(UpstreamError, match=f"--llm_gen_NAME is wrong: .*{why}"):
        await load(tiny_llama, llm_gen={name: value})


async def test_a_model_that_sees_nothing_is_not_loaded_as_one_that_does(tiny_llama: Path) -> None:
    with pytest.raises(UpstreamError, match="is not a vision model: omit --llm_is_vlm"):
        await load(tiny_llama, llm_is_vlm=True)


async def test_a_model_that_does_not_fit_is_unavailable(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", too_large)
    with pytest.raises(Unavailable, match="does not fit into memory"):
        await load(tiny_llama)


async def test_loading_is_told_at_its_beginning_and_end(tiny_llama: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="adapters"):
        await load(tiny_llama, llm_gen={"temperature": 0.5, "num_beams": 4})
    first, *_ = [record.message for record in caplog.records if record.levelno == logging.INFO]
    assert first.startswith(f"transformers: loading {tiny_llama} as float32 on ")
    assert "loaded" in caplog.text
    assert "continuous batching" in caplog.text
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 2
    assert "num_beams" in warned[1]
