"""Where the scenes of the tour play: their means of acting, of waiting, and of checking promises."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.narrator import Narrator, plain
from sandbox.sendblue import PhoneMessage
from sandbox.slack import CommandAnswer, SlackMessage
from sandbox.world import World

PATIENCE = 30.0
"""Seconds to wait for anything that was promised."""


class SceneOverError(Exception):
    """What a scene waited for did not come, so the rest of it has no sense."""


@dataclass
class Stage:
    """One scene's stage. `number` is the customer of this scene and of no other; `patience` in seconds."""

    world: World
    narrator: Narrator
    title: str
    number: str
    channel: str = "C0GENERAL"
    broken: list[str] = field(default_factory=list)
    patience: float = PATIENCE
    begun: float = field(default_factory=time.time)

    @property
    def bubbles(self) -> list[PhoneMessage]:
        """What this scene's customer has on the phone."""
        return [message for message in self.world.sendblue.messages if message.number == self.number]

    @property
    def roots(self) -> list[SlackMessage]:
        """This scene's threads: the bot's messages in its channel that quote the scene's words."""
        found = self.world.slack.messages(self.channel)
        return [message for message in found if message.bot_id and self.number[-4:] in message.text]

    @property
    def replies(self) -> list[str]:
        """What was said in this scene's threads, oldest first."""
        slack = self.world.slack
        return [plain(reply.text) for root in self.roots for reply in slack.replies(self.channel, root.ts)]

    @property
    def thread(self) -> str:
        """All that this scene's threads say, in lower case."""
        return "\n".join([*(plain(root.text) for root in self.roots), *self.replies]).lower()

    @property
    def whispers(self) -> str:
        """All that was said to the person alone since this scene began, in lower case."""
        since = [seen for seen in self.world.slack.ephemerals if seen.at >= self.begun]
        return "\n".join(plain(seen.text) for seen in since).lower()

    def asked_sendblue(self, method: str) -> bool:
        """Whether the bot made this call to Sendblue since the scene began."""
        calls = self.world.sendblue.calls
        return any(call.method == method and call.at >= self.begun for call in calls)

    def fault(self, words: str, **switches: object) -> None:
        """Flip switches of Sendblue, and say so."""
        self.narrator.line("fault", words)
        self.world.sendblue.faults.patch(switches)

    def slack_fault(self, words: str, **switches: object) -> None:
        """Flip switches of Slack, and say so."""
        self.narrator.line("fault", words)
        self.world.slack.faults.patch(switches)

    async def type(self, words: str, *, trigger_id: str | None = None) -> CommandAnswer:
        """Text this scene's customer, and expect Slack to be content with the answer."""
        command = f"/imessage {self.number} {words}"
        self.narrator.line("Ana", command)
        answer = await self.world.slack.type(command, channel=self.channel, trigger_id=trigger_id)
        await asyncio.sleep(0)
        self.promise("the command is answered in time", holds=answer.failure is None)
        return answer

    async def until(self, words: str, condition: Callable[[], bool]) -> None:
        """Wait for something promised.

        Raises:
            SceneOverError: it did not come.
        """
        with self.narrator.waiting(f"Waiting until {words} …"):
            came = await self._comes(condition)
        await asyncio.sleep(0.02)  # let the narrator catch up
        self.promise(words, holds=came)
        if not came:
            raise SceneOverError(words)

    async def bubble_arrives(self) -> None:
        """Wait for this scene's text on the phone."""
        await self.until("the text is on the phone", lambda: bool(self.bubbles))

    async def says(self, *words: str) -> None:
        """Wait until the thread says all of these words."""
        quoted = " and ".join(f"“{word}”" for word in words)
        await self.until(f"the thread says {quoted}", lambda: all(word in self.thread for word in words))

    async def calm(self) -> None:
        """Wait until callbacks have been sent and whatever they caused was said."""
        await self.world.sendblue.settle()
        await asyncio.sleep(1.2)

    def promise(self, words: str, *, holds: bool) -> None:
        """Note whether a promise was kept."""
        self.narrator.line("kept" if holds else "BROKEN", words)
        if not holds:
            self.broken.append(words)

    def one_bubble(self) -> None:
        """Promise: exactly one text on the phone."""
        self.promise("exactly one text on the phone", holds=len(self.bubbles) == 1)

    def no_bubble(self) -> None:
        """Promise: nothing reached the phone."""
        self.promise("nothing on the phone", holds=not self.bubbles)

    def nothing_twice(self) -> None:
        """Promise: one thread at most, and nothing said twice in it."""
        self.promise("nothing is said twice", holds=len(self.roots) <= 1 and _all_differ(self.replies))

    async def _comes(self, condition: Callable[[], bool]) -> bool:
        """Look after every event of the board, until it holds or the time is up."""
        with self.world.board.listen() as listener:
            try:
                async with asyncio.timeout(self.patience):
                    if condition():
                        return True
                    async for _ in listener.events(1.0):
                        if condition():
                            return True
            except TimeoutError:
                pass
        return condition()


def _all_differ(texts: list[str]) -> bool:
    return len(set(texts)) == len(texts)
