"""Turn one utterance of written text into what a person would read aloud."""

import re
import unicodedata

# An answer may be anything, a hundred thousand blanks or brackets too: each pattern must read every character a bounded
# number of times. So runs start where nothing of theirs stands before, and what is in brackets holds no bracket.
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_REFERENCE = re.compile(r"!?\[([^\[\]\n]+)\]\[[^\[\]\n]*\]")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\n]*\]:?")
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[a-zA-Z][^<>]*>", re.DOTALL)
_ADDRESS = re.compile(r"<?(?:https?://|www\.)([^\s<>()\"'，。、！？；：」』）]+)>?", re.IGNORECASE)
_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t]*(?:\|[ \t]*)?:?-{2,}:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*$", re.MULTILINE)
_LINE_MARKER = re.compile(
    r"[ \t]*(?:>[ \t]*)*(?:#{1,6}(?=\s|$)[ \t]*|(?:[-*+•]|\d{1,3}[.)])[ \t]+(?=\S)(?:\[[ xX]\][ \t]+)?)?"
)
_CLOSING_HASHES = re.compile(r"(?<![ \t])[ \t]+#+[ \t]*$")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*|[^|]+(?:[ \t]\|[ \t][^|]*)+")
_CODE = re.compile(r"(`{1,2})([^`\n]+)\1")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|~>])")
# Markers are at the edge of a word; inside one (snake_case) or between blanks (2 * 3) they are characters.
_EMPHASIS = re.compile(
    r"(?<![\w\\])[*_~]+(?=\S)|(?<=[^\s\\])(?:\*+|~~+)(?!\w)|(?<=[^\W_]|[.,;:!?…)\"'”’])_+(?!\w)|(?<=_)_(?!\w)"
)
_INNER_BOLD = re.compile(r"\*\*(?=\S)|(?<=\S)\*\*|~~")
_LONE_MARKERS = re.compile(r"(?:^|(?<=\s))(?:[*_~]{2,}|[`#]+)(?=\s|$)")
_SPACE = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,.;!?](?:\s|$))")
_PAUSES = re.compile(r"\s*(?:,\s*)+,")

_KEPT_SYMBOLS = frozenset("+−×÷=<>±≠≤≥≈√∞%‰°^|~$€£¥₹′″&@#§©®™№℃℉½¼¾µ→")
_JOINERS = frozenset("\u200c\u200d")


def speakable(text: str) -> str:
    """What of ``text`` (Markdown or plain) is to be said, on one line; "" if nothing is.

    Markup, code blocks, addresses and pictographs go; letters and marks of every script, digits, money and simple
    mathematics stay.
    """
    text = _FENCE.sub(" ", text)
    text = _IMAGE_OR_LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _FOOTNOTE.sub("", text)
    text = _ADDRESS.sub(_host, text)
    text = _TAG.sub(" ", text)
    text = _without_layout(text)
    text = _without_emphasis(text)
    text = "".join(character for index, character in enumerate(text) if _is_said(text, index, character))
    text = _PAUSES.sub(",", _SPACE_BEFORE_MARK.sub("", _SPACE.sub(" ", text))).lstrip(" ,").rstrip()
    return text if any(character.isalnum() or character in _KEPT_SYMBOLS for character in text) else ""


def _without_layout(text: str) -> str:
    """Without rules, headings' hashes, quotation and list markers; a table's row becomes a list."""
    *lines, last = _TABLE_RULE.sub("", _RULE.sub("", text)).strip().split("\n")
    return "\n".join([*map(_line_and_pause, lines), _plain_line(last)])


def _line_and_pause(line: str) -> str:
    """One line, with a comma behind it where nothing but its layout made a pause."""
    plain = _plain_line(line)
    ends_in_word = plain.rstrip("*_`~ ")[-1:].isalnum()
    return f"{plain}," if ends_in_word and plain.strip() != line.strip() else plain


def _plain_line(line: str) -> str:
    plain = _CLOSING_HASHES.sub("", _LINE_MARKER.sub("", line, count=1))
    if _ROW.fullmatch(plain):
        return ", ".join(filter(None, map(str.strip, plain.split("|"))))
    return plain


def _without_emphasis(text: str) -> str:
    """Without emphasis and backticks, also when the other half of the pair is in another utterance."""
    text = _CODE.sub(r"\2", text).replace("`", "")
    text = _LONE_MARKERS.sub("", _EMPHASIS.sub("", _INNER_BOLD.sub("", text)))
    return _ESCAPE.sub(r"\1", text)


def _host(address: re.Match[str]) -> str:
    """The host name of an address, and the punctuation that only follows it."""
    written = address[1]
    after = written[len(written.rstrip(".,;:!?*_")) :]
    host = re.split(r"[/?#:]", written, maxsplit=1)[0].rpartition("@")[2].rstrip(".,;:!?*_")
    return host.removeprefix("www.") + after


def _is_said(text: str, index: int, character: str) -> bool:
    """Whether this character is for the ear: no pictographs, drawing, or invisible characters."""
    if character.isascii():
        return character.isprintable() or character.isspace()
    category = unicodedata.category(character)
    if category[0] in "LNPZ" or category in {"Sc", "Mc"} or character in _KEPT_SYMBOLS:
        return True
    if category == "Mn":
        # A variation selector or a keycap only shapes the picture before it.
        return not ("\ufe00" <= character <= "\ufe0f")
    if character in _JOINERS:
        return index > 0 and unicodedata.category(text[index - 1])[0] in "LM"
    return False
