"""Where the messages of a step are: counted from the end, as far as that is noted."""

from gateway.conversation.steps import Place, Step, place_of


def step(name: str, messages: int | None, opening: int = 0) -> Step:
    return Step(id=name, at=0, messages=messages, opening=opening)


def test_steps_are_counted_from_the_end() -> None:
    steps = (step("a", 2, opening=1), step("b", 3))
    assert place_of("b", steps, 5, 1) == Place(step=1, opening=slice(1, 1), turns=slice(2, 5), is_cut=False)
    assert place_of("a", steps, 5, 1) == Place(step=0, opening=slice(0, 1), turns=slice(0, 2), is_cut=False)
    assert place_of("a", steps, 4, 1) == Place(step=0, opening=slice(0, 1), turns=slice(0, 1), is_cut=True)
    assert place_of("c", steps, 5, 1) is None


def test_nothing_is_known_of_the_place_before_a_step_that_is_not_counted() -> None:
    steps = (step("a", 2), step("b", None), step("c", 1))
    assert place_of("c", steps, 5, 0) is not None
    assert place_of("b", steps, 5, 0) is None
    assert place_of("a", steps, 5, 0) is None
