"""Describes every setting for readers: the Markdown tables of flags in this folder's README."""

from msgspec import inspect

from gateway.settings.declaration import GROUPS
from gateway.settings.options import OPEN_TABLE, Option, options

BEGIN = "<!-- begin: written by python -m gateway.cli.generate -->\n"
END = "<!-- end -->\n"


def with_flag_tables(document: str) -> str:
    """``document`` with the tables between its marks ``BEGIN`` and ``END`` written anew."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_flag_tables()}\n{END}{after}"


def _flag_tables() -> str:
    """One table a group: the flag, its default, what it does and which values it takes."""
    parts = []
    for group in GROUPS:
        rows = [_row(option) for option in options().values() if option.group == group]
        parts.append("\n".join([f"### {group}\n", "| flag | default | meaning |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def _row(option: Option) -> str:
    flag = f"--{option.key}_NAME" if option.key == OPEN_TABLE else f"--{option.key}"
    return f"| `{flag}` | {_default(option)} | {_meaning(option)} |"


def _default(option: Option) -> str:
    if option.default in (None, {}, ()):
        return "unset"
    return f"`{str(option.default).lower() if option.shape == 'switch' else option.default}`"


def _meaning(option: Option) -> str:
    sentences = [option.description]
    if option.choices:
        sentences.append(f"One of {_listed(option.choices)}.")
    elif limits := _limits(inspect.type_info(option.type)):
        sentences.append(f"{limits}.")
    if option.engines:
        sentences.append(f"For {_listed(option.engines)}.")
    return " ".join(sentences)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _limits(kind: inspect.Type) -> str:
    """The bounds of a number in words; empty where there are none."""
    match kind:
        case inspect.Metadata():
            return _limits(kind.type)
        case inspect.UnionType():
            return "".join(_limits(each) for each in kind.types)
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high) if None not in {low, high}:
            return f"Between {low:g} and {high:g}"
        case inspect.IntType(ge=low) | inspect.FloatType(ge=low) if low is not None:
            return f"At least {low:g}"
        case inspect.IntType(gt=low, le=high) | inspect.FloatType(gt=low, le=high) if low is not None:
            return f"More than {low:g}" + ("" if high is None else f", at most {high:g}")
        case _:
            return ""
