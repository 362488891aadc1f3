"""What ``--llm_gen_NAME`` and a request together ask of a local model's generation; pure."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import TooLong
from adapters.options import BadOption

_DOCUMENTED = ("max_new_tokens", "min_new_tokens", "temperature", "do_sample", "seed", "stop_strings")


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """How one answer is generated; ``others`` are further parameters of the backend's, as they were set.

    Without ``do_sample`` the likeliest token is taken, and ``temperature`` is 0. ``stop`` are the stop strings, which
    ``Writing`` finds.
    """

    max_new_tokens: int = 1024
    min_new_tokens: int = 0
    temperature: float = 0.0
    do_sample: bool = False
    seed: int | None = None
    stop: tuple[str, ...] = ()
    others: dict[str, Any] = {}


def generation(llm_gen: Mapping[str, Any], request: llm.Request) -> Generation:
    """What ``request`` asks for, else what is set; a temperature above 0 samples, 0 does not."""
    asked = request.sampling
    # Sampling that is asked for without a temperature is at 1, as transformers' generate does it.
    temperature = llm_gen.get("temperature", 1.0 if llm_gen.get("do_sample") else 0.0)
    temperature = temperature if asked.temperature is None else asked.temperature
    most = request.max_output_tokens or llm_gen.get("max_new_tokens", 1024)
    stop = llm_gen.get("stop_strings") or () if asked.stop is None else asked.stop
    chosen = {
        "top_p": asked.top_p,
        "frequency_penalty": asked.frequency_penalty,
        "presence_penalty": asked.presence_penalty,
    }
    others = {name: value for name, value in llm_gen.items() if name not in _DOCUMENTED}
    others |= {name: value for name, value in chosen.items() if value is not None}
    return Generation(
        max_new_tokens=most,
        min_new_tokens=min(llm_gen.get("min_new_tokens", 0), most),
        temperature=temperature,
        do_sample=temperature > 0,
        seed=llm_gen.get("seed") if asked.seed is None else asked.seed,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        others=others,
    )


def bounded(wanted: Generation, context: int | None, used: int, adapter: str) -> Generation:
    """``wanted`` with no more tokens than a ``context`` leaves of which the prompt has ``used``. Raises ``TooLong``."""
    if context is None:
        return wanted
    left = context - used
    if left < 1:
        raise TooLong(
            f"The conversation has {used} tokens; the model takes {context} with its answer: shorten it.",
            adapter=adapter,
            param="messages",
            code="context_length_exceeded",
        )
    most = min(wanted.max_new_tokens, left)
    return msgspec.structs.replace(wanted, max_new_tokens=most, min_new_tokens=min(wanted.min_new_tokens, most))


def check(llm_gen: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise ``BadOption`` for a parameter that is not ``known`` to the backend, or for a value that it cannot have.

    The parameters that are documented are known to every backend.
    """
    names = {*known, *_DOCUMENTED}
    for name, value in llm_gen.items():
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0)
            raise BadOption(
                f"--llm_gen_{name}: there is no such generation parameter; the nearest is --llm_gen_{near[0]}."
            )
        if wanted := _wrong(name, value):
            raise BadOption(f"--llm_gen_{name} must be {wanted}, not {value!r}.")
    if llm_gen.get("min_new_tokens", 0) > llm_gen.get("max_new_tokens", 1024):
        raise BadOption(
            f"--llm_gen_min_new_tokens {llm_gen['min_new_tokens']!r} is more than --llm_gen_max_new_tokens "
            f"{llm_gen.get('max_new_tokens', 1024)!r}: raise the latter."
        )


def warnings(llm_gen: Mapping[str, Any]) -> tuple[str, ...]:
    """What is odd about the settings, one sentence each, to be logged once."""
    if llm_gen.get("temperature", 0) > 0 and not llm_gen.get("do_sample"):
        temperature = llm_gen["temperature"]
        return (f"--llm_gen_temperature {temperature!r} without --llm_gen_do_sample: tokens are sampled all the same.",)
    return ()


def _wrong(name: str, value: Any) -> str | None:
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
