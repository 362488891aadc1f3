"""Keeps garbage collections away from what lives as long as the process.

A full collection looks at every object of every library: 80 ms with this application alone, 280 ms with engines that
import torch (Python 3.11, 2 cores), in which nothing else runs and all who listen hear a gap.
"""

import gc

YOUNG_OBJECTS = 20_000
"""How many more objects there are when the youngest are looked at; every 700, as Python 3.11 has it, takes 8 % of
the processor time of a streamed answer."""


def set_aside() -> None:
    """Collect what is garbage now, and have later collections leave out all that is left; takes as long as a full one.

    What was left out before is looked at again: an engine that was closed since then may be garbage.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
