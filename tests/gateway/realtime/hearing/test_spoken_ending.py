"""Which words can be all that somebody wants to say, in several languages."""

import pytest

from gateway.realtime.hearing.spoken_ending import ending

OPEN = {
    "en": ["I would like to", "And then I.", "Well, because", "my number is 0 1", "It is, um,", "so...", "I'm", "The."],
    "de": ["Ich möchte gerne eine", "Ja, aber.", "Das liegt daran, dass", "Also, ähm", "Meine Nummer ist 0, 1 7"],
    "fr": ["je voudrais un", "c'est parce que", "euh", "J'habite à"],
    "es": ["quiero ir a", "porque", "mi nombre es, eh"],
    "it": ["vorrei una pizza con il", "perché", "ehm"],
    "pt": ["eu quero que", "porque", "vou para"],
    "nl": ["ik wil graag een", "omdat", "uhm"],
    "pl": ["chciałbym żeby", "ponieważ"],
    "ru": ["я хочу чтобы", "и", "эээ"],
    "sv": ["jag vill ha en", "eftersom"],
    "tr": ["çünkü", "ııı"],
    "ja": ["明日は天気が", "えーと", "今日はですね、"],
    "zh": ["因为", "我想要苹果和", "呃"],
}
CLOSED = {
    "en": ["What is the capital of France?", "Turn it on.", "I think so.", "It costs 3.50.", "I don't know who she is.",
           "What is that for?", "Mhm.", "Four thousand."],
    "de": ["Mach das Licht an.", "Wie spät ist es?", "Das weiß ich nicht.", "Ja."],
    "fr": ["Je ne sais pas.", "Et vous ?", "Oui."],
    "es": ["Creo que no.", "¿Y tú?"],
    "it": ["Non lo so.", "Va bene."],
    "pt": ["Não sei.", "Também."],
    "ja": ["こんにちは。", "教えて。", "そうです。"],
    "zh": ["好的。", "对。", "你好吗？"],
}  # fmt: skip


@pytest.mark.parametrize(("language", "text"), [(each, text) for each, texts in OPEN.items() for text in texts])
def test_words_that_go_on(language: str, text: str) -> None:
    assert ending(text, language) == "open"


@pytest.mark.parametrize(("language", "text"), [(each, text) for each, texts in CLOSED.items() for text in texts])
def test_words_that_are_complete(language: str, text: str) -> None:
    assert ending(text, language) == "closed"


@pytest.mark.parametrize(
    "text", ["I would like to", "ich möchte eine", "je voudrais un", "quiero ir a", "因为", "天気が"]
)
def test_the_language_is_told_by_the_words_when_it_is_not_known(text: str) -> None:
    assert ending(text) == "open"


def test_a_question_is_one_whatever_its_last_word() -> None:
    assert ending("What are you looking at?", "en") == "closed"


def test_words_without_an_end_are_unclear() -> None:
    assert ending("turn on the light", "en") == "unclear"
    assert ending("ठीक है", "hi") == "unclear"
    assert ending("ठीक है।", "hi") == "closed"


@pytest.mark.parametrize("text", ["", "  ", "...", "?!"])
def test_no_words_have_no_ending(text: str) -> None:
    assert ending(text) is None
