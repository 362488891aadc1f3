"""A scripted server of OpenAI's ``/v1/moderations``, with the shape of its answers."""

from typing import Any

from tests.support.upstream_server import Exchange, Script

CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm"),
    *("self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)


def moderation(category: str | None = None, score: float = 0.93) -> dict[str, Any]:
    """The answer for a text that is flagged for ``category``, or for none."""
    return {
        "id": "modr-0d9740456c391e43c445bf0f010940c7",
        "model": "omni-moderation-latest",
        "results": [
            {
                "flagged": category is not None,
                "categories": {name: name == category for name in CATEGORIES},
                "category_scores": {name: score if name == category else 0.0002 for name in CATEGORIES},
                "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
            }
        ],
    }


def moderating(word: str, category: str = "violence") -> Script:
    """A server that flags every text with ``word`` in it, in small or capital letters."""

    async def script(exchange: Exchange) -> None:
        if exchange.method != "POST":
            await exchange.reply(200, {"object": "list", "data": []})
            return
        found = word in exchange.json["input"].lower()
        await exchange.reply(200, moderation(category if found else None))

    return script
