"""A value that mlx-lm cannot use is refused before anything is loaded."""

from typing import Any

import pytest

from adapters.llm.mlx_lm.parameters import Parameters, parameters, validate
from adapters.options import BadOption


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"top_p": 1.5}, r"--llm_gen_top_p 1\.5 is not possible: Expected `float` <= 1\.0"),
        ({"top_k": 2.5}, "--llm_gen_top_k 2.5"),
        ({"xtc_threshold": 0.9}, "--llm_gen_xtc_threshold"),
        ({"logit_bias": {"word": 1}}, "--llm_gen_logit_bias"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_value_that_cannot_be_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        validate(values)


def test_what_is_not_known_or_not_set_is_left_out() -> None:
    values = {"top_k": 3, "top_p": None, "num_beams": 2, "logit_bias": {"5": -1}}
    validate(values)
    assert parameters(values) == Parameters(top_k=3, logit_bias={5: -1.0})
