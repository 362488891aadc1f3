"""The command ``speech-to-speech``: serve, ask, check, show the settings; the only reader of the environment."""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

try:
    from adapters.options import BadOption
except ImportError as error:
    if not (error.name or "").startswith("adapters"):
        raise
    print(
        "speech-to-speech: another Python package named 'adapters' hides that of speech-gateway; "
        "install speech-gateway in an environment of its own.",
        file=sys.stderr,
    )
    raise SystemExit(2) from None

from gateway.cli.console import ending_on_sigterm, prepare_console
from gateway.cli.key import new_key_text
from gateway.settings.flags import CommandLine, parse
from gateway.settings.help import example_file, help_text, schema
from gateway.settings.load import load, load_line, resolve
from gateway.settings.model import Loaded, SettingsError
from gateway.settings.show import effective

USAGE = """\
usage: speech-to-speech [FLAGS] [FILE.toml | FILE.json]
       speech-to-speech ask FILE [-o OUT] [--url URL [--key KEY]] [FLAGS]
       speech-to-speech talk [--url URL [--key KEY]] [--device IN[,OUT]]
                             [--half_duplex] [--list_devices] [FLAGS]
       speech-to-speech local [--device IN[,OUT]] [--half_duplex] [FLAGS] [FILE]
       speech-to-speech check [FLAGS] [FILE.toml | FILE.json]
       speech-to-speech config [FLAGS] [FILE.toml | FILE.json]
       speech-to-speech config --example | --schema
       speech-to-speech key new NAME [--admin]
       speech-to-speech --version | --help

Without a command the gateway serves.
  ask     Asks the question spoken in FILE and writes the spoken answer to OUT
          (answer.wav): with engines of its own, or at the gateway with that URL.
  talk    Talks through microphone and loudspeaker: with the gateway on this
          machine, or with the realtime API at that URL. Ctrl-C ends it. Without
          a headset, --half_duplex does not listen while an answer plays.
  local   Serves, and talks to what it serves.
  check   Asks the server behind each route what it can do and prints what was
          seen. The model gets a handful of tiny questions, 16 tokens an answer,
          10 seconds each. Of a model that runs here it says whether all it needs
          is there. Exit status 1 when a route cannot work as it is set.
  config  Prints the effective settings and where each of them comes from;
          a file of all settings; or the JSON Schema of such files.
  key new Makes a key and prints it once, with its hash for the configuration
          file. SIGHUP has a gateway that runs read its file again.

A setting has one name everywhere: the flag --chat_size is S2S_CHAT_SIZE in the
environment and chat_size in a file. Flags go before the environment, that goes
before the file."""

ASK_FLAGS = {"-o": "output", "--output": "output", "--url": "url", "--key": "key"}
LOCAL_FLAGS = {"--device": "device", "--half_duplex": "half_duplex", "--half-duplex": "half_duplex", "--key": "key"}
TALK_FLAGS = {**LOCAL_FLAGS, "--url": "url", "--list_devices": "list_devices", "--list-devices": "list_devices"}
TALK_SWITCHES = ("--half_duplex", "--half-duplex", "--list_devices", "--list-devices")

OWN_ADDRESS = "http://127.0.0.1:8765/v1"
"""Where a gateway of this machine listens when nothing else was set."""

KEY_VARIABLE = "SPEECH_GATEWAY_KEY"
"""The key for a gateway elsewhere, which a command line would show to other users of the machine."""

OUTPUT_ERRORS = {errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF}
"""How writing to standard output fails; other files have errors of their own."""

