"""What lives as long as the process is left out of garbage collections; what is closed later is not kept by that."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from gateway.cli import garbage

SERVES = """
import gc, os, signal
from adapters.tts.espeak.adapter import Espeak
from gateway.cli import garbage
from gateway.cli.main import main

set_aside, loaded = garbage.set_aside, Espeak.warm_up

async def warm_up(engine):
    await loaded(engine)
    print("loaded", flush=True)

def told():
    set_aside()
    print("set aside", gc.get_freeze_count() > 0, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

garbage.set_aside, Espeak.warm_up = told, warm_up
raise SystemExit(main(["--port", "0", "--stt", "pocketsphinx", "--tts", "espeak", "--vad", "none"]))
"""


class Engine:
    """Something that refers to itself, as much does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_is_alive_is_looked_at_no_more_until_it_is_set_aside_again() -> None:
    engine = Engine()
    alive = weakref.ref(engine)
    garbage.set_aside()
    assert gc.get_freeze_count() > 0
    del engine
    gc.collect()
    assert alive() is not None, "a collection does not look at it"
    garbage.set_aside()
    assert alive() is None, "but it is not kept for ever"


def test_what_comes_later_is_collected() -> None:
    garbage.set_aside()
    later = weakref.ref(Engine())
    gc.collect()
    assert later() is None


def test_a_server_sets_aside_what_it_has_loaded() -> None:
    served = subprocess.run([sys.executable, "-c", SERVES], capture_output=True, timeout=120, check=False)
    assert served.stdout.splitlines()[-2:] == [b"loaded", b"set aside True"], served.stderr.decode()
    assert served.returncode == 0, served.stderr.decode()
