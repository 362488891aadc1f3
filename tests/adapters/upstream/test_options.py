from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.options import decode_option
from adapters.upstream import UpstreamOptions


def read(**given: Any) -> UpstreamOptions:
    fields = {f"responses_api_{name}": value for name, value in given.items()}
    return msgspec.convert(fields, UpstreamOptions, dec_hook=decode_option)


def test_options_are_read_from_plain_values() -> None:
    assert read(api_key="k", stop=["a"]).responses_api_stop == ("a",)
    assert "secret" not in repr(read(api_key="secret"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 3),
        ("top_p", 1.5),
        ("presence_penalty", -3),
        ("max_output_tokens", 0),
        ("connect_timeout", 0),
        ("first_token_timeout", -1),
        ("gap_timeout", 3601),
        ("deadline", 0),
        ("max_retries", -1),
        ("max_retries", 11),
    ],
)
def test_options_have_limits(name: str, value: float) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(**{name: value})


def test_every_option_is_described() -> None:
    for field in msgspec.inspect.type_info(UpstreamOptions).fields:  # type: ignore[attr-defined]
        assert isinstance(field.type, msgspec.inspect.Metadata), field.name
        assert (field.type.extra_json_schema or {}).get("description"), field.name


def test_the_requests_sampling_wins_over_the_options() -> None:
    options = UpstreamOptions(responses_api_temperature=0.5, responses_api_seed=1)
    assert options.sampling(llm.Sampling(temperature=0.0)) == llm.Sampling(temperature=0.0, seed=1)
