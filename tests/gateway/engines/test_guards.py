import asyncio
import logging
from pathlib import Path

import pytest

from adapters.contract import guard
from adapters.contract.errors import Unavailable, UpstreamError
from adapters.options import BadOption
from gateway.engines.build import build
from gateway.engines.guards import LONGEST_BEFORE, LONGEST_TEXT, REMEMBERED, build_guard, guards_by_route
from gateway.settings.guards import guard_tables
from gateway.settings.load import load
from tests.support.scripted_guard import ScriptedGuard, active

PATTERNS = {"name": "cards", "kind": "patterns", "patterns": ["card"]}


class TestVerdicts:
    async def test_a_text_is_judged_with_what_came_before(self) -> None:
        scripted = ScriptedGuard("bad word")
        assert await active(scripted).flags(" word", "a bad")
        assert not await active(scripted).flags("word")
        assert await active(scripted).flags("a bad word")

    async def test_there_is_nothing_to_judge_in_white_space(self) -> None:
        scripted = ScriptedGuard()
        assert not await active(scripted).flags(" \n")
        assert scripted.asked == []

    async def test_a_long_text_is_judged_in_parts_that_know_what_was_before(self) -> None:
        scripted = ScriptedGuard("bad")
        text = "x" * (LONGEST_TEXT - 1) + "bad" + "y" * LONGEST_TEXT
        assert await active(scripted).flags(text)
        assert [len(request.text) for request in scripted.asked] == [LONGEST_TEXT, LONGEST_TEXT]
        assert scripted.asked[1].before == text[LONGEST_TEXT - LONGEST_BEFORE : LONGEST_TEXT]


class TestMemory:
    async def test_many_texts_are_judged_together_and_not_again(self) -> None:
        scripted = ScriptedGuard()
        tested = active(scripted)
        assert await tested.flagged(["one", "two"]) == []
        assert scripted.texts == ["one\n\ntwo"]
        assert await tested.flagged(["one", "two", "three"]) == []
        assert scripted.texts == ["one\n\ntwo", "three"]

    async def test_the_one_that_is_flagged_is_found(self) -> None:
        scripted = ScriptedGuard()
        tested = active(scripted)
        assert await tested.flagged(["one", "bad", "two"]) == ["bad"]
        assert await tested.flagged(["one", "bad", "two"]) == ["bad"]
        assert scripted.texts == ["one\n\nbad\n\ntwo", "one", "bad", "two"]

    async def test_a_failure_is_not_remembered(self) -> None:
        async def down(_request: guard.Request) -> bool:
            raise UpstreamError("down")

        scripted = ScriptedGuard(judge=down)
        tested = active(scripted, on_failure="open")
        assert await tested.flagged(["bad"]) == []
        scripted.judge = None
        assert await tested.flagged(["bad"]) == ["bad"]

    async def test_the_memory_is_bounded(self) -> None:
        tested = active(ScriptedGuard())
        await tested.flagged([str(number) for number in range(REMEMBERED + 10)])
        assert len(tested._verdicts) == REMEMBERED


class TestFailure:
    @pytest.mark.parametrize("error", [UpstreamError("the server said no"), KeyError("what the user said")])
    async def test_a_guard_that_fails_is_open_or_closed(
        self, error: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def down(_request: guard.Request) -> bool:
            raise error

        assert not await active(ScriptedGuard(judge=down), on_failure="open").flags("bad")
        with pytest.raises(Unavailable, match="The guard 'test' cannot be asked"):
            await active(ScriptedGuard(judge=down)).flags("bad")
        assert "what the user said" not in caplog.text

    async def test_it_has_to_answer_in_time(self) -> None:
        async def never(_request: guard.Request) -> bool:
            await asyncio.Event().wait()
            return False

        assert not await active(ScriptedGuard(judge=never), on_failure="open", timeout_seconds=0.01).flags("bad")
        with pytest.raises(Unavailable):
            await active(ScriptedGuard(judge=never), timeout_seconds=0.01).flags("bad")

    async def test_the_log_says_once_that_it_fails_and_that_it_works_again(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def down(_request: guard.Request) -> bool:
            raise UpstreamError("unreachable")

        scripted = ScriptedGuard(judge=down)
        tested = active(scripted, on_failure="open")
        with caplog.at_level(logging.INFO):
            for _ in range(3):
                await tested.flags("secret bad words")
            scripted.judge = None
            await tested.flags("secret bad words")
        assert [record.getMessage() for record in caplog.records] == [
            "the guard test fails and is open: unreachable",
            "the guard test works again",
            "the guard test flags a text: badness",
        ]


class TestRoutes:
    def test_a_guard_is_for_all_routes_or_for_some(self) -> None:
        tables = guard_tables([PATTERNS, PATTERNS | {"name": "two", "routes": ["b"], "on": ["answer"]}], "x.toml")
        found = guards_by_route(tables, ["a", "b"], build_guard)
        names = {
            route: ([each.rules.name for each in guards.transcript], [each.rules.name for each in guards.answer])
            for route, guards in found.items()
        }
        assert names == {"a": (["cards"], ["cards"]), "b": (["cards"], ["cards", "two"])}
        assert found["a"].all[0] is found["b"].all[0]

    def test_a_route_that_is_not_there(self) -> None:
        with pytest.raises(BadOption, match="The guard 'cards' is for the route 'c'; there are: a, b"):
            guards_by_route(guard_tables([PATTERNS | {"routes": ["c"]}], "x.toml"), ["a", "b"], build_guard)

    def test_what_the_kind_refuses_names_the_guard(self) -> None:
        with pytest.raises(BadOption, match="The guard 'cards' cannot be used: the pattern"):
            build_guard(guard_tables([PATTERNS | {"patterns": ["("]}], "x.toml")[0])

    def test_a_model_that_listens_itself_has_no_transcript_to_judge(self, tmp_path: Path) -> None:
        file = tmp_path / "gateway.toml"
        file.write_text(
            'stt = "none"\nllm_backend = "chat-completions"\nresponses_api_base_url = "http://localhost:9/v1"\n'
            '[[guards]]\nname = "cards"\nkind = "patterns"\npatterns = ["card"]\n'
        )
        with pytest.raises(BadOption, match="The guard 'cards' judges transcripts"):
            build(load([str(file)], {}))
