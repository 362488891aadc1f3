"""The tokens of a window are kept up to where the next window begins."""

from adapters.stt.transformers.written_windows import WrittenWindows

TIMES = 100
"""The first token that is a time; the others are text."""


def told(*windows: tuple[list[int], int]) -> list[list[int]]:
    """What is told of windows, each with its tokens and the frames to the next."""
    import torch  # noqa: PLC0415

    found: list[list[int]] = []
    watched = WrittenWindows(TIMES, lambda tokens: found.append(list(tokens)))
    seek, prompt = 0, [90, 91]
    watched.next_window(torch.tensor([[0, 6000]]))
    for tokens, moved in windows:
        for end in range(1, len(tokens) + 1):
            is_done = watched(torch.tensor([[*prompt, *tokens[:end]]]), None)
            assert not is_done.any()
        seek += moved
        watched.next_window(torch.tensor([[seek, 6000]]))
        prompt.append(92)  # the next prompt is as long as it likes
    return found


def test_what_is_heard_again_is_not_told_twice() -> None:
    # 50 steps of 20 ms are 100 frames: the third segment was cut by the window's end.
    first = [TIMES, 1, 2, TIMES + 50, TIMES + 50, 3]
    assert told((first, 100), ([TIMES, 3, 4, TIMES + 70], 3000)) == [
        [TIMES, 1, 2, TIMES + 50],
        [TIMES, 1, 2, TIMES + 50, TIMES, 3, 4, TIMES + 70],
    ]


def test_a_window_without_such_a_time_is_kept_whole() -> None:
    assert told(([TIMES, 1, 2], 3000)) == [[TIMES, 1, 2]]
