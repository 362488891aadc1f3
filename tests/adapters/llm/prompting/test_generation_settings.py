from typing import Any

import pytest

from adapters.contract import llm
from adapters.llm.prompting.generation_settings import GenerationSettings, settings_for, validate, warnings
from adapters.options import BadOption


def asked(max_output_tokens: int | None = None, **sampling: Any) -> llm.Request:
    return llm.Request(model="m", messages=(), max_output_tokens=max_output_tokens, sampling=llm.Sampling(**sampling))


@pytest.mark.parametrize(
    ("llm_gen", "request_", "expected"),
    [
        ({}, asked(), GenerationSettings()),
        (
            {"max_new_tokens": 9, "min_new_tokens": 5, "top_k": 3},
            asked(),
            GenerationSettings(max_new_tokens=9, min_new_tokens=5, others={"top_k": 3}),
        ),
        (
            {"max_new_tokens": 9, "min_new_tokens": 5},
            asked(max_output_tokens=4),
            GenerationSettings(max_new_tokens=4, min_new_tokens=4),
        ),
        ({"temperature": 0.7, "do_sample": True}, asked(), GenerationSettings(temperature=0.7, do_sample=True)),
        ({"temperature": 0.7}, asked(), GenerationSettings(temperature=0.7, do_sample=True)),
        ({"do_sample": True}, asked(), GenerationSettings(temperature=1.0, do_sample=True)),
        ({"do_sample": True, "temperature": 0.0}, asked(), GenerationSettings()),
        ({"temperature": 0.7, "do_sample": True}, asked(temperature=0.0), GenerationSettings()),
        ({}, asked(temperature=1e-39), GenerationSettings()),
        ({}, asked(temperature=5e-324), GenerationSettings()),
        ({"temperature": 1e-39, "do_sample": True}, asked(), GenerationSettings()),
        ({}, asked(temperature=0.01), GenerationSettings(temperature=0.01, do_sample=True)),
        ({}, asked(temperature=0.5), GenerationSettings(temperature=0.5, do_sample=True)),
        (
            {"top_p": 0.5, "temperature": 1},
            asked(top_p=0.9),
            GenerationSettings(temperature=1, do_sample=True, others={"top_p": 0.9}),
        ),
        ({"stop_strings": "a", "seed": 1}, asked(), GenerationSettings(stop=("a",), seed=1)),
        ({"stop_strings": ["a", "b"]}, asked(), GenerationSettings(stop=("a", "b"))),
        ({"stop_strings": ["a"], "seed": 1}, asked(stop=("c",), seed=2), GenerationSettings(stop=("c",), seed=2)),
    ],
)
def test_the_request_wins_over_what_is_set(
    llm_gen: dict[str, Any], request_: llm.Request, expected: GenerationSettings
) -> None:
    validate(llm_gen, ["top_k", "top_p"])
    assert settings_for(request_, llm_gen) == expected


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("temprature", "temperature"), ("max_token", "max_new_tokens"), ("topp", "top_p"), ("zzz", "")],
)
def test_an_unknown_parameter_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(BadOption, match=f"--llm_gen_{name}.* --llm_gen_{nearest}") as caught:
        validate({name: 1}, ["top_p", "top_k"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("max_new_tokens", 0, "above 0"),
        ("max_new_tokens", True, "whole number"),
        ("max_new_tokens", 2.5, "whole number"),
        ("min_new_tokens", -1, "0 or more"),
        ("temperature", "hot", "a number"),
        ("temperature", -0.1, "0 or more"),
        ("temperature", float("nan"), "a number"),
        ("temperature", float("inf"), "a number"),
        ("do_sample", 1, "true or false"),
        ("seed", "x", "whole number"),
        ("stop_strings", [""], "list of texts"),
        ("stop_strings", 3, "list of texts"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, value: object, wanted: str) -> None:
    with pytest.raises(BadOption, match=f"--llm_gen_{name} must be .*{wanted}"):
        validate({name: value}, [])


def test_more_tokens_at_least_than_at_most_are_refused() -> None:
    with pytest.raises(BadOption, match="--llm_gen_min_new_tokens 2000 is more than --llm_gen_max_new_tokens 1024"):
        validate({"min_new_tokens": 2000}, [])
    validate({"min_new_tokens": 2000, "max_new_tokens": 2000}, [])


def test_a_temperature_without_do_sample_is_odd() -> None:
    assert len(warnings({"temperature": 0.7})) == len(warnings({"temperature": 0.7, "do_sample": False})) == 1
    assert warnings({"temperature": 0.7, "do_sample": True}) == warnings({"temperature": 0.0}) == warnings({}) == ()
