"""Punctuation of every script: the characters that end a sentence or a clause, and those that may follow them."""

import re

SPACED_TERMINATORS = frozenset(".!?…‼‽⁇⁈⁉")
"""End a sentence only before white space; elsewhere they are part of numbers, addresses and file names."""

TERMINATORS = SPACED_TERMINATORS | frozenset("。！？｡．﹒﹖﹗։؞؟۔܀܁܂߹।॥။።፧፨᙮᜵᜶។៕᠃᠉᥄᥅།༎᭚᭛᭞᭟᰻᰼᱾᱿⳹⸮꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫")
"""End a sentence: Unicode's ``Sentence_Terminal`` for scripts in use, without Burmese ၊ (a comma), with Tibetan shad.

Those that are not in ``SPACED_TERMINATORS`` end a sentence with or without white space after them.
"""

UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
"""A character of a script without spaces between words: Thai to Tibetan, Burmese, Khmer, kana, Han."""

IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Kana and Han: one character is about one syllable."""

GREEK = re.compile("[\u0370-\u03ff\u1f00-\u1fff]")
"""A semicolon after a Greek letter is a question mark."""

ARMENIAN = re.compile("[\u0531-\u0588]")
"""A colon after an Armenian letter is a full stop: many keyboards lack ։."""

SPACED_CLAUSES = frozenset(",;:–")
CLAUSES = SPACED_CLAUSES | frozenset("—、，；：،؛፣၊៖፤፥፦՝")
"""End a clause; the first piece of an answer may end there."""

_PICTOGRAPHS = frozenset(map(chr, (*range(0x2600, 0x27C0), *range(0x1F300, 0x1FB00), 0xFE0F, 0x200D)))

CLOSERS = frozenset("\"'”’»›)]}」』）】》〉*_~⁰¹²³⁴⁵⁶⁷⁸⁹") | _PICTOGRAPHS
"""Belong to the sentence that ended just before them; asterisks, underscores and tildes are Markdown markers."""

SPACED_CLOSERS = CLOSERS | frozenset("“‘«‹")
"""The same where white space follows: these also close quotations in „German“ and »Danish«."""

DASHES = frozenset("—–")
"""After quoted speech, a dash introduces the speaker, so the sentence goes on: «Стой!» — крикнул он."""

NEVER_FIRST = DASHES | frozenset(",;:)]}×÷≤≥≠≈±→←|")
"""Signs that no sentence begins with, so it goes on: "9 a.m. – 5 p.m."."""

NEVER_FIRST_ALONE = frozenset("-+/=&~<>")
"""The same if white space follows: "9 a.m. - 5 p.m.", but "It is cold. -5 degrees."."""

QUOTING = ("と", "って")
"""Particles after a Japanese quotation: the sentence goes on."""

THAI_PARTICLES = ("ครับ", "ค่ะ", "คะ", "จ้ะ", "จ๊ะ", "ฮะ", "ไหม", "หรือไม่", "หรือเปล่า", "ເຈົ້າ", "ບໍ", "ບໍ່")
"""Final particles of Thai and Lao: the text after the next space is a new sentence."""

THAI_CONNECTIVES = ("และ", "หรือ", "แต่", "ที่", "ซึ่ง", "เพราะ", "โดย", "เพื่อ", "จึง", "ว่า", "กับ", "ของ", "ແລະ", "ຫຼື")
"""Words that continue a Thai or Lao sentence after a space."""

LONGEST_CONNECTIVE = max(map(len, THAI_CONNECTIVES))

_THAI_NEVER_LAST = frozenset("ๆฯໆຯ")


def ends_thai_phrase(spoken: str, following: str, *, impatient: bool) -> bool:
    """Whether a space between Thai or Lao letters ends a piece: after a final particle, or after enough text.

    ``following`` holds the next characters. In these scripts a space separates phrases, not words; it is also written
    on both sides of ๆ and ฯ, where nothing ends. ``impatient``: end at the first space that is possible.
    """
    if spoken[-1] in _THAI_NEVER_LAST or following.startswith(THAI_CONNECTIVES):
        return False
    return spoken.endswith(THAI_PARTICLES) or len(spoken) >= 40 or impatient
