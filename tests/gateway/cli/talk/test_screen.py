"""What ``talk`` prints: lines in a file, and a line that changes on a terminal."""

import io

from gateway.cli.talk.screen import Terminal


class Tty(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_conversation_in_a_file_is_lines() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.heard("what", final=False)
    terminal.level(0.5)
    terminal.heard("What now?", final=True)
    terminal.answer("Now ")
    terminal.answer("this.")
    terminal.answered(320, interrupted=False)
    terminal.answer("And then")
    terminal.answered(None, interrupted=True)
    terminal.failure("no\nmodel")
    terminal.close()
    assert stream.getvalue().splitlines() == [
        "you:    What now?",
        "answer: Now this.",
        "        (first sound 320 ms after the turn)",
        "answer: And then",
        "        (interrupted)",
        "error:  no model",
    ]


def test_on_a_terminal_level_and_words_are_seen_while_one_speaks() -> None:
    stream = Tty()
    terminal = Terminal(stream)
    terminal.heard("what no", final=False)
    terminal.level(0.5)
    assert stream.getvalue().endswith("[######      ] what no")
    terminal.answer("Now")
    before = stream.getvalue()
    terminal.level(1.0)
    assert stream.getvalue() == before, "a level in the middle of an answer"


def test_a_failure_in_an_answer_begins_a_line_of_its_own() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.answer("Half")
    terminal.failure("it broke")
    assert stream.getvalue() == "answer: Half\nerror:  it broke\n"
