"""The tour's scenes, played by one click in the open demo."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.narrator import Narrator
from sandbox.playing import Playing
from sandbox.ports import free_port
from sandbox.scenes import SCENES, Scene
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.stage import Stage, play
from sandbox.tour import tour
from sandbox.world import World, connect, world
from tests.sandbox.silent_bot import SILENT_BOT


@pytest.fixture
async def made() -> AsyncIterator[World]:
    async with world(free_port(0), SILENT_BOT) as made:
        yield made


@pytest.fixture
async def page(made) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(made), grace=0.2) as url, httpx.AsyncClient(base_url=url, verify=False) as page:
        connect(made, url)
        yield page


def stage(made: World) -> Stage:
    return Stage(made, Narrator(io.StringIO()), "A scene", "+14155552600", patience=0.1)


async def broken_in_two_places(stage: Stage) -> None:
    stage.fault("green", sms=True, delay_callbacks=3)
    stage.slack_fault("busy", rate_limited=True)
    stage.fault("blue again", sms=False)
    stage.slack_fault("broken otherwise", down=True)


async def played(playing: Playing, made: World, title: str) -> list[dict[str, Any]]:
    """Play a scene; return what the page was told, until it was over."""
    told = []
    with made.board.listen() as listener:
        playing.start(title)
        async for event in listener.events(10):
            assert event is not None, "the scene does not end"
            if event[0] == "scene":
                told.append(dict(event[1]))
                if told[-1]["state"] != "playing":
                    break
    return told


async def test_the_page_offers_the_tours_scenes_each_with_one_sentence(page):
    state = (await page.get("/control/state")).json()
    assert [scene["title"] for scene in state["scenes"]] == list(SCENES)
    assert [scene["watch"] for scene in state["scenes"]] == [scene.watch for scene in SCENES.values()]
    for scene in SCENES.values():
        assert scene.watch[0].isupper(), scene.watch
        assert (scene.watch[-1], scene.watch.count(".")) == (".", 1), scene.watch
    assert state["scene"] is None


async def test_the_tour_says_what_to_watch_for_in_the_same_words():
    paper = io.StringIO()

    async def nothing(_stage: Stage) -> None:
        pass

    await tour(Narrator(paper), {"A scene": Scene("The bubble is green.", nothing)}, SILENT_BOT)
    assert "The bubble is green." in paper.getvalue()


def off(made):
    return {"slack": type(made.slack.faults)().state(), "sendblue": type(made.sendblue.faults)().state()}


async def test_while_it_plays_only_its_own_faults_are_on_and_then_everything_is_as_before(made):
    made.sendblue.faults.patch({"sms": True, "fail": "5504", "answers": [[500, "x"]]})
    made.slack.faults.patch({"errors": {"chat.postMessage": "is_archived"}, "rate_limited": True})
    before, during = made.faults(), {}

    async def look(stage: Stage) -> None:
        await broken_in_two_places(stage)
        during.update(made.faults())
        made.sendblue.faults.duplicate_callbacks = True  # somebody else's, in the middle of it

    await play(stage(made), look)
    on = {
        side: {name: value for name, value in during[side].items() if value != off(made)[side][name]} for side in during
    }
    assert on == {"slack": {"rate_limited": True, "down": True}, "sendblue": {"delay_callbacks": 3.0}}
    before["sendblue"]["duplicate_callbacks"] = True
    assert made.faults() == before


async def test_a_scene_that_breaks_off_puts_its_switches_back_too(made):
    fine = made.faults()

    async def waits_in_vain(stage: Stage) -> None:
        await broken_in_two_places(stage)
        await stage.bubble_arrives()

    async def fails(stage: Stage) -> None:
        await broken_in_two_places(stage)
        stage.fault("no such thing", glitter=True)

    await play(stage(made), waits_in_vain)
    assert made.faults() == fine
    with pytest.raises(ValueError, match="glitter"):
        await play(stage(made), fails)
    assert made.faults() == fine
    playing = asyncio.create_task(play(stage(made), lambda _: asyncio.sleep(60)))
    await asyncio.sleep(0)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert made.faults() == fine


async def test_all_faults_cleared_in_mid_scene_stay_off(made):
    made.sendblue.faults.sms = True
    acting = stage(made)

    async def cleared(stage: Stage) -> None:
        await broken_in_two_places(stage)
        acting.leave_the_switches()
        made.reset_faults()

    await play(acting, cleared)
    assert made.faults() == off(made)


async def test_the_page_is_told_how_it_went(made):
    async def kept(stage: Stage) -> None:
        stage.promise("one and one is two", holds=True)

    async def broken(stage: Stage) -> None:
        stage.promise("the moon is green", holds=False)

    async def killed(stage: Stage) -> None:
        await stage.world.bot.kill()

    scenes = {"Kept": Scene("A.", kept), "Broken": Scene("B.", broken, "G0TEAM"), "Killed": Scene("C.", killed)}
    playing = Playing(made, scenes)
    told = [await played(playing, made, title) for title in scenes]
    assert [[one["state"] for one in each] for each in told] == [
        ["playing", "kept"],
        ["playing", "broken"],
        ["playing", "stopped"],
    ]
    assert told[1][1] == {
        "title": "Broken",
        "watch": "B.",
        "state": "broken",
        "broken": ["the moon is green"],
        "channel": "G0TEAM",
        "user": "U0ANA",
    }
    assert (await played(playing, made, "Kept"))[-1]["state"] == "kept", "the bot is started for it"
    await playing.aclose()


async def test_a_scene_ends_at_once_when_the_bot_goes_down_and_the_next_one_plays(made):
    """Its switches are put back, although it would have waited for much longer."""
    fine = made.faults()

    async def waits(stage: Stage) -> None:
        await broken_in_two_places(stage)
        await stage.bubble_arrives()

    async def kept(stage: Stage) -> None:
        stage.promise("one and one is two", holds=True)

    playing = Playing(made, {"Waits": Scene("A.", waits), "Kept": Scene("B.", kept)})
    await made.bot.start()
    scene = asyncio.create_task(played(playing, made, "Waits"))
    while made.faults() == fine:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await made.bot.kill()
        told = await scene
    assert [one["state"] for one in told] == ["playing", "stopped"]
    assert (playing.title, made.faults()) == ("", fine)
    assert (await played(playing, made, "Kept"))[-1]["state"] == "kept"
    await playing.aclose()


async def test_a_scene_that_kills_the_bot_itself_goes_on(made):
    async def restarts(stage: Stage) -> None:
        await stage.kill_the_bot_and_start_it_again()
        await asyncio.sleep(0.1)
        stage.promise("the bot is there again", holds=stage.world.bot.state == "up")

    playing = Playing(made, {"Restarts": Scene("A.", restarts)})
    assert (await played(playing, made, "Restarts"))[-1]["state"] == "kept"
    await playing.aclose()


async def test_each_performance_has_a_customer_of_its_own(made):
    numbers = []

    async def remember(stage: Stage) -> None:
        numbers.append(stage.number)

    playing = Playing(made, {"A scene": Scene("A.", remember)})
    await made.sendblue.customer_says("+14155552601", "I was here before")
    for _ in range(3):
        await played(playing, made, "A scene")
    assert numbers == ["+14155552600", "+14155552602", "+14155552603"]
    await playing.aclose()


async def test_one_scene_at_a_time_and_none_that_is_not_there(made, page):
    answer = await page.post("/control/scene", json={"title": "The moon is green"})
    assert (answer.status_code, answer.json()["error"]) == (404, "There is no such scene.")
    await made.bot.start()
    begun = await page.post("/control/scene", json={"title": "A plain text"})
    assert (begun.status_code, begun.json()["state"]) == (200, "playing")
    assert (await page.get("/control/state")).json()["scene"]["title"] == "A plain text"
    answer = await page.post("/control/scene", json={"title": "All callbacks lost"})
    assert (answer.status_code, answer.json()["error"]) == (409, "Wait until “A plain text” is over.")


async def test_the_private_channel_is_one_without_the_bot_whatever_was_done_before(made):
    """And afterwards the bot is a member again where it was one."""
    made.slack.invite("G0SECRET")
    made.slack.say("G0SECRET", "Somebody talks here")
    inside = []

    async def look(stage: Stage) -> None:
        stage.in_a_channel_without_the_bot("G0SECRET")
        [channel] = [one for one in made.slack.snapshot()["channels"] if one["id"] == "G0SECRET"]
        inside.append((channel["note"], stage.said))

    await play(stage(made), look)
    assert inside == [("The bot is no member.", [])]
    assert made.slack.kick("G0SECRET") is True
    await play(stage(made), look)
    assert made.slack.kick("G0SECRET") is False
