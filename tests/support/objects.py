"""Counting the objects that are still alive."""

import gc


def alive(kind: type) -> int:
    """How many objects of exactly `kind` there are after a collection."""
    gc.collect()
    # isinstance() would ask each object for its class, and some libraries' objects warn when they are asked.
    return sum(type(each) is kind for each in gc.get_objects())
