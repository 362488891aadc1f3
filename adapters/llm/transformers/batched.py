"""Writes many answers at once: the continuous batching of transformers, one token of each at every step."""

import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers.generation import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching import RequestState
from transformers.generation.continuous_batching.utils import find_head_dim, find_num_key_value_heads

from adapters.blocking import Ended
from adapters.contract.errors import AdapterError
from adapters.llm.decoding.event_stream import Token
from adapters.llm.local_options import TransformersOptions
from adapters.llm.transformers import memory
from adapters.llm.transformers.errors import of_an_answer, out_of_memory
from adapters.llm.transformers.loader import Loaded
from adapters.llm.transformers.request import Asked
from adapters.llm.transformers.sampling import Chooser, configuration, prepare

_log = logging.getLogger(__name__)
logging.getLogger("ContinuousBatchingLogger").setLevel(logging.WARNING)  # it has a handler of its own

PAGE = 16
"""Tokens: the beginning that two conversations share is found in multiples of it."""

STEP_TOKENS = 512
"""How much of waiting prompts is read between two tokens of the answers that are under way."""

CONVERSATION_TOKENS = 4096
"""The room in the cache that is planned for one conversation; all of it is shared, one may take more."""


class Writer:
    """One answer under way."""

    def __init__(self, asked: Asked, chooser: Chooser) -> None:
        self.chooser = chooser
        self.prompt_tokens = len(asked.tokens)
        self.read = 0  # tokens of the prompt that had to be computed, twice where room was made for others meanwhile
        self.told = 0  # tokens of the answer that were passed on
        self.failure: Exception | None = None


class Together:
    """The batch. It has one cache of pages, in which a beginning that conversations share is kept once.

    The library's manager has a thread of its own, in which an error ends everything and which does not say when a
    cancelled request is out. So only its parts are used, from our thread; and tokens are chosen by our ``Chooser``,
    with the processors of ``generate``, whatever they are, and a seed for each answer.
    """

    def __init__(self, loaded: Loaded, options: TransformersOptions) -> None:
        """Raises what the library raises for a model that it cannot do this with."""
        self._loaded = loaded
        self._writers: dict[str, Writer] = {}
        self._outputs = _Outputs()
        self._choice = _Choice(self._writers)
        self._processor = _processor(loaded, options, self._choice, self._outputs)

    @property
    def room(self) -> int:
        """Tokens that one conversation can have."""
        cache = self._processor.cache
        return int(cache.num_blocks) * PAGE

    def add(self, key: int, job: Asked) -> None:
        """Take an answer in. Raises ``InvalidRequest``."""
        config = configuration(self._loaded.recommended, job.generation)
        prepared = prepare(self._loaded.model, job.inputs, config, job.generation)
        self._writers[str(key)] = Writer(job, Chooser(prepared, job.generation.seed))
        self._enter(str(key), job.tokens, job.generation.max_new_tokens, self._loaded.ends)

    def _enter(self, name: str, tokens: list[int], most: int, ends: Sequence[int]) -> None:
        state = RequestState(
            request_id=name, initial_tokens=tokens, max_new_tokens=most, eos_token_id=list(ends), streaming=True
        )
        self._processor.scheduler.add_waiting_request(state)

    def drop(self, key: int) -> None:
        """Free the pages of an answer."""
        self._writers.pop(str(key), None)
        scheduler = self._processor.scheduler
        scheduler.set_request_cancellation(str(key))
        scheduler.clear_cancelled_requests()
        scheduler.block_new_requests = False  # as when one has ended: there is room again

    def step(self) -> Iterator[tuple[int, Token | Exception | Ended]]:
        """The next token of every answer, or some more of the prompts."""
        try:
            self._advance()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those who wait
            yield from self._failed(error)
            return
        for output in self._outputs.taken():
            name = output.request_id
            writer = self._writers[name]
            if writer.failure is not None:
                self.drop(int(name))
                yield int(name), of_an_answer(writer.failure)
                continue
            for token in output.generated_tokens[writer.told :]:
                yield int(name), Token(id=token, cached=max(0, writer.prompt_tokens - writer.read))
            writer.told = len(output.generated_tokens)
            if output.is_finished():
                del self._writers[name]
                yield int(name), Ended()

    def _advance(self) -> None:
        if not self._processor.prepare_next_batch():
            raise RuntimeError("nothing to do although answers are under way")
        self._processor._generation_step(self._loaded.model)
        self._processor.update_batch()

    def _failed(self, error: Exception) -> Iterator[tuple[int, AdapterError]]:
        """Give all answers up, for nobody knows whose the error was, and begin anew with an empty cache."""
        _log.error("transformers: a step failed (%s); its %d answers end.", type(error).__name__, len(self._writers))
        names = list(self._writers)
        self._writers.clear()
        self._outputs.taken()
        error = of_an_answer(error).with_traceback(None)
        self._processor.reset()
        memory.free()
        for name in names:
            yield int(name), error

    def close(self) -> None:
        """Release the cache."""
        del self._processor

    def check(self, attention: str) -> None:
        """Raise ``Inexact`` unless the model says here what it says by its own ``attention``.

        It reads a page and writes 3 tokens. What the library raises for a model that it cannot do this with passes.
        """
        model, most = self._loaded.model, 3
        vocabulary = model.get_input_embeddings().weight.shape[0]
        tokens = [number * 17 % vocabulary for number in range(PAGE + 8)]
        seen: list[Any] = []
        self._choice.seen = seen
        self._enter("probe", tokens, most, ())
        for _ in range(most):
            self._advance()
        self._choice.seen = None
        (written,) = [output.generated_tokens for output in self._outputs.taken() if output.is_finished()]
        whole = torch.tensor([[*tokens, *written[:-1]]], device=model.device)
        paged = model.config._attn_implementation
        attend(model, attention)
        plain = model(input_ids=whole, use_cache=False).logits[0, len(tokens) - 1 :].float()
        attend(model, paged)
        tolerance = 1e-3 if model.dtype == torch.float32 else 0.05
        difference = (torch.cat(seen) - plain).abs().max()
        if not difference <= tolerance * plain.abs().max():
            raise Inexact


