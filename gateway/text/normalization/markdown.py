"""Removes Markdown and HTML markup, leaving lines of plain text."""

import html
import re
from collections.abc import Callable
from typing import Literal

from gateway.text.segmentation import punctuation

# Text may be hostile, for example a hundred thousand spaces or brackets, so each pattern must read every character a
# bounded number of times: a run is matched only from its first character, and brackets contain no brackets.
_FENCE = re.compile(r"[ \t]*(?:>[ \t]*|[-*+][ \t]+|\d{1,3}[.)][ \t]+)*(`{3,}(?=[^`]*$)|~{3,})")
_INLINE_FENCE = re.compile(r"```[ \t]*([^`\n]+?)[ \t]*```")
_BADGE = re.compile(r"!\[([^\[\]\n]*)\]\([^()\n]*\)")
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_REFERENCE = re.compile(r"!?\[([^\[\]\n]+)\]\[[^\[\]\n]*\]")
_DEFINITION = re.compile(r"^[ \t]*\[[^\[\]\n^]+\]:[ \t]*<?(?:https?:|mailto:|www\.|[/#.])[^\n]*$", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^[^\[\]\n]*\]:?")
# Citations after a word or its full stop: "…so it is [1, 2].", "…so it is【4:0†source】".
_CITATION = re.compile(
    r"(?<=[\w.,:;!?)\]\"”’»])(?:,?[ \t]?\[[1-9]\d{0,2}(?:[ ]?[,–-][ ]?\d{1,3}){0,20}\]){1,20}(?![\w(\[])"
    r"|【\d[^【】\n]{0,80}】"
)
# Elements of HTML (WHATWG), obsolete ones still in use, and SSML. Without "object", because of List<object>.
_ELEMENTS = """
    a abbr address area article aside audio b base bdi bdo big blockquote body br button canvas caption center cite
    code col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure font
    footer form frame h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link
    main map mark menu meta meter nav noscript ol optgroup option output p param picture pre progress q rp rt ruby s
    samp script section select slot small source span strike strong style sub summary sup svg table tbody td
    template textarea tfoot th thead time title tr track tt u ul var video wbr
    speak break emphasis phoneme prosody say-as
"""
_BARE_ATTRIBUTES = """
    allowfullscreen async autofocus autoplay checked controls default defer disabled download hidden loop multiple muted
    novalidate open readonly required reversed selected
"""
# Other attributes need a value: "a<b and c>d" contains no tag.
_TAG = re.compile(
    rf"<!--.*?(?:-->|\Z)|</?(?:{'|'.join(_ELEMENTS.split())}|{'|'.join(_ELEMENTS.upper().split())})"
    r"(?:\s+(?:[a-zA-Z_:@][\w:.-]*\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+)"
    rf"|(?:{'|'.join(_BARE_ATTRIBUTES.split())})(?![\w=-])))*+\s*/?>",
    re.DOTALL,
)
_AUTOMATIC_LINK = re.compile(r"<((?:https?://|mailto:|www\.)[^\s<>]+|[^\s<>@]+@[^\s<>@]+)>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_RULE = re.compile(r"[ \t]*(?:[-*_=][ \t]*){3,}")
_TABLE_RULE = re.compile(r"[ \t]*(?:\|[ \t]*)?:?-{2,}:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*")
_MARKERS = re.compile(
    r"[ \t]*(?:>(?![\d=])[ \t]*)*(?:#{1,6}(?=\s|$)[ \t]*|[-*+•][ \t]+(?=\S))?"
    r"(?P<number>\d{1,3}[.)][ \t]+(?=\[[ xX]\]))?(?:\[[ xX]\][ \t]+)?"
)
_NUMBERED = re.compile(r"[ \t]*\d{1,3}[.)][ \t]")
_CLOSING_HASHES = re.compile(r"(?<![ \t])[ \t]+#+[ \t]*$")
_CELLS = re.compile(r"(?<!\\)\|")
_SPACED_CELLS = re.compile(r"(?:(?<=[ \t])|^)\|(?=[ \t]|$)")
_CODE_SPAN = re.compile(r"(`[^`\n]+`)")
_CODE = re.compile(r"(`{1,2})([^`\n]+)\1")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|~>])")
# Markers stand at the edge of a word; inside a word (snake_case) or between spaces (2 * 3) they are characters.
_EMPHASIS = re.compile(
    r"(?<![\w\\])(?:(?!~\d)[*_~])+(?=\S)|(?<=[^\s\\])(?:\*+|~~+)(?!\w)|(?<=[^\W_]|[.,;:!?…)\"'”’])_+(?!\w)|(?<=_)_(?!\w)"
)
_INNER_BOLD = re.compile(r"\*\*(?=\S)|(?<=\S)\*\*|~~")
_POWER = re.compile(r"(?<=\d)\*\*(?=\d)")
# What is left of markup between two numbers or, for backticks, two words: without a space they would be joined.
_JOINING = re.compile(r"(?<=\d)(?:~{2,}|\*{2,})(?=\d)|(?<=\w)`+(?=\w)")
_LONE_MARKERS = re.compile(r"(?:^|(?<=\s))(?:[*_~]{2,}|[`#]+)(?=\s|$)")
_ENDS_CLAUSE = punctuation.TERMINATORS | punctuation.CLAUSES | frozenset(".,;:!?")

LONGEST_NAME = 60
"""The longest inline code, in characters, that is read as a name; longer code is treated like a block."""


