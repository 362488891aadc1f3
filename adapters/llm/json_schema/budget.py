"""Counts the steps of a validation and ends it when there are too many."""

from typing import Any

MAX_STEPS = 5_000
"""Steps of one validation; they take milliseconds."""

_CHARACTERS_PER_STEP = 1000  # that are compared


class NotValidated(Exception):
    """The schema is invalid, takes too many steps, or cannot be judged without the rules that are not applied."""


class StepBudget:
    """At most ``max_steps``; ``used`` is how many have been spent."""

    def __init__(self, max_steps: int) -> None:
        self.used = 0
        self._max_steps = max_steps

    def spend(self, steps: int) -> None:
        """Count ``steps``. Raises ``NotValidated`` when they are used up."""
        self.used += steps
        if self.used > self._max_steps:
            raise NotValidated("the schema takes too many steps")

    def comparable(self, value: Any) -> Any:
        """``value`` as something that can be hashed and is equal where JSON is: ``true`` is not 1, but 1.0 is.

        Costs a step for each value in it.
        """
        self.spend(1)
        match value:
            case bool():
                return (bool, value)
            case int() | float() if value == value // 1:
                return (int, hex(int(value)))  # the hashes of integers collide at will, and those of texts do not
            case str():
                self.spend(len(value) // _CHARACTERS_PER_STEP)
                return value
            case list():
                return (list, *map(self.comparable, value))
            case dict():
                return frozenset((key, self.comparable(item)) for key, item in value.items())
            case _:
                return value