class Inexact(Exception):
    """Written together, answers would not be the model's own."""


def attend(model: Any, attention: str) -> None:
    """Let ``model`` use the implementation ``attention``; the library changes some, which then do nothing else."""
    if model.config._attn_implementation != attention:
        model.set_attn_implementation(attention)


def _processor(loaded: Loaded, options: TransformersOptions, choice: "_Choice", outputs: "_Outputs") -> Any:
    """The library's batch processor with a cache as large as planned, or as memory allows."""
    conversation = min(loaded.context or CONVERSATION_TOKENS, CONVERSATION_TOKENS)
    blocks = (options.llm_max_parallel + options.llm_prefix_cache) * conversation // PAGE
    blocks = max(blocks, min(loaded.context or 0, 8 * CONVERSATION_TOKENS) // PAGE)
    blocks = min(blocks, _affordable(loaded.model, conversation))
    while True:
        manager = loaded.model.init_continuous_batching(
            generation_config=GenerationConfig(do_sample=False, eos_token_id=-1),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE,
                num_blocks=blocks,
                max_batch_tokens=STEP_TOKENS,
                max_memory_percent=0.8,
                max_requests_per_batch=options.llm_max_parallel,
                allow_block_sharing=options.llm_prefix_cache > 0,
                use_async_batching=False,  # a token must be known before the next is chosen
                use_cuda_graph=False,
                auto_switch_to_flash=False,
            ),
        )
        manager.logit_processor = choice
        manager.output_router = outputs
        try:
            return manager._create_batch_processor()
        except (MemoryError, RuntimeError) as error:
            if blocks * PAGE <= conversation or not (isinstance(error, MemoryError) or out_of_memory(error)):
                raise
        blocks //= 2


def _affordable(model: Any, conversation: int) -> int:
    """Pages in half of the host's free memory for a model that runs there; for others the library looks.

    Raises ``MemoryError`` when not even one ``conversation`` fits, in tokens.
    """
    if model.device.type != "cpu":
        return sys.maxsize
    config = model.config.get_text_config()
    numbers: int = config.num_hidden_layers * find_num_key_value_heads(config) * find_head_dim(config)
    pages: int = memory.available() // 2 // (2 * PAGE * numbers * model.dtype.itemsize)  # keys and values
    if pages * PAGE < conversation:
        raise MemoryError
    return pages


class _Outputs:
    """Collects what a step gives, in place of the library's router to other threads."""

    def __init__(self) -> None:
        self._outputs: list[Any] = []

    def deliver_batch(self, outputs: list[Any]) -> None:
        self._outputs.extend(outputs)

    def taken(self) -> list[Any]:
        outputs, self._outputs = self._outputs, []
        return outputs


class _Choice:
    """Chooses the tokens of a step, in the place of the library's list of logits processors, whose interface it has.

    The library takes the likeliest token of the scores that it gets back.
    """

    do_processing = True
    tensors_required = 0  # of its own numbers

    def __init__(self, writers: dict[str, Writer]) -> None:
        self._writers = writers
        self._states: list[RequestState] = []  # whose next tokens the scores are about
        self.seen: list[Any] | None = None

    def fill_defaults(self, int32_tensor: Any) -> None:
        """There are none."""

    def prepare_tensor_args(self, requests_in_batch: list[Any], arg_storage: Any) -> None:
        """Note what the next step is about."""
        for request in requests_in_batch:
            writer = self._writers.get(request.state.request_id)
            if writer is not None and not writer.told:
                writer.read += request.query_length
        self._states = [request.state for request in requests_in_batch if request.has_new_token]

    def __call__(self, _input_ids: Any, scores: Any, _arguments: Any) -> Any:
        """``scores``, answers x vocabulary; where more than they decide, only the chosen token has one left."""
        if self.seen is not None:
            self.seen.append(scores[: len(self._states)].clone())
        for row, state in enumerate(self._states):
            writer = self._writers.get(state.request_id)
            if writer is None or writer.chooser.takes_the_likeliest:
                continue
            said = torch.tensor([[*state.initial_tokens, *state.generated_tokens]], device=scores.device)
            try:
                token = writer.chooser.choose(said, scores[row : row + 1])
            except Exception as error:  # noqa: BLE001 - this answer's alone: the others go on
                writer.failure = error
            else:
                scores[row] = -torch.inf
                scores[row, token] = 0.0
        return scores
