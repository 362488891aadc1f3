"""What an engine says about itself, so that a program that configures engines need not know any by name."""

from collections.abc import Mapping
from typing import Any

import msgspec


class ApiKeyVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A well-known environment variable that holds an engine's API key when the option for it is not set.

    ``key_option`` and ``url_option`` name the engine's options for the key and for the server; ``host`` is the server
    that the variable is meant for, which is also the one used when ``url_option`` is not set.
    """

    name: str
    key_option: str
    url_option: str
    host: str


class EngineDescription(msgspec.Struct, frozen=True, kw_only=True):
    """The class attribute ``description`` of an adapter; one that has none is described by the defaults below."""

    default: bool = False
    """Whether it is the engine of its stage when nothing selects another."""

    rank: int = 0
    """How good it is beside the other engines of its stage, where nobody names one: the best that can be loaded and
    keeps up is taken. With 0 it is not considered."""

    selected_by: tuple[str, ...] = ()
    """Beginnings of option names: setting such an option selects this engine where none is named. The longest one that
    fits decides between engines."""

    default_model: str | None = None
    """The model when none is named; ``None``: the engine has only one, which has the engine's name."""

    model_option: str | None = None
    """The option that names the model of a recogniser or synthesiser that has a choice; clients may use its value."""

    takes_audio: bool = False
    """Whether a language model takes recorded audio, so that no recogniser is needed."""

    loads_weights: bool = False
    """Whether it holds a model of some size in the memory of this process, so that several processes hold it several
    times."""

    start_note: str | None = None
    """One line for the user when the engine is used, for instance that its answers are placeholders."""

    api_key: ApiKeyVariable | None = None
    """Where its API key comes from when the option is not set."""

    fallback_options: Mapping[str, Any] = {}
    """Values of its options, where they are not set, when other models stand ready to answer in its place."""

    mac_default: bool = False
    """Whether it is the engine of its stage when settings that suit a Mac are asked for."""

    mac_options: Mapping[str, Any] = {}
    """Values of its options, where they are not set, when settings that suit a Mac are asked for."""
