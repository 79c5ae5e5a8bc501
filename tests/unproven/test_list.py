"""What the documents leave open about Sendblue's list, in which the bot looks for texts whose answer was lost."""

from typing import Any

import httpx

from tests.conftest import CUSTOMER, KEY, LINE, SECRET, Stage, until
from tests.unproven.conftest import InEach

LOST = {"drop_after_accept": True, "lose_callbacks": True}


async def elsewhere(stage: Stage, *contents: str) -> None:
    """Text the same customer from the same line, but not through the bot."""
    keys = {"sb-api-key-id": KEY, "sb-api-secret-key": SECRET}
    async with httpx.AsyncClient(base_url=stage.settings.sendblue_api_url, verify=False, headers=keys) as http:
        for content in contents:
            body = {"number": CUSTOMER, "from_number": LINE, "content": content}
            assert (await http.post("/api/send-message", json=body)).status_code == 202


def told(stage: Stage, words: str) -> int:
    return sum(reply.count(words) for reply in stage.replies())


async def test_a_text_whose_answer_was_lost_is_found_in_the_list_however_it_pages(in_each: InEach) -> None:
    async def scene(stage: Stage, position: dict[str, Any]) -> None:
        await elsewhere(stage, "Good morning", "See you at eight", "Thank you")
        stage.sendblue.faults.patch(LOST | position)
        await stage.text()
        await until(lambda: told(stage, "We don't know yet whether this went out"))
        await until(lambda: told(stage, "✅ Delivered after all") and "✅ *Delivered*" in stage.shown())
        assert sum(bubble.content == "Table at eight?" for bubble in stage.bubbles()) == 1

    positions: list[dict[str, Any]] = [
        {},
        {"list_spelling": "snake"},
        {"list_unordered": True},
        {"list_cap": 2},
        {"list_cap": 1, "list_bare": True},
        {"list_cap": 2, "list_cap_refused": True},
        {"list_cap": 2, "list_cap_refused": True, "list_spelling": "snake", "list_bare": True},
        {"list_offset_ignored": True},
        {"list_offset_ignored": True, "list_bare": True},
        {"list_by_send_time": True},
        {"list_lag": 0.5},
    ]
    await in_each(positions, scene)


async def test_of_several_equal_texts_none_is_taken_for_ours_however_few_a_page_holds(in_each: InEach) -> None:
    async def scene(stage: Stage, position: dict[str, Any]) -> None:
        await elsewhere(stage, "Table at eight?")
        stage.sendblue.faults.patch(LOST | position)
        await stage.text()
        await until(lambda: told(stage, "Please decide"))
        assert told(stage, "Delivered") == 0
        assert len(stage.bubbles()) == 2  # ours, and the other

    pages = [{}, {"list_bare": True}, {"list_cap": 1}, {"list_cap": 1, "list_bare": True}]
    beginning_only = {"list_cap": 1, "list_offset_ignored": True}
    await in_each([*pages, beginning_only], scene, doubt_window=0.8)


async def test_what_the_list_refuses_is_not_asked_the_same_way_again(in_each: InEach) -> None:
    def refused(stage: Stage) -> int:
        return [call.status for call in stage.sendblue.calls if call.method == "GET /api/v2/messages"].count(400)

    async def scene(stage: Stage, spelling: str) -> None:
        stage.sendblue.faults.patch(LOST | {"list_spelling": spelling})
        await stage.text("One")
        await until(lambda: told(stage, "Delivered after all") == 1)
        await stage.text("Two")
        await until(lambda: told(stage, "Delivered after all") == 2)
        assert refused(stage) == (spelling == "snake")

    await in_each(["camel", "snake"], scene)
