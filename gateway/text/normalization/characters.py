"""Folds the characters of all scripts to plain ones; an unspeakable sign becomes a space, so that nothing is joined."""

import re
import unicodedata

from gateway.text.segmentation import punctuation

_UNSPEAKABLE = "\x00"
"""Stands for any character that is not spoken until its neighbours decide whether a space is needed."""

KEPT_SYMBOLS = frozenset("+−×÷=<>±≠≤≥≈√∞∑∫%‰°^|~$€£¥₹′″&@#§©®™№µ⁺⁻→←↑↓↔")
"""Symbols that engines or the rules of a language can read."""

_PLAIN = {
    character: plain
    for characters, plain in [
        ("‐‑﹣－", "-"), ("‒", "–"), ("―⸺⸻", "—"), ("﹘", "—"), ("➖", "−"), ("➕", "+"), ("➗", "÷"),
        ("✕✖⨯╳⨉⋅", "×"), ("∗", "*"), ("⁄∕╱⧸", "/"), ("∶", ":"), ("≦⩽≲⪅", "≤"), ("≧⩾≳⪆", "≥"), ("≃≅≌≒≓≊", "≈"),
        ("≡≣", "="), ("≢", "≠"), ("´｀", "'"), ("˚", "°"), ("٪", "%"), ("؉", "‰"), ("℃", "°C "), ("℉", "°F "),
        ("•‣⁃∙", " , "), ("†‡※⁂¶∼～〜⁓˜", _UNSPEAKABLE),
    ]
    for character in characters
}  # fmt: skip
"""Signs whose plain twin is not in Unicode's compatibility mappings, or is another than there."""

_TWIN_KINDS = ("<wide>", "<narrow>", "<small>", "<font>")
_WORD_KINDS = ("<square>", "<compat>", "<circle>", "<super>")
_CIRCLED = (
    (0x2460, 0x249B),
    (0x24EA, 0x24FF),
    (0x2776, 0x2793),
    (0x3251, 0x325F),
    (0x32B1, 0x32BF),
    (0x1F100, 0x1F10C),
)
"""Digits in circles, parentheses or with a full stop, which are read as the number."""

_PRESENTATION_FORMS = ((0xFB00, 0xFB17), (0xFB1D, 0xFDFB), (0xFE70, 0xFEFC))
"""Ligatures and the positional forms of Hebrew and Arabic letters."""

_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]+")
_WIDE_MARK_IN_NUMBER = re.compile(r"(?<=\d)[．，：](?=\d)")
_WAVE_DASH = re.compile(r"[∼～〜⁓˜](?=\s?[$€£¥￥]?\d)")
_DEGREE_LETTER = re.compile(r"(?<=\d)(\s?)º\s?(?=[CF](?!\w))")
_MICRO = re.compile(r"(?<=\d)(\s?)μ(?=[mgsAlLFVWΩ](?!\w))")
_ROMAN = re.compile("[\u2160-\u217f]+")
_ROMAN_VALUES = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}
_SUBSCRIPT = re.compile(r"(?P<before>\d?)(?P<digits>[₀-₉]+)(?=(?P<after>\d?))")
_ORDINAL_ENDING = re.compile("(?<=[0-9])(?:ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)")
_JOINERS = frozenset("\u200c\u200d")
_ZERO_WIDTH_SPACE = "\u200b"
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u2060\u20e3\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]+")
"""Soft hyphens, joiners, direction marks, variation selectors, keycaps: part of a word in many scripts."""

_GAP = re.compile(f"{_UNSPEAKABLE}+")
_WHITE_SPACE_OR_OPENER = frozenset(" \n\t([{«„“‘¿¡「『（【")
_CLOSERS = frozenset(")]}»”’」』）】。、，！？；：…")


def fold(text: str) -> str:
    """The text with full-width, circled, ligature and other compatibility forms as plain characters.

    Signs that are not spoken (pictographs, drawing, controls, private use) are removed; where that would join two
    neighbours, a space remains. Letters and marks of every script are kept. Time is linear in the length of the text.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _HALF_WIDTH_KANA.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
    text = _WAVE_DASH.sub("~", text).translate(_FOLDED)
    text = _WIDE_MARK_IN_NUMBER.sub(lambda mark: unicodedata.normalize("NFKC", mark[0]), text)
    text = _ORDINAL_ENDING.sub(lambda ending: unicodedata.normalize("NFKC", ending[0]), text)
    text = _DEGREE_LETTER.sub(r"\1°", text)
    text = _MICRO.sub(r"\1µ", text)
    text = _ROMAN.sub(_roman, text)
    text = _SUBSCRIPT.sub(_subscript, text)
    text = _INVISIBLE.sub(_invisible, text)
    return _GAP.sub(_gap, text)


class _Folded(dict[int, str]):
    """What each character folds to, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


