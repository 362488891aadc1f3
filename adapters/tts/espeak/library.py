"""The espeak-ng library by ctypes, for one thread: two of them in it at once would crash the process."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_PHONEMES = 0x100
_END_PAUSE = 0x1000
_RATE = 1
_STOP = 1
_CALLBACK_MS = 1_000
"""Of sound at once: a message to the gateway for less would take longer than to make it."""
_RATE_DEFAULT = 175
_RATE_FLOOR = 80

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class LibraryError(Exception):
    """A call of the library returned an error code; the message names the call."""


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """A base voice: its name, the other languages that it can speak (a lower rank is better), what selects it."""

    name: str
    other_names: dict[str, int]
    identifier: str


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What the library has: its sample rate in Hz, base voices, and the variants that each of them takes."""

    sample_rate: int
    languages: tuple[Language, ...]
    variants: frozenset[str]


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The initialised library and its sample rate; it stays loaded, since other engines may use it."""
    import espeakng_loader  # noqa: PLC0415 - loaded when first used

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
    library.espeak_SetSynthCallback.argtypes = [_Callback]
    library.espeak_SetSynthCallback.restype = None
    library.espeak_ListVoices.argtypes = [ctypes.POINTER(_Voice)]
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    data = espeakng_loader.get_data_path().encode()
    rate: int = library.espeak_Initialize(_SYNCHRONOUS, _CALLBACK_MS, data, _DONT_EXIT)
    if rate <= 0:
        raise LibraryError(f"espeak_Initialize returned {rate}.")
    return library, rate


def inventory() -> Inventory:
    """Load the library and list what it has; blocks for milliseconds. Raises ``LibraryError`` and ``OSError``."""
    library, rate = _library()
    languages = [_language(voice) for voice in _list(library, None)]
    variants = [voice.identifier.decode().removeprefix("!v/") for voice in _list(library, b"variant")]
    return Inventory(sample_rate=rate, languages=tuple(languages), variants=frozenset(variants))


def synthesise(text: str, voice: str, speed: float, take: Callable[[bytes], object], *, pause: bool = False) -> None:
    """Pass ``text`` as s16le mono to ``take`` as it is made, up to a second at a time; blocks.

    ``voice`` is an identifier, with or without ``+variant``.

    ``pause`` adds the pause of the mark at its end. Text between ``[[`` and ``]]`` is read as phonemes, in the
    library's own notation. The library slows down to about 0.46 only: below that, the audio has to be stretched by
    ``stretch(speed)``. Raises ``LibraryError``, and what ``take`` raises.
    """
    failures: list[BaseException] = []

    def passed_on(samples: int | None, count: int, _events: int | None) -> int:
        try:
            if samples and count > 0:
                take(ctypes.string_at(samples, 2 * count))
        except BaseException as error:  # noqa: BLE001 - the library cannot raise it
            failures.append(error)
            return _STOP
        return 0

    callback = _Callback(passed_on)
    encoded = text.encode()
    library, _ = _library()
    _check("espeak_SetVoiceByName", library.espeak_SetVoiceByName(voice.encode()))
    rate = max(_RATE_FLOOR, round(_RATE_DEFAULT * speed))
    _check("espeak_SetParameter", library.espeak_SetParameter(_RATE, rate, 0))
    library.espeak_SetSynthCallback(callback)
    flags = _UTF8 | _PHONEMES | (_END_PAUSE if pause else 0)
    code = library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, flags, None, None)
    for failure in failures:
        raise failure
    _check("espeak_Synth", code)


def stretch(speed: float) -> float:
    """The tempo (1.0: as it is) to which the audio of ``synthesise`` must be changed to have ``speed``."""
    return min(1.0, speed * _RATE_DEFAULT / _RATE_FLOOR)


def _check(call: str, code: int) -> None:
    if code != 0:
        raise LibraryError(f"{call} returned {code}.")


def _list(library: ctypes.CDLL, kind: bytes | None) -> list[Any]:
    wanted = None
    if kind is not None:
        name = ctypes.create_string_buffer(kind)
        wanted = ctypes.byref(_Voice(languages=ctypes.addressof(name)))
    entries = library.espeak_ListVoices(wanted)
    voices: list[Any] = []
    while entries[len(voices)]:
        voices.append(entries[len(voices)].contents)
    return voices


def _language(voice: Any) -> Language:
    """Decode the library's list: for each name a byte of priority, the name and a zero byte; then a zero byte."""
    priorities: dict[str, int] = {}
    address = voice.languages
    while (entry := ctypes.string_at(address))[:1]:
        priorities.setdefault(entry[1:].decode().lower(), entry[0])
        address += len(entry) + 1
    name = next(iter(priorities))
    del priorities[name]
    return Language(name=name, other_names=priorities, identifier=voice.identifier.decode())
