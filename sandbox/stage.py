"""Where the scenes of the tour play: their means of acting, of waiting, and of checking promises."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.contents import type_of
from sandbox.faults import Remembered
from sandbox.narrator import Narrator, plain
from sandbox.sendblue import PhoneMessage
from sandbox.slack import CommandAnswer, SlackMessage
from sandbox.slack.emoji import names
from sandbox.slack.file_records import SlackFile
from sandbox.slack.records import Ephemeral
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

    def __post_init__(self) -> None:
        self._sendblue = Remembered(self.world.sendblue.faults)
        self._slack = Remembered(self.world.slack.faults)
        self._shut_out: list[str] = []
        self.restarting = False
        """Whether the scene itself has the bot killed right now, to start it again."""

    @property
    def bubbles(self) -> list[PhoneMessage]:
        """The texts on the phone of this scene's customer."""
        texts = [message for message in self.world.sendblue.messages if message.outbound]
        return [text for text in texts if text.number == self.number]

    @property
    def roots(self) -> list[SlackMessage]:
        """This scene's threads: the bot's messages in its channel that quote the scene's words."""
        found = [message for message in self.said if message.bot_id]
        return [message for message in found if self.number[-4:] in message.text]

    @property
    def said(self) -> list[SlackMessage]:
        """What was said in this scene's channel since the scene began."""
        return [message for message in self.world.slack.messages(self.channel) if float(message.ts) >= self.begun]

    @property
    def replies(self) -> list[str]:
        """What was said in this scene's threads, oldest first."""
        slack = self.world.slack
        return [plain(reply.text) for root in self.roots for reply in slack.replies(self.channel, root.ts)]

    @property
    def copies(self) -> list[SlackFile]:
        """The files that the bot shows in this scene's threads."""
        replies = [reply for root in self.roots for reply in self.world.slack.replies(self.channel, root.ts)]
        return [file for reply in replies if reply.bot_id for file in reply.files if isinstance(file, SlackFile)]

    @property
    def thread(self) -> str:
        """All that this scene's threads say, in lower case."""
        return "\n".join([*(plain(root.text) for root in self.roots), *self.replies]).lower()

    @property
    def whispers(self) -> str:
        """All that was said to the person alone since this scene began, in lower case."""
        since = [seen for seen in self.world.slack.ephemerals if seen.at >= self.begun]
        return "\n".join(plain(seen.text) for seen in since).lower()

    @property
    def question(self) -> Ephemeral | None:
        """What the person alone is asked in this scene's threads."""
        threads = {root.ts for root in self.roots}
        return next((seen for seen in self.world.slack.ephemerals if seen.thread_ts in threads), None)

    def asked_sendblue(self, method: str) -> bool:
        """Whether the bot made this call to Sendblue since the scene began."""
        calls = self.world.sendblue.calls
        return any(call.method == method and call.at >= self.begun for call in calls)

    def reads_a_file(self) -> bool:
        """Whether the bot has begun to read a file, from either side, since the scene began."""
        transfers = [*self.world.sendblue.transfers, *self.world.slack.transfers]
        return any(call.method == "download" and call.at >= self.begun for call in transfers)

    def fault(self, words: str, **switches: object) -> None:
        """Flip switches of Sendblue, and say so."""
        self.narrator.line("fault", words)
        self._sendblue.flip(switches)

    def slack_fault(self, words: str, **switches: object) -> None:
        """Flip switches of Slack, and say so."""
        self.narrator.line("fault", words)
        self._slack.flip(switches)

    def in_a_channel_without_the_bot(self, channel: str) -> None:
        """Play in this channel, with the bot taken out of it if need be."""
        self.channel = channel
        if self.world.slack.kick(channel):
            self._shut_out.append(channel)

    def set_up(self) -> None:
        """Put aside what others broke: the scene's promises are about its own faults."""
        self._sendblue.put_aside()
        self._slack.put_aside()

    def clear_away(self) -> None:
        """Put back all that this scene changed."""
        self._sendblue.put_back()
        self._slack.put_back()
        for channel in self._shut_out:
            self.world.slack.invite(channel)

    def leave_the_switches(self) -> None:
        """Let the switches stay as they are now when the scene is over."""
        self._sendblue.forget()
        self._slack.forget()

    async def kill_the_bot_and_start_it_again(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        """SIGKILL, then a new process that has to go on. meanwhile: what happens while there is none.

        Raises:
            BotFailedError: the new one did not start.
        """
        self.narrator.line("fault", "kill -9 to the bot, then start it again")
        self.restarting = True
        try:
            await self.world.bot.kill()
            if meanwhile is not None:
                await meanwhile()
            with self.narrator.waiting("Starting the bot again …"):
                await self.world.bot.start()
        finally:
            self.restarting = False

    async def type(self, words: str, *, trigger_id: str | None = None) -> CommandAnswer:
        """Text this scene's customer, and expect Slack to be content with the answer."""
        command = f"/imessage {self.number} {words}"
        self.narrator.line("Ana", command)
        answer = await self.world.slack.type(command, channel=self.channel, trigger_id=trigger_id)
        await asyncio.sleep(0)
        self.promise("the command is answered in time", holds=answer.failure is None)
        return answer

    async def set_rule(self, channel: str, rule: str) -> None:
        """Play in this channel, where this is the rule for what is typed in threads."""
        self.channel = channel
        command = f"/imessage replies {rule}"
        self.narrator.line("Ana", command)
        await self.world.slack.type(command, channel=channel)

    async def replies_with(self, words: str, *files: Path) -> SlackMessage:
        """Type in this scene's thread, with files perhaps."""
        self.narrator.line("Ana", f"└ {_with_files(words, files)}")
        shared = [(file.name, file.read_bytes(), type_of(file.name)) for file in files]
        return await self.world.slack.reply(self.channel, self.roots[0].ts, words, files=shared)

    async def is_marked(self, reply: SlackMessage, mark: str) -> None:
        """Wait for a reaction of the bot's on what was typed."""
        await self.until(f"“{reply.text}” is marked {names()[mark]}", lambda: mark in reply.reactions)

    async def clicks(self, label: str) -> None:
        """Answer the question that the person alone is asked."""
        asked = self.question
        if asked is None:
            raise SceneOverError(label)
        self.narrator.line("Ana", f"clicks {label}")
        buttons = [button for block in asked.blocks for button in block.get("elements", ()) if "action_id" in button]
        [action] = [button["action_id"] for button in buttons if button["text"]["text"] == label]
        await self.world.slack.click(self.channel, asked.id, action)

    async def answers(self, words: str, *files: Path) -> None:
        """Write from the phone of this scene's customer, with files perhaps."""
        self.narrator.line("phone", _with_files(words, files))
        media = [(file.name, file.read_bytes()) for file in files]
        await self.world.sendblue.customer_says(self.number, words, media=media)

    def shown_once(self, *words: str) -> None:
        """Promise: the threads say each of these once, in this order."""
        places = [self.thread.find(word.lower()) for word in words]
        once = all(self.thread.count(word.lower()) == 1 for word in words)
        self.promise("each answer stands there once, in order", holds=once and places == sorted(places))

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

    def phone_shows(self, *words: str) -> None:
        """Promise: these texts are on the phone, and no others."""
        shown = " and ".join(f"“{word}”" for word in words)
        self.promise(f"the phone shows {shown}, and no more", holds=[text.content for text in self.bubbles] == [*words])

    def thread_has(self, file: Path) -> None:
        """Promise: the thread shows this file once, byte for byte, and no other."""
        shown = [copy.content.data for copy in self.copies if copy.content]
        self.promise(f"{file.name} stands in the thread once, whole", holds=shown == [file.read_bytes()])

    def phone_has(self, file: Path) -> None:
        """Promise: this file reached the phone once, byte for byte, and no other did."""
        media = [self.world.sendblue.media.at(text.media_url) for text in self.bubbles if text.media_url]
        shown = [medium.content.data for medium in media if medium]
        self.promise(f"{file.name} is on the phone once, whole", holds=shown == [file.read_bytes()])

    def no_bubble(self) -> None:
        """Promise: nothing reached the phone."""
        self.promise("nothing on the phone", holds=not self.bubbles)

    def nothing_twice(self) -> None:
        """Promise: one thread at most, nothing said twice in it, and no text twice on the phone."""
        self.promise("nothing is said twice", holds=len(self.roots) <= 1 and _all_differ(self.replies))
        self.promise("no text is on the phone twice", holds=_all_differ([text.content for text in self.bubbles]))

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


async def play(stage: Stage, scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Play one scene with nothing else broken, and leave every switch as it was found."""
    stage.set_up()
    try:
        with suppress(SceneOverError):  # noted on the stage
            await scene(stage)
    finally:
        stage.clear_away()


def _with_files(words: str, files: tuple[Path, ...]) -> str:
    return " ".join([words, *(f"[{file.name}]" for file in files)])


def _all_differ(texts: list[str]) -> bool:
    return len(set(texts)) == len(texts)
