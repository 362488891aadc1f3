"""Verbalizes web and e-mail addresses: "example dot com", "name at example dot com"."""

import re

from gateway.text.normalization.locale import Terms

# All repetitions are bounded, or a text of one endless word would be read again from each of its letters.
_LINK = re.compile(r"(?:https?://|www\.)([^\s<>()\"'，。、！？；：」』）]+)", re.IGNORECASE)
_MAIL = re.compile(
    r"(?:mailto:)?(?<![\w.+%-])([A-Za-z0-9][\w.+%-]{0,63})@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})\b", re.ASCII
)
_DOMAIN = re.compile(
    r"(?<![\w.@/-])(?:[A-Za-z0-9-]{1,63}\.){1,8}"
    r"(?:com|org|net|edu|gov|info|io|dev|ai|app|de|at|ch|fr|es|it|pt|nl|be|eu|uk|pl|cz|se|dk|fi|ru|ua|jp|kr|cn|br|in)"
    r"(?:/[^\s<>()\"']{0,2000})?(?![\w-])",
    re.ASCII,
)
_TRAILING = ".,;:!?*_~"


class AddressVerbalizer:
    """Finds addresses; the scheme, path and query are not spoken.

    ``words`` maps ``.``, ``@`` and similar signs to words; without it a host name is kept as written.
    """

    def __init__(self, words: Terms) -> None:
        self._words = words

    def verbalize(self, text: str) -> str:
        """Put addresses into words if the language has words for their signs; remove schemes, paths and queries."""
        text = _LINK.sub(lambda link: self._host(link[1]), text)
        if not self._words or ("." not in text and "@" not in text):
            return text
        text = _MAIL.sub(lambda mail: f"{self._spelled(mail[1])} {self._words['@']} {self._spelled(mail[2])}", text)
        return _DOMAIN.sub(lambda domain: self._host(domain[0]), text)

    def _host(self, written: str) -> str:
        after = written[len(written.rstrip(_TRAILING)) :]
        authority = re.split("[/?#]", written, maxsplit=1)[0]
        host = authority.rpartition("@")[2].partition(":")[0].rstrip(_TRAILING)
        host = re.sub("^www[.]", "", host, flags=re.IGNORECASE)
        return self._spelled(host) + after if self._words else host + after

    def _spelled(self, part: str) -> str:
        for mark, word in self._words.items():
            part = part.replace(mark, f" {word} ")
        return " ".join(part.split())