class MarkdownStripper:
    """Converts the utterances of one answer to plain text, in order; a code block may span several of them.

    ``omitted`` is spoken for each omitted code block; ``formulas`` puts LaTeX into words.
    """

    def __init__(self, code: Literal["omit", "read"], omitted: str, formulas: Callable[[str], str]) -> None:
        self._code = code
        self._omitted = omitted
        self._formulas = formulas
        self._fence: str | None = None
        # Whether the previous utterance ended within a line, and whether the current one continues that line.
        self._within_line = self._continues = False

    def plain(self, text: str) -> str:
        """The utterance as lines of plain text without markup; a comma replaces a pause that only the layout showed."""
        self._continues = self._within_line and bool(text.partition("\n")[0].strip())
        prose: list[str] = []
        said: list[str] = []
        for line in text.split("\n"):
            said.extend(self._line(line, prose))
            self._within_line = False
        said.extend(self._prose(prose))
        self._within_line = bool(text.rpartition("\n")[2].strip())
        return "\n".join(said)

    def _line(self, line: str, prose: list[str]) -> list[str]:
        """Lines that are ready; prose is collected in ``prose`` until code begins, because tags may span lines."""
        if self._fence is not None:
            closing = line.strip()
            if closing.startswith(self._fence) and not closing.strip(self._fence[0]):
                self._fence = None
                return []
            # The end of a block may be in the middle of a line, because segmentation ends a piece there.
            code, found, rest = line.partition(self._fence)
            if found:
                self._fence = None
                prose.append(rest)
            return [_name(code).strip() + ","] if self._code == "read" and code.strip() else []
        opening = None if self._within_line else _FENCE.match(line)
        if opening is None:
            prose.append(line)
            return []
        self._fence = opening[1]
        said = self._prose(prose)
        prose.clear()
        return [*said, _sentence(self._omitted)] if self._code == "omit" and self._omitted else said

    def _prose(self, lines: list[str]) -> list[str]:
        text = _INLINE_FENCE.sub(r"`\1`", "\n".join(lines))
        text = "".join(part if part[:1] == "`" else self._formulas(part) for part in _CODE_SPAN.split(text))
        text = _IMAGE_OR_LINK.sub(_label, _BADGE.sub(_label, text))
        text = _REFERENCE.sub(_label, _DEFINITION.sub("", text))
        text = _CITATION.sub(_gap, _FOOTNOTE.sub(_gap, text))
        text = _TAG.sub(" ", _AUTOMATIC_LINK.sub(r"\1", text))
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
        stripped = [line for line in text.strip().split("\n") if not _is_rule(line)]
        if not stripped:
            return []
        started = [stripped.pop(0).lstrip()] if self._continues else []
        self._continues = False
        kept = [*started, *map(_line_and_pause, stripped[:-1]), *map(_plain_line, stripped[-1:])]
        return [self._without_emphasis(line) for line in kept]

    def _without_emphasis(self, line: str) -> str:
        """Remove emphasis and backticks, also if the other half of the pair is in another utterance."""
        line = _JOINING.sub(" ", _POWER.sub("^", _CODE.sub(self._inline_code, line))).replace("`", "")
        line = _LONE_MARKERS.sub("", _EMPHASIS.sub("", _INNER_BOLD.sub("", line)))
        return _ESCAPE.sub(r"\1", line)

    def _inline_code(self, code: re.Match[str]) -> str:
        if len(code[2]) > LONGEST_NAME and self._code == "omit":
            return self._omitted
        return _apart(code, _name(code[2]))


def _label(link: re.Match[str]) -> str:
    return _apart(link, link[1])


def _apart(markup: re.Match[str], text: str) -> str:
    """What is shown in place of markup, with a space where it would make one number of two."""
    before, after = markup.string[markup.start() - 1 : markup.start()], markup.string[markup.end() : markup.end() + 1]
    left = " " if before.isdigit() and text[:1].isdigit() else ""
    right = " " if after.isdigit() and text[-1:].isdigit() else ""
    return f"{left}{text}{right}"


def _gap(removed: re.Match[str]) -> str:
    """What remains of a note: a space where a word follows directly."""
    return " " if removed.string[removed.end() : removed.end() + 1].isalnum() else ""


def _name(code: str) -> str:
    """Code as words: ``snake_case()`` becomes "snake case"."""
    return re.sub(r"\(\)|\$", "", code).replace("_", " ")


def _sentence(words: str) -> str:
    return words if words[-1] in _ENDS_CLAUSE else f"{words}."


def _is_rule(line: str) -> bool:
    return bool(_RULE.fullmatch(line) or _TABLE_RULE.fullmatch(line))


def _line_and_pause(line: str) -> str:
    """One line, with a comma at its end if only the layout showed a pause."""
    plain = _plain_line(line)
    ending = plain.rstrip("*_`~ ")[-1:]
    layout = plain.strip() != line.strip() or _NUMBERED.match(line)
    return f"{plain}," if layout and plain.strip() and ending not in _ENDS_CLAUSE else plain


def _plain_line(line: str) -> str:
    """Without heading, quotation and list markers; a table row becomes a sentence that lists its cells.

    List numbers are kept, because "3. Oktober" looks the same.
    """
    markers = _MARKERS.match(line)
    plain = _CLOSING_HASHES.sub("", (markers["number"] or "") + line[markers.end() :] if markers else line)
    stripped = plain.strip()
    if stripped.startswith("|") and stripped.endswith("|"):
        return _listed(_CELLS.split(stripped)) + "."
    return _listed(_SPACED_CELLS.split(plain)) if _SPACED_CELLS.search(plain) else plain


def _listed(cells: list[str]) -> str:
    return ", ".join(filter(None, map(str.strip, cells)))
