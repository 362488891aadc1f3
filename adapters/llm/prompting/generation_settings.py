"""How a local model generates one answer: what ``--llm_gen_NAME`` and the request together say; pure."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import TooLong
from adapters.options import BadOption

_DEFAULT_MAX_NEW_TOKENS = 1024
_MIN_TEMPERATURE = (
    1e-3  # smaller ones differ from 0 only by overflows: scores are divided by them, in half precision too
)
_DOCUMENTED = ("max_new_tokens", "min_new_tokens", "temperature", "do_sample", "seed", "stop_strings")


class GenerationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How one answer is generated; ``others`` are further parameters of the backend, as they were set.

    Without ``do_sample`` the most likely token is chosen, and ``temperature`` is 0. ``stop`` are the stop strings.
    """

    max_new_tokens: int = _DEFAULT_MAX_NEW_TOKENS
    min_new_tokens: int = 0
    temperature: float = 0.0
    do_sample: bool = False
    seed: int | None = None
    stop: tuple[str, ...] = ()
    others: dict[str, Any] = {}


def settings_for(request: llm.Request, llm_gen: Mapping[str, Any]) -> GenerationSettings:
    """What ``request`` sets, else what ``llm_gen`` sets; a temperature above 0 samples, 0 and tiny ones do not."""
    asked = request.sampling
    # Sampling without a temperature is at 1, as in transformers' generate().
    temperature = llm_gen.get("temperature", 1.0 if llm_gen.get("do_sample") else 0.0)
    temperature = temperature if asked.temperature is None else asked.temperature
    samples = temperature >= _MIN_TEMPERATURE
    max_tokens = request.max_output_tokens or llm_gen.get("max_new_tokens", _DEFAULT_MAX_NEW_TOKENS)
    stop = llm_gen.get("stop_strings") or () if asked.stop is None else asked.stop
    from_request = {
        "top_p": asked.top_p,
        "frequency_penalty": asked.frequency_penalty,
        "presence_penalty": asked.presence_penalty,
    }
    others = {name: value for name, value in llm_gen.items() if name not in _DOCUMENTED}
    others |= {name: value for name, value in from_request.items() if value is not None}
    return GenerationSettings(
        max_new_tokens=max_tokens,
        min_new_tokens=min(llm_gen.get("min_new_tokens", 0), max_tokens),
        temperature=temperature if samples else 0.0,
        do_sample=samples,
        seed=llm_gen.get("seed") if asked.seed is None else asked.seed,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        others=others,
    )


def within_context(
    settings: GenerationSettings, context_tokens: int | None, prompt_tokens: int, adapter: str
) -> GenerationSettings:
    """``settings`` with no more tokens than a context of ``context_tokens`` leaves after the prompt.

    Raises ``TooLong``.
    """
    if context_tokens is None:
        return settings
    left = context_tokens - prompt_tokens
    if left < 1:
        raise TooLong(
            f"The conversation has {prompt_tokens} tokens; the model takes {context_tokens}, its answer included: "
            "shorten the conversation.",
            adapter=adapter,
            param="messages",
            code="context_length_exceeded",
        )
    max_tokens = min(settings.max_new_tokens, left)
    min_tokens = min(settings.min_new_tokens, max_tokens)
    return msgspec.structs.replace(settings, max_new_tokens=max_tokens, min_new_tokens=min_tokens)


def validate(llm_gen: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise ``BadOption`` for a parameter that is not ``known`` to the backend, or for a value that it cannot have.

    The documented parameters are known to every backend.
    """
    names = {*known, *_DOCUMENTED}
    for name, value in llm_gen.items():
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0)
            raise BadOption(
                f"--llm_gen_{name}: there is no such generation parameter; the nearest is --llm_gen_{near[0]}."
            )
        if expected := _expected(name, value):
            raise BadOption(f"--llm_gen_{name} must be {expected}, not {value!r}.")
    if llm_gen.get("min_new_tokens", 0) > llm_gen.get("max_new_tokens", _DEFAULT_MAX_NEW_TOKENS):
        raise BadOption(
            f"--llm_gen_min_new_tokens {llm_gen['min_new_tokens']!r} is more than --llm_gen_max_new_tokens "
            f"{llm_gen.get('max_new_tokens', _DEFAULT_MAX_NEW_TOKENS)!r}: raise the latter."
        )


def warnings(llm_gen: Mapping[str, Any]) -> tuple[str, ...]:
    """Settings that may be a mistake, one sentence each, to be logged once."""
    if llm_gen.get("temperature", 0) > 0 and not llm_gen.get("do_sample"):
        temperature = llm_gen["temperature"]
        return (f"--llm_gen_temperature {temperature!r} without --llm_gen_do_sample: tokens are sampled anyway.",)
    return ()


def _expected(name: str, value: Any) -> str | None:
    """What the value must be, if it is not."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or isinstance(value, float)
    match name:
        case "max_new_tokens":
            return None if whole and value >= 1 else "a whole number above 0"
        case "min_new_tokens":
            return None if whole and value >= 0 else "a whole number, 0 or more"
        case "temperature":
            return None if number and 0 <= value < float("inf") else "a number, 0 or more"
        case "do_sample":
            return None if isinstance(value, bool) else "true or false"
        case "seed":
            return None if whole and value >= 0 else "a whole number, 0 or more"
        case "stop_strings":
            texts = value if isinstance(value, list) else [value]
            return None if all(isinstance(text, str) and text for text in texts) else "a text or a list of texts"
        case _:
            return None
