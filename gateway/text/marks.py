"""The characters by which text is cut into utterances: what ends a sentence or clause, and what is around its end."""

import re

SPACED_TERMINATORS = frozenset(".!?…‼‽⁇⁈⁉")
"""End a sentence only before white space: elsewhere they sit in numbers, addresses and file names."""

TERMINATORS = SPACED_TERMINATORS | frozenset("。！？｡．﹒﹖﹗։؞؟۔܀܁܂߹।॥။።፧፨᙮᜵᜶។៕᠃᠉᥄᥅།༎᭚᭛᭞᭟᰻᰼᱾᱿⳹⸮꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫")
"""End a sentence: Unicode's ``Sentence_Terminal`` of the scripts in use, less Burmese ၊ (a comma), and Tibetan's shad.

Those that are not ``SPACED_TERMINATORS`` do so wherever they stand.
"""

UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
"""A character of a script that writes no spaces between words: Thai to Tibetan, Burmese, Khmer, kana, Han."""

IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""A character that is about a syllable or more: kana and Han."""

GREEK = re.compile("[\u0370-\u03ff\u1f00-\u1fff]")
"""Before a semicolon it makes that a question mark."""

ARMENIAN = re.compile("[\u0531-\u0588]")
"""Before a colon it makes that a full stop, as it is typed on keyboards without ։."""

SPACED_CLAUSES = frozenset(",;:–")
CLAUSES = SPACED_CLAUSES | frozenset("—、，；：،؛፣၊៖፤፥፦՝")
"""End a clause, where the first piece may end."""

_PICTOGRAPHS = frozenset(map(chr, (*range(0x2600, 0x27C0), *range(0x1F300, 0x1FB00), 0xFE0F, 0x200D)))

CLOSERS = frozenset("\"'”’»›)]}」』）】》〉*_~⁰¹²³⁴⁵⁶⁷⁸⁹") | _PICTOGRAPHS
"""Belong to the sentence that ended just before them; asterisks and underscores are Markdown's."""

SPACED_CLOSERS = CLOSERS | frozenset("“‘«‹")
"""The same behind a terminator that white space follows: there also the closing marks of „German“ and »Danish«."""

DASHES = frozenset("—–")
"""After what is said they lead to who says it: «Стой!» — крикнул он."""

QUOTING = ("と", "って")
"""How a Japanese sentence goes on after what it quotes."""

THAI_PARTICLES = ("ครับ", "ค่ะ", "คะ", "จ้ะ", "จ๊ะ", "ฮะ", "ไหม", "หรือไม่", "หรือเปล่า", "ເຈົ້າ", "ບໍ", "ບໍ່")
"""Words at the end of a Thai or Lao sentence: what follows them after a space is the next one."""

THAI_CONNECTIVES = ("และ", "หรือ", "แต่", "ที่", "ซึ่ง", "เพราะ", "โดย", "เพื่อ", "จึง", "ว่า", "กับ", "ของ", "ແລະ", "ຫຼື")
"""Words that go on with a Thai or Lao sentence after a space."""

LONGEST_CONNECTIVE = max(map(len, THAI_CONNECTIVES))

_THAI_NEVER_LAST = frozenset("ๆฯໆຯ")


def parts_thai(spoken: str, following: str, *, impatient: bool) -> bool:
    """Whether a space between Thai or Lao letters ends a piece: behind a final particle, or after enough text.

    ``following`` are the next characters. A space parts phrases there, not words, and stands on both sides of ๆ and ฯ.
    """
    if spoken[-1] in _THAI_NEVER_LAST or following.startswith(THAI_CONNECTIVES):
        return False
    return spoken.endswith(THAI_PARTICLES) or len(spoken) >= 40 or impatient
