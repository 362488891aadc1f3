"""Flags: spellings, which words they take, and mistakes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.options import Secret
from gateway.settings.flags import parse
from gateway.settings.model import SettingsError
from gateway.settings.options import options


def values(*words: str) -> dict[str, Any]:
    line = parse(words)
    assert line.positional == ()
    return {key: setting.value for key, setting in line.settings.items()}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--chat_size", "20"], {"chat_size": 20}),
        (["--chat-size=20"], {"chat_size": 20}),
        (["--chat_size", "20", "--chat-size", "21"], {"chat_size": 21}),
        (["--speed", "2"], {"speed": 2.0}),
        (["--speed", ".5"], {"speed": 0.5}),
        (["--model_name=a=b"], {"model_name": "a=b"}),
        (["--init_chat_prompt", ""], {"init_chat_prompt": ""}),
        (["--init_chat_prompt=--x"], {"init_chat_prompt": "--x"}),
        (["--enable_lang_prompt"], {"enable_lang_prompt": True}),
        (["--enable_lang_prompt", "No"], {"enable_lang_prompt": False}),
        (["--enable-lang-prompt=1"], {"enable_lang_prompt": True}),
        (["--enable_lang_prompt", "--voice", "echo"], {"enable_lang_prompt": True, "voice": "echo"}),
        (["--no_compact_history"], {"compact_history": False}),
        (["--compact_history", "off"], {"compact_history": False}),
        (["--compact_history=Off"], {"compact_history": False}),
        (
            ["--enable_lang_prompt", "on", "--compact_history", "yes"],
            {"enable_lang_prompt": True, "compact_history": True},
        ),
        (["--no-compact-history"], {"compact_history": False}),
        (["--responses_api_frequency_penalty", "-1.5"], {"responses_api_frequency_penalty": -1.5}),
        (["--responses_api_frequency_penalty", "-.5"], {"responses_api_frequency_penalty": -0.5}),
        (["--responses_api_stop", "END"], {"responses_api_stop": ("END",)}),
        (["--responses_api_stop", '["a", "b"]'], {"responses_api_stop": ("a", "b")}),
        (["--responses_api_stop", "[a"], {"responses_api_stop": ("[a",)}),
        (["--responses_api_extra_body", '{"top_k": 5}'], {"responses_api_extra_body": {"top_k": 5}}),
        (["--responses_api_api_key", "sk"], {"responses_api_api_key": Secret("sk")}),
        (["--llm_gen_top_k", "5"], {"llm_gen_top_k": 5}),
        (["--llm-gen-penalty=-1e-3"], {"llm_gen_penalty": -0.001}),
        (["--llm_gen_stop_strings", '["a"]'], {"llm_gen_stop_strings": ["a"]}),
        (["--llm_gen_cache_implementation", "static"], {"llm_gen_cache_implementation": "static"}),
        (["--llm_gen_do_sample", "False"], {"llm_gen_do_sample": False}),
        (["--llm_gen_do_sample", "off"], {"llm_gen_do_sample": False}),
        (["--llm_gen_use_cache", "Off"], {"llm_gen_use_cache": False}),
        (["--llm_gen_x", "0"], {"llm_gen_x": 0}),
        (["--llm_gen_x", '"off"'], {"llm_gen_x": "off"}),
        (["--llm-gen-max-new-tokens", "512"], {"llm_gen_max_new_tokens": 512}),
        (["--llm_gen_temperature", "1"], {"llm_gen_temperature": 1.0}),
        (["--llm_gen_do_sample", "--llm_gen_x", "null"], {"llm_gen_do_sample": True, "llm_gen_x": None}),
        (["--no_llm_gen_do_sample"], {"llm_gen_do_sample": False}),
        (["--llm_gen", '{"top_k": 5}'], {"llm_gen_top_k": 5}),
    ],
)
def test_spellings(words: list[str], expected: dict[str, Any]) -> None:
    assert values(*words) == expected


def test_a_switch_leaves_the_next_word_alone() -> None:
    assert parse(["--enable_lang_prompt", "question.wav"]).positional == ("question.wav",)
    assert parse(["--llm_gen_do_sample", "question.wav"]).positional == ("question.wav",)


def test_options_of_a_command() -> None:
    line = parse(["-o", "-", "in.wav", "--url=http://x", "--voice", "echo"], {"-o": "output", "--url": "url"})
    assert line.own == {"output": "-", "url": "http://x"}
    assert line.positional == ("in.wav",)
    assert list(line.settings) == ["voice"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--chat_sise", "3"], "Unknown flag '--chat_sise': did you mean --chat_size?"),
        (["--qqq"], "Unknown flag '--qqq': 'speech-to-speech --help' lists them all"),
        (["-o", "x"], "Unknown flag '-o'"),
        (["--no_chat_size"], "Unknown flag '--no_chat_size'"),
        (["--llm_gen_"], "Unknown flag '--llm_gen_'"),
        (["--no_compact_history=true"], "--no_compact_history takes no value"),
        (["--chat_size"], "--chat_size needs a value"),
        (["--model_name", "--speed", "1"], "--model_name needs a value; one that begins with a dash"),
        (["--chat_size", "many"], "--chat_size 'many' cannot be used: expected int, got str"),
        (["--port", "70000"], "--port 70000 cannot be used: expected int <= 65535"),
        (["--speed", "9"], "--speed 9 cannot be used: expected float <= 4.0"),
        (["--speed", "nan"], "--speed nan cannot be used"),
        (["--max_audio_seconds", "inf"], "--max_audio_seconds inf cannot be used: expected a finite number"),
        (["--compact_history=maybe"], "--compact_history 'maybe' is not one of true, 1, yes, on, false, 0, no, off"),
        (["--mode", "batch"], "--mode 'batch' is not one of realtime"),
        (["--llm_gen_max_new_tokens", "many"], "--llm_gen_max_new_tokens 'many' cannot be used: expected int, got str"),
        (["--llm_gen_max_new_tokens", "0"], "--llm_gen_max_new_tokens 0 cannot be used: expected int >= 1"),
        (["--llm_torch_dtype", "int8"], "'int8' is not one of bfloat16, float16, float32"),
        (["--responses_api_extra_body", "x"], "--responses_api_extra_body 'x' cannot be used: expected object"),
        (["--language", "english"], "--language 'english' cannot be used"),
    ],
)
def test_mistakes(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(words)
    assert message in str(raised.value)


def test_a_misspelt_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as raised:
        parse(["--responses_api_key=sk-private"])
    assert "sk-private" not in str(raised.value)


FLAGS = st.sampled_from(sorted(options())).map(lambda key: f"--{key}")
WORDS = st.one_of(FLAGS, FLAGS.map(lambda flag: f"--no_{flag[2:]}"), st.just("--llm_gen_x"), st.text(max_size=8))
JOINED = st.tuples(FLAGS, st.one_of(st.text(max_size=8), st.integers().map(str), st.floats().map(str))).map("=".join)


@settings(deadline=None, max_examples=100)
@given(st.lists(WORDS | JOINED, max_size=4))
def test_any_words_are_settings_or_one_clear_line(words: list[str]) -> None:
    message = ""
    try:
        parse(words)
    except SettingsError as error:
        message = str(error)
    assert len(message.splitlines()) <= 1