REQUEST_FIELDS = {"voice": "voice", "speed": "speed", "language": "language", "model_name": "model"}
"""Settings that a request can carry to a gateway elsewhere, and the names of its form fields."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit status: 2 for settings that cannot work, 130 when interrupted."""
    prepare_console()
    try:
        status = _run(list(sys.argv[1:] if argv is None else argv), os.environ)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (SettingsError, BadOption) as error:
        print(f"speech-to-speech: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if sys.stdout is None or error.errno not in OUTPUT_ERRORS:
            raise
        # The reader of our output has left, or the disk is full: else the interpreter's last flush would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"speech-to-speech: Cannot write to standard output: {error.strerror}.", file=sys.stderr)
        return 1
    return status


def _run(arguments: list[str], environment: Mapping[str, str]) -> int:
    if "--help" in arguments or "-h" in arguments:
        print(help_text(USAGE, shutil.get_terminal_size().columns), end="")
        return 0
    match arguments:
        case ["--version"]:
            print(f"speech-to-speech {version('speech-gateway')}")
            return 0
        case ["ask", *rest]:
            with ending_on_sigterm():
                return _ask(parse(rest, own=ASK_FLAGS), environment)
        case ["talk", *rest]:
            return _talk(parse(rest, TALK_FLAGS, TALK_SWITCHES), environment)
        case ["local", *rest]:
            return _local(rest, environment)
        case ["check", *rest]:
            return _check(load(rest, environment))
        case ["config", *rest]:
            return _config(rest, environment)
        case ["key", "new", *rest]:
            print(new_key_text(rest), end="")
            return 0
        case _:
            return _serve(load(arguments, environment), lambda: load(arguments, environment))


def _serve(loaded: Loaded, reread: Callable[[], Loaded]) -> int:
    _warn(loaded)
    from gateway.cli.serve import serve  # noqa: PLC0415 - the web framework takes a while to import; config and ask do not need it

    return serve(loaded, reread)


def _check(loaded: Loaded) -> int:
    _warn(loaded)
    from gateway.cli.check import check  # noqa: PLC0415 - as in _serve

    return check(loaded, print)


def _config(arguments: list[str], environment: Mapping[str, str]) -> int:
    match arguments:
        case ["--example"]:
            print(example_file(), end="")
        case ["--schema"]:
            print(schema().decode())
        case _:
            loaded = load(arguments, environment)
            _warn(loaded)
            print(effective(loaded), end="")
    return 0


def _ask(line: CommandLine, environment: Mapping[str, str]) -> int:
    if len(line.positional) != 1:
        raise SettingsError(
            f"ask takes one audio file, not {len(line.positional)}: speech-to-speech ask FILE [-o OUT]."
        )
    (source,) = line.positional
    output = line.own.get("output", "answer.wav")
    if "url" in line.own:
        from gateway.cli.ask import ask_gateway  # noqa: PLC0415 - as in _serve

        key = line.own.get("key") or environment.get(KEY_VARIABLE)
        return ask_gateway(line.own["url"], source, output, _request_fields(line), key)
    if "key" in line.own:
        raise SettingsError("--key is for the gateway of --url, which is not given.")
    loaded = resolve(line.settings, environment)
    _warn(loaded)
    from gateway.cli.ask import ask_here  # noqa: PLC0415 - as in _serve

    return ask_here(loaded, source, output)


def _talk(line: CommandLine, environment: Mapping[str, str]) -> int:
    from gateway.cli.talk.command import talk  # noqa: PLC0415 - as in _serve
    from gateway.cli.talk.sound_device import devices_text  # noqa: PLC0415

    if line.positional:
        raise SettingsError(f"talk takes no file, such as {line.positional[0]!r}: to ask one, use ask.")
    if "list_devices" in line.own:
        print(devices_text(), end="")
        return 0
    key = line.own.get("key") or environment.get(KEY_VARIABLE)
    return talk(line.own.get("url", OWN_ADDRESS), key, line.own, _request_fields(line))


def _local(arguments: list[str], environment: Mapping[str, str]) -> int:
    from gateway.cli.talk.command import local  # noqa: PLC0415 - as in _serve

    line = parse(arguments, LOCAL_FLAGS, TALK_SWITCHES)
    loaded = load_line(line, environment)
    _warn(loaded)
    return local(loaded, line.own.get("key") or environment.get(KEY_VARIABLE), line.own)


def _request_fields(line: CommandLine) -> dict[str, str]:
    for key in line.settings:
        if key not in REQUEST_FIELDS:
            raise SettingsError(
                f"--{key} cannot be used beside --url: the gateway there has its own settings, "
                f"a request carries --{', --'.join(REQUEST_FIELDS)} only."
            )
    return {REQUEST_FIELDS[key]: str(setting.value) for key, setting in line.settings.items()}


def _warn(loaded: Loaded) -> None:
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
