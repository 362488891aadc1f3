"""Samples the next token of every answer in a batch, with the sampler of each."""

from typing import Any

import torch
from transformers.generation.continuous_batching import RequestState

from adapters.llm.local_errors import NonFiniteScores
from adapters.llm.transformers.request import GenerationRequest
from adapters.llm.transformers.sampling import Sampler, are_finite
from adapters.local.device_errors import is_device_lost


class ActiveAnswer:
    """One answer that is being generated."""

    def __init__(self, job: GenerationRequest, sampler: Sampler) -> None:
        self.sampler = sampler
        self.prompt_tokens = len(job.tokens)
        self.computed = 0  # tokens of the prompt; those that were dropped to make room count twice
        self.passed_on = 0  # tokens of the answer
        self.failure: Exception | None = None

    @property
    def cached_tokens(self) -> int:
        """The tokens of the prompt that were not computed."""
        return max(0, self.prompt_tokens - self.computed)


class LogitsHook:
    """Takes the place, and has the interface, of the library's list of logits processors for continuous batching.

    The library chooses the most likely token of the scores that it gets back. ``answers`` are those of the batch, by
    request id.
    """

    do_processing = True
    tensors_required = 0  # of its own

    def __init__(self, answers: dict[str, ActiveAnswer]) -> None:
        self._answers = answers
        self._states: list[RequestState] = []  # the requests whose next tokens are sampled, in the order of the rows
        self.recorded: list[Any] | None = None  # the scores of every step, while they are wanted

    def fill_defaults(self, int32_tensor: Any) -> None:
        """Part of the interface; there are none."""

    def prepare_tensor_args(self, requests_in_batch: list[Any], arg_storage: Any) -> None:
        """Note which requests the next step is about."""
        for request in requests_in_batch:
            answer = self._answers.get(request.state.request_id)
            if answer is not None and not answer.passed_on:
                answer.computed += request.query_length
        self._states = [request.state for request in requests_in_batch if request.has_new_token]

    def __call__(self, _input_ids: Any, scores: Any, _arguments: Any) -> Any:
        """``scores``, requests x vocabulary; where a token was sampled, it is the only one with a score left.

        Raises when the device is lost.
        """
        if self.recorded is not None:
            self.recorded.append(scores[: len(self._states)].clone())
        finite = are_finite(scores[: len(self._states)])
        for row, state in enumerate(self._states):
            answer = self._answers.get(state.request_id)
            if answer is None:
                continue
            if answer.sampler.is_greedy:
                answer.failure = None if finite[row] else NonFiniteScores()
                continue
            tokens = torch.tensor([[*state.initial_tokens, *state.generated_tokens]], device=scores.device)
            try:
                token = answer.sampler.sample(tokens, scores[row : row + 1])
            except Exception as error:
                if is_device_lost(error):
                    raise
                answer.failure = error  # it ends this answer only
            else:
                scores[row] = -torch.inf
                scores[row, token] = 0.0
        return scores