_FOLDED = _Folded()


def _folded(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    if character.isspace():
        return "\n" if character == "\n" else " "
    category = unicodedata.category(character)
    if character.isascii():
        return _UNSPEAKABLE if category == "Cc" else character
    match category[0]:
        case "L":
            return _twin(character, _TWIN_KINDS) or (
                _nfkc(character) if _within(character, _PRESENTATION_FORMS) else character
            )
        case "N":
            return _folded_number(character)
        case "M":
            return character
        case "P":
            wide_sign = character in "％＆＃＠＊／＼＿＂＇"
            return _twin(character, ("<small>",)) or (_nfkc(character) if wide_sign else character)
        case "S":
            return _folded_symbol(character, category)
        case _:
            return character if _INVISIBLE.fullmatch(character) else _UNSPEAKABLE


def _folded_number(character: str) -> str:
    if twin := _twin(character, _TWIN_KINDS):
        return twin
    return f" {unicodedata.numeric(character):.0f} " if _within(character, _CIRCLED) else character


def _folded_symbol(character: str, category: str) -> str:
    twin = _twin(character, _TWIN_KINDS) or character
    if arrow := _arrow(twin):
        return f" {arrow} "
    if twin in KEPT_SYMBOLS or category == "Sc":
        return twin
    if unicodedata.decomposition(character).startswith(_WORD_KINDS) and category == "So":
        # Units such as ㎏ and ㎡ among them: their exponents are written as the rules of languages have them.
        words = re.sub("(?<=m)[23]", lambda power: "²³"[int(power[0]) - 2], _nfkc(character)).replace("∕", "/")
        return f" {words} "
    return _UNSPEAKABLE


def _arrow(character: str) -> str | None:
    """The plain arrow that points the same way, ``None`` for what is no arrow or a pictograph that contains one."""
    name = unicodedata.name(character, "") if len(character) == 1 else ""
    if "ARROW" not in name or (ord(character) >= 0x1F000 and not 0x1F800 <= ord(character) <= 0x1F8FF):
        return None
    sides = [side for side in ("LEFT", "RIGHT", "UP", "DOWN") if side in name]
    return {("RIGHT",): "→", ("LEFT",): "←", ("UP",): "↑", ("DOWN",): "↓", ("LEFT", "RIGHT"): "↔"}.get(tuple(sides))


def _twin(character: str, kinds: tuple[str, ...]) -> str | None:
    """The plain form of a character that only looks different, ``None`` for others."""
    return _nfkc(character) if unicodedata.decomposition(character).startswith(kinds) else None


def _nfkc(character: str) -> str:
    return unicodedata.normalize("NFKC", character)


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(character) <= last for first, last in ranges)


def _roman(found: re.Match[str]) -> str:
    """A number in Roman numeral signs as digits; anything else in them as its letters."""
    letters = _nfkc(found[0]).upper()
    values = [_ROMAN_VALUES[letter] for letter in letters]
    total = sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )
    return f" {_apart(found.string[found.start() - 1 : found.start()], str(total))} "


def _subscript(found: re.Match[str]) -> str:
    digits = _apart(found["before"], _nfkc(found["digits"]))
    return f"{found['before']}{' ' if found['before'] else ''}{digits}{' ' if found['after'] else ''}"


def _apart(before: str, digits: str) -> str:
    """Three digits after a number and a space would be its thousands."""
    return f", {digits}" if before.isdigit() and len(digits) == 3 else digits


def _invisible(found: re.Match[str]) -> str:
    """Keeps a joiner or selector that shapes the letter before it; parts what only looked joined."""
    run, text = found[0], found.string
    before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
    inside_word = _is_letter(before) and _is_letter(after)
    kept = run[0] if _is_letter(before) and (run[0] in _JOINERS or unicodedata.category(run[0])[0] == "M") else ""
    if _ZERO_WIDTH_SPACE in run and inside_word:
        return kept if punctuation.UNSPACED.match(before) and punctuation.UNSPACED.match(after) else " "
    return kept if inside_word else kept + _UNSPEAKABLE


def _is_letter(character: str) -> bool:
    return character != "" and unicodedata.category(character)[0] in "LM"


def _gap(found: re.Match[str]) -> str:
    """Nothing beside white space or before closing punctuation, else a space."""
    text = found.string
    before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 2]
    if not before or before in _WHITE_SPACE_OR_OPENER or not after or after[0].isspace() or after[0] in _CLOSERS:
        return ""
    return "" if after[0] in ",.;:!?" and (len(after) == 1 or after[1].isspace()) else " "
