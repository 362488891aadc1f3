"""A model is sent the media that it takes, and words in place of the others."""

from adapters.contract import llm
from gateway.conversation.media import MOST_IMAGES, readable, without_media
from gateway.conversation.raw_items import raw

RECORDING = llm.Audio(data=b"RIFF", format="wav")


def picture(number: int) -> llm.Image:
    return llm.Image(url=f"https://example.com/{number}.png")


def shown(*parts: llm.Part) -> llm.Message:
    return llm.Message(role="user", parts=(llm.Text(text="look"), *parts))


def test_words_stand_in_for_pictures_and_recordings() -> None:
    assert without_media(shown(picture(1), RECORDING)) == shown(
        llm.Text(text="(a picture)"), llm.Text(text="(a recording)")
    )


def test_items_in_which_there_may_be_pictures_go_with_them() -> None:
    item = raw({"type": "computer_call_output", "output": {"image_url": "data:x"}}, "r")
    assert without_media(shown(item)) == shown()
    assert without_media(shown(item), images=True) == shown(item)


def test_a_model_gets_what_it_takes() -> None:
    message = shown(picture(1), RECORDING)
    assert readable([message], llm.Info(images=True, audio=True)) == (message,)
    assert readable([message], llm.Info(audio=True)) == (shown(llm.Text(text="(a picture)"), RECORDING),)
    assert readable([message], llm.Info(images=True)) == (shown(picture(1), llm.Text(text="(a recording)")),)


def test_the_newest_pictures_stay() -> None:
    history = [shown(picture(number), picture(number + 100)) for number in range(20)]
    kept = readable(history, llm.Info(images=True))
    assert kept[-MOST_IMAGES // 2 :] == tuple(history[-MOST_IMAGES // 2 :])
    assert all(message == without_media(message) for message in kept[: -MOST_IMAGES // 2])


def test_more_pictures_in_one_message_than_a_model_takes_are_none_and_older_ones_too() -> None:
    history = [shown(picture(0)), shown(*map(picture, range(MOST_IMAGES + 1))), shown(picture(1))]
    kept = readable(history, llm.Info(images=True))
    assert kept == (without_media(history[0]), without_media(history[1]), history[2])


def test_reasoning_stays() -> None:
    message = llm.Message(role="assistant", parts=(picture(1),), reasoning="hm")
    assert without_media(message).reasoning == "hm"
