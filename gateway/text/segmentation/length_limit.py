"""Divides speakable text that is longer than engines should get at once."""

from gateway.text.segmentation import word_boundaries

LONGEST_UTTERANCE = 2000
"""Characters that an engine gets at once; written text of a piece is shorter, but numbers and signs become words."""


def divided(text: str, longest: int = LONGEST_UTTERANCE) -> list[str]:
    """Parts of at most ``longest`` characters; divided at white space, or between two characters where there is none.

    The parts are stripped; without their white space they are the text. "" has no parts.
    """
    parts = []
    while len(text := text.strip()) > longest:
        space = text.rfind(" ", 1, longest + 1)
        end = space if space > 0 else word_boundaries.grapheme_end(text, longest)
        parts.append(text[:end].rstrip())
        text = text[end:]
    return [*parts, text] if text else parts
