"""The tables by which text is cut into utterances: what ends a sentence or clause, and what only looks like it."""

import re

SPACED_TERMINATORS = frozenset(".!?…")
"""End a sentence only before white space: elsewhere they sit in numbers, addresses and file names."""

TERMINATORS = SPACED_TERMINATORS | frozenset("。！？｡।॥؟۔።፧։།။។")
"""End a sentence; those that are not ``SPACED_TERMINATORS`` wherever they stand."""

SPACED_CLAUSES = frozenset(",;:–")
CLAUSES = SPACED_CLAUSES | frozenset("—、，；：،؛፣")
"""End a clause, where the first piece may end."""

CLOSERS = frozenset("\"'”’»›)]}」』）】》〉*_~")
"""Belong to the sentence that ended just before them; asterisks and underscores are Markdown's."""

# English, German, French, Spanish, Portuguese, Italian, Dutch. Those that may also end a sentence (etc., Inc., p.m.)
# are left out: what follows tells them apart.
ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof rev hon st gen col capt lt sgt gov sen rep pres mt vs viz cf approx e.g i.e
    hr fr hrn z.b d.h u.a bzw ca evtl ggf inkl zzgl vgl dipl ing
    mme mlle mm mgr sra srta ud uds p.ej ej dra dott sig sig.ra avv dhr mevr bijv nl
    """.split()  # noqa: SIM905 - a word a line would fill the page
)
"""Words, in lower case and without their last full stop, whose full stop does not end a sentence."""

NUMBERED_ABBREVIATIONS = frozenset(
    """
    no nos nr art fig figs vol ch sec p pp pg jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()  # noqa: SIM905
)
"""The same, but only before a number: "No. 5" against "No. That is wrong."."""

UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
"""A character of a script that writes no spaces between words: Thai to Tibetan, Burmese, Khmer, kana, Han."""

IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""A character that is about a syllable or more: kana and Han."""

_CLINGS_TO_NEXT = frozenset("เแโใไເແໂໃໄ\u1039\u17d2\u200d")
_CLINGS_TO_PREVIOUS = frozenset("ะาำๅๆฯະາຳぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮーｰ々〻\u200d")


def separable(before: str, after: str) -> bool:
    """Whether text may be cut between these two characters without breaking a word, a number or a character."""
    if after.isspace():
        return not before.isspace()
    if not UNSPACED.match(before) or before in _CLINGS_TO_NEXT or after in _CLINGS_TO_PREVIOUS:
        return False
    return before.isprintable() and after.isalnum()
