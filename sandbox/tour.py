"""`--script`: a tour without a browser. The real bot, broken on purpose, scene by scene."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sandbox.board import Board
from sandbox.narrator import Narrator
from sandbox.ports import free_port
from sandbox.scenes import SCENES, Scene, Scenes
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.stage import Stage, play
from sandbox.world import BOT_COMMAND, World, connect, world


async def tour(narrator: Narrator, scenes: Scenes = SCENES, command: Sequence[str] = BOT_COMMAND) -> list[str]:
    """Play the scenes with the bot that `command` starts; return the broken promises, each with its scene.

    Raises:
        BotFailedError: the bot did not start.
    """
    async with world(free_port(0), command) as made, serving(create_app(made)) as url:
        connect(made, url)
        with narrator.waiting("Starting the bot …"):
            await made.bot.start()
        async with _narrated(made.board, narrator):
            stages = await _play(made, narrator, scenes)
        made.board.close()
        await made.bot.stop()
    return [f"{stage.title}: {words}" for stage in stages for words in stage.broken]


async def _play(made: World, narrator: Narrator, scenes: Scenes) -> list[Stage]:
    stages = []
    for count, (title, scene) in enumerate(scenes.items(), start=1):
        narrator.title(f"{count}/{len(scenes)} {title}")
        stage = Stage(made, narrator, title, number=f"+1415555{2600 + count}")
        stages.append(stage)
        if isinstance(scene, Scene):
            narrator.say(f"  {scene.watch}")
        begun = time.monotonic()
        await play(stage, scene)
        narrator.line("", f"{time.monotonic() - begun:.1f} s")
    await _look_back(stages, narrator)
    return stages


async def _look_back(stages: list[Stage], narrator: Narrator) -> None:
    """Look at all scenes once more, when whatever would come late or twice has come."""
    narrator.title("Looking back")
    await stages[-1].calm()
    for stage in stages:
        narrator.say(f"  {stage.title}")
        stage.nothing_twice()


@asynccontextmanager
async def _narrated(board: Board, narrator: Narrator) -> AsyncIterator[None]:
    """Have the narrator tell what is said on the board."""

    async def tell() -> None:
        with board.listen() as listener:
            async for event in listener.events(60.0):
                if event is not None:
                    narrator.tell(event)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
