"""The tables of flags name every setting once, with its default, its values and its limits."""

import pytest

from gateway.settings.flag_table import BEGIN, END, with_flag_tables
from gateway.settings.options import options

TABLES = with_flag_tables(BEGIN + END)
ROWS = {line.split("`")[1]: line for line in TABLES.splitlines() if line.startswith("| `--")}


def test_every_setting_has_one_row() -> None:
    flags = ["--llm_gen_NAME" if key == "llm_gen" else f"--{key}" for key in options()]
    assert list(ROWS) == flags
    assert TABLES.count("| `--") == len(flags)


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--chat_size", "| `30` |"),
        ("--chat_size", " At least 1. |"),
        ("--compact_history", "| `true` |"),
        ("--language", "| unset |"),
        ("--pronunciations", "| unset |"),
        ("--speed", " Between 0.25 and 4. |"),
        ("--responses_api_deadline", " More than 0, at most 3600. For `chat-completions`, `responses-api`. |"),
        ("--max_turn_seconds", " More than 0. |"),
        ("--speak_code", " One of `omit`, `read`. |"),
    ],
)
def test_a_row_tells(flag: str, told: str) -> None:
    assert told in ROWS[flag]


def test_only_what_is_between_the_marks_is_written() -> None:
    document = f"# Settings\n\n{BEGIN}old\n{END}\nNotes.\n"
    assert with_flag_tables(document) == f"# Settings\n\n{TABLES}\nNotes.\n"
