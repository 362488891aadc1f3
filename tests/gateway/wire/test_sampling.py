"""How an answer is drawn, as requests say it."""

from typing import Any

from adapters.contract import llm
from gateway.wire.sampling import SamplingFields, sampling_of


def test_what_is_left_out_is_left_to_the_settings() -> None:
    assert sampling_of(SamplingFields()) == llm.Sampling()


def test_every_field_reaches_the_model() -> None:
    values: dict[str, Any] = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "frequency_penalty": 0.25}
    values["presence_penalty"] = -1.0
    sampling = sampling_of(SamplingFields(stop="END", **values))
    assert {name: getattr(sampling, name) for name in values} == values
    assert sampling.stop == ("END",)


def test_several_texts_end_the_answer_and_an_empty_list_says_that_none_does() -> None:
    assert sampling_of(SamplingFields(stop=["a", "b"])).stop == ("a", "b")
    assert sampling_of(SamplingFields(stop=[])).stop == ()
