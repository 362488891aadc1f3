"""Verbalizes simple LaTeX formulas: powers, fractions, roots, Greek letters, common operators."""

import re
import unicodedata

from gateway.text.normalization.locale import Locale

_LONGEST = 200
"""The longest formula, in characters, that is read; listeners cannot follow longer ones."""

# No opening bracket inside a formula, or a run of them would be read again from each.
_DISPLAY = re.compile(rf"\$\$([^$]{{1,{2 * _LONGEST}}})\$\$|\\\[((?:[^\\]|\\(?![\[\]])){{1,{2 * _LONGEST}}})\\\]")
# Pandoc's rule: no space inside the dollar signs and no digit after them, because "$5 and $10" is no formula.
_INLINE = re.compile(
    rf"(?<![\\$\w])\$(?=[^\s$])([^$\n]{{1,{_LONGEST}}})(?<=[^\s\\])\$(?![\d$])"
    rf"|\\\(((?:[^\\\n]|\\(?![()])){{1,{_LONGEST}}})\\\)"
)
_LOOKS_MATHEMATICAL = re.compile(r"[\\^_=+{}<>]|^[A-Za-z]$|^\d[\d.,]*[A-Za-z]$")
_WRAPPER = re.compile(
    r"\\(?:text|mathrm|mathbf|mathit|mathbb|mathcal|operatorname|textbf|boxed|vec|hat|bar)\{([^{}]*)\}"
)
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]*)\}")
_POWER = re.compile(r"\^(?:\{([^{}]*)\}|([A-Za-z0-9]|\\[a-z]+))")
_INDEX = re.compile(r"_(?:\{([^{}]*)\}|([A-Za-z0-9]|\\[a-z]+))")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_LAYOUT = re.compile(r"\\(?:left|right|big|Big|displaystyle|quad|qquad)(?![A-Za-z])|\\[,;:! ]|\\\\|&")
_PLAIN_POWER = re.compile(r"(?<=[^\W_]|[)])\^(?P<sign>[-−]?)(?P<exponent>\d{1,4}|[A-Za-z])(?![\w^])")
_SUPERSCRIPT = re.compile(r"(?<=[^\W_]|[)])(?P<sign>[⁺⁻]?)(?P<exponent>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}|ⁿ)(?!\w)")
_FOOTNOTE = re.compile(r"(?:(?<=[^\W\d_]{3})(?=[¹⁴-⁹])|(?<=[.,;:!?)\"”»]))[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}(?![\w⁰¹²³⁴⁵⁶⁷⁸⁹])")
_SCIENTIFIC = re.compile(r"(?<![\w.,])(\d{1,3}(?:[.,]\d{1,15})?)e([+-]?\d{1,3})(?![\w.])", re.ASCII)
_SIGN_OF = {
    "times": "×", "cdot": "×", "*": "×", "div": "÷", "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥",
    "ne": "≠", "neq": "≠", "approx": "≈", "to": "→", "rightarrow": "→", "-": "−",
    "+": "+", "=": "=", "<": "<", ">": ">",
}  # fmt: skip
"""Commands and signs of LaTeX by the sign under which a language lists their word."""
_GREEK = frozenset(
    """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi
    omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega""".split()  # noqa: SIM905 - a word a line fills a page
)
_FUNCTIONS = frozenset({"sin", "cos", "tan", "log", "ln", "exp", "lim", "max", "min"})


class FormulaVerbalizer:
    """Finds formulas; one that is too complex is replaced by the language's phrase for an omitted formula."""

    def __init__(self, locale: Locale) -> None:
        signs = {name: locale.symbols[sign] for name, sign in _SIGN_OF.items() if sign in locale.symbols}
        self._words = signs | locale.mathematics
        self._minus = locale.minus
        self._omitted = locale.formula

    def verbalize(self, text: str) -> str:
        """Put LaTeX into words; must run before Markdown is removed, because formulas can look like Markdown."""
        if "$" not in text and "\\" not in text:
            return text
        return _INLINE.sub(self._formula, _DISPLAY.sub(self._formula, text))

    def verbalize_powers(self, text: str) -> str:
        """Put powers written without LaTeX (x², x^2, 1e5) into words; footnote marks are removed."""
        if "^" not in self._words:
            return text
        text = _SCIENTIFIC.sub(lambda found: f"{found[1]} {self._word('times')} 10^{found[2].lstrip('+')}", text)
        text = _PLAIN_POWER.sub(self._signed_power, text)
        return _SUPERSCRIPT.sub(self._signed_power, _FOOTNOTE.sub("", text))

    def _formula(self, found: re.Match[str]) -> str:
        source = next(filter(None, found.groups())).strip()
        if found[0].startswith("$") and not found[0].startswith("$$") and not _LOOKS_MATHEMATICAL.search(source):
            return found[0]
        read = self._read(source) if len(source) <= _LONGEST else None
        return self._omitted if read is None else read

    def _read(self, source: str) -> str | None:
        """The formula in words, or ``None`` if it is too complex."""
        text = _LAYOUT.sub(" ", source)
        # Innermost braces first; deeper nesting cannot be followed by ear.
        for _ in range(4):
            text = _WRAPPER.sub(r"\1", text)
            text = _FRACTION.sub(lambda part: f"{part[1]} {self._word('/')} {part[2]}", text)
            text = _ROOT.sub(lambda part: f" {self._word('sqrt')} {part[1]} ", text)
            text = _POWER.sub(lambda part: self._power(part[1] or part[2]), text)
            text = _INDEX.sub(lambda part: f" {part[1] or part[2]} ", text)
        text = _COMMAND.sub(self._command, text).replace("{", " ").replace("}", " ")
        for sign in "+-=<>*/":
            text = text.replace(sign, f" {self._word(sign)} ")
        return None if "\\" in text or "^" in text else " ".join(text.split())

    def _signed_power(self, found: re.Match[str]) -> str:
        exponent = unicodedata.normalize("NFKC", found["exponent"])
        return self._power(f"{self._minus} {exponent}" if found["sign"] in {"-", "−", "⁻"} else exponent)

    def _power(self, exponent: str) -> str:
        word = self._words.get(f"^{exponent}")
        if word:
            return f" {word} "
        power = self._word("^")
        return f" {power.format(exponent)} " if "{}" in power else f" {power} {exponent} "

    def _command(self, command: re.Match[str]) -> str:
        name = command[1]
        if name in self._words:
            return f" {self._words[name]} "
        return f" {name} " if name in _GREEK or name in _FUNCTIONS else command[0]

    def _word(self, sign: str) -> str:
        return self._words.get(sign, "" if sign in {"^", "sqrt"} else sign)
