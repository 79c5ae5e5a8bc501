"""The tour's scenes in the open demo: one at a time, told to the page."""

import asyncio
import io
import itertools
from collections.abc import Mapping

from sandbox.background import Background
from sandbox.board import Listener
from sandbox.bot_process import BotFailedError
from sandbox.narrator import Narrator
from sandbox.scenes import SCENES, Scene
from sandbox.slack.workspace import ME
from sandbox.stage import Stage, play
from sandbox.traffic import Json
from sandbox.world import World

FIRST_CUSTOMER = 2600


class Playing:
    """Plays scenes where a person watches, beside whatever else that person does.

    Each performance has a customer nobody has texted before, so it can be repeated.
    """

    def __init__(self, world: World, scenes: Mapping[str, Scene] = SCENES) -> None:
        self._world = world
        self._scenes = scenes
        self._background = Background()
        self._numbers = itertools.count(FIRST_CUSTOMER)
        self._stage: Stage | None = None
        self._told: Json | None = None

    @property
    def titles(self) -> list[str]:
        """What can be played."""
        return list(self._scenes)

    @property
    def title(self) -> str:
        """What is being played, "" for nothing."""
        return self._stage.title if self._stage else ""

    def snapshot(self) -> Json:
        """Return everything the page shows of the scenes; `scene` is the one being played, or None."""
        offered = [{"title": title, "watch": scene.watch} for title, scene in self._scenes.items()]
        return {"scenes": offered, "scene": self._told if self._stage else None}

    def start(self, title: str) -> Json:
        """Begin a scene, while none is being played; it goes on by itself. Returns what the page is told."""
        stage = Stage(self._world, Narrator(io.StringIO()), title, self._fresh_number())
        self._stage = stage
        told = self._tell(stage, "playing")
        self._background.start(self._run(stage, self._scenes[title]))
        return told

    def leave_the_switches(self) -> None:
        """Somebody cleared all faults: nothing they had broken before the scene comes back after it."""
        if self._stage is not None:
            self._stage.leave_the_switches()

    async def aclose(self) -> None:
        """Break off what is being played."""
        await self._background.aclose()

    async def _run(self, stage: Stage, scene: Scene) -> None:
        outcome = "stopped"
        try:
            await self._world.bot.start()
            if await self._to_its_end(stage, scene):
                outcome = "broken" if stage.broken else "kept"
        except BotFailedError:
            pass  # the page is told of it by the bot's own state
        finally:
            self._stage = None
            self._tell(stage, outcome)

    async def _to_its_end(self, stage: Stage, scene: Scene) -> bool:
        """Play a scene; False if it was broken off because the bot went down and the scene had not meant it to."""
        with self._world.board.listen() as listener:
            playing = asyncio.ensure_future(play(stage, scene))
            watching = asyncio.ensure_future(_bot_goes_down(listener, stage))
            try:
                await asyncio.wait({playing, watching}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                playing.cancel()
                watching.cancel()
                await asyncio.gather(playing, watching, return_exceptions=True)
        if playing.cancelled():
            return False
        playing.result()
        return self._world.bot.state == "up"

    def _tell(self, stage: Stage, state: str) -> Json:
        """Tell the page how a scene stands: playing, kept, broken, or stopped short."""
        scene = self._scenes[stage.title]
        words = {"title": stage.title, "watch": scene.watch, "state": state, "broken": list(stage.broken)}
        self._told = words | {"channel": scene.channel, "user": ME}
        self._world.board.say("scene", self._told)
        return self._told

    def _fresh_number(self) -> str:
        known = {message.number for message in self._world.sendblue.messages}
        return next(number for last in self._numbers if (number := f"+1415555{last}") not in known)


async def _bot_goes_down(listener: Listener, stage: Stage) -> None:
    """Return as soon as the bot is down, unless the scene itself is about to start it again."""
    async for event in listener.events(60.0):
        if event is not None and event[0] == "bot" and event[1]["state"] == "down" and not stage.restarting:
            return
