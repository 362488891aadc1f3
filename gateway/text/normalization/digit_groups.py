"""Verbalizes numbers that are read in groups: telephone numbers and versions such as "2.0.1"."""

import re

from gateway.text.normalization.locale import Locale, any_of

# International form, national form with a leading zero, the two forms of North America.
_TELEPHONE = re.compile(
    r"(?<![\w.,:/+-])(?:\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,8}|0(?:[1-9]|0[1-9])\d{0,4}(?:[ /-]\d{2,8}){1,5}"
    r"|\(0\d{1,5}\)[ ]?\d{2,8}(?:[ -]\d{1,8}){0,4}"
    r"|(?:1[ -])?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[.-]\d{4}|\d{3}-\d{4})(?![\w/-]|[.,:]\d)",
    re.ASCII,
)
_SHORTEST_TELEPHONE = 6
_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}", re.ASCII)
_VERSION = re.compile(r"(?<![\d.])\d{1,6}(?:\.\d{1,6}){2,8}(?![\w.]*\w)", re.ASCII)


class DigitGroupVerbalizer:
    """Finds telephone numbers and versions."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._dot = locale.address.get(".", "")
        numbers_follow = any_of([*locale.units, *locale.money, *locale.magnitudes])
        # Where the decimal mark is a comma, a full stop between two numbers after a name is a version: "Python 3.12".
        self._named_version = re.compile(
            rf"(?P<name>(?<![\w.])(?:[vV]|[^\W\d_][\w-]{{0,30}}[ -]))(?P<major>\d{{1,4}})\.(?P<minor>\d{{1,3}})"
            rf"(?!\d|[.,]\d|[ \u00a0\u202f]?(?:{numbers_follow}|%))"
        )

    def verbalize_telephone(self, text: str) -> str:
        """Write telephone numbers digit by digit, with a comma between the groups."""
        return _TELEPHONE.sub(self._telephone, text)

    def verbalize_named_versions(self, text: str) -> str:
        """Write the full stop of a version after a name as a word, where it could be taken for a group mark."""
        if not self._dot or self._locale.decimal != ",":
            return text
        return self._named_version.sub(self._named, text)

    def verbalize_versions(self, text: str) -> str:
        """Write the full stops of a version with three or more numbers as words."""
        return _VERSION.sub(lambda found: self._version(found[0]), text) if self._dot else text

    def _telephone(self, found: re.Match[str]) -> str:
        numbers = re.findall(r"\d+", found[0])
        if len("".join(numbers)) < _SHORTEST_TELEPHONE:
            return found[0]
        pairs = self._locale.phone_pairs
        groups = (group if pairs and len(group) == 2 and group[0] != "0" else " ".join(group) for group in numbers)
        plus = f"{self._locale.symbols['+']} " if found[0][0] == "+" and "+" in self._locale.symbols else ""
        return plus + ", ".join(groups)

    def _named(self, found: re.Match[str]) -> str:
        name = found["name"]
        if name[0].islower() and name != "v":
            return found[0]
        return f"{name}{found['major']} {self._dot} {found['minor']}"

    def _version(self, written: str) -> str:
        """A date in a language without rules for dates is read as three numbers, not as a version."""
        return written.replace(".", " " if _DATE.fullmatch(written) else f" {self._dot} ")
