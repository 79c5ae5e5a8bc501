"""The scenes of the tour. Each breaks something and looks whether the bot keeps its word."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sandbox.slack.hands import new_trigger_id
from sandbox.stage import Stage

Play: TypeAlias = Callable[[Stage], Awaitable[None]]
Scenes: TypeAlias = Mapping[str, Play]
"""What is played, by title, in order."""


PRIVATE = "G0SECRET"
REPLIES = "C0BOOKINGS"
SAMPLES = Path(__file__).parent / "samples"
PHOTO, MENU = SAMPLES / "table.jpg", SAMPLES / "menu.png"


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene as the tour and the page offer it. `watch` tells in one sentence what is to be seen."""

    watch: str
    play: Play
    channel: str = "C0GENERAL"

    async def __call__(self, stage: Stage) -> None:
        """Play it."""
        await self.play(stage)


async def a_plain_text(stage: Stage) -> None:
    """From the command to “Delivered” in the thread."""
    await stage.type("Table at eight?")
    await stage.says("delivered")
    stage.one_bubble()


async def no_imessage(stage: Stage) -> None:
    """SMS never confirms delivery, so the thread must not claim it."""
    stage.fault("this customer's phone has no iMessage", sms=True)
    await stage.type("Your table is ready.")
    await stage.says("sent", "sms")
    await stage.calm()
    stage.promise("the thread does not claim a delivery", holds="delivered" not in stage.thread)
    stage.one_bubble()


async def lost_callbacks(stage: Stage) -> None:
    """No news for a while: the bot asks by itself."""
    stage.fault("every callback is lost", lose_callbacks=True)
    await stage.type("Shall we keep your table?")
    await stage.says("delivered")
    stage.promise("the bot asked Sendblue by itself", holds=stage.asked_sendblue("GET /api/status"))
    stage.one_bubble()


async def everything_repeated(stage: Stage) -> None:
    """The command comes twice; each callback three times and out of order."""
    stage.fault("callbacks come three times, in disorder", duplicate_callbacks=True, shuffle_callbacks=True)
    trigger_id = new_trigger_id()
    await stage.type("See you tomorrow!", trigger_id=trigger_id)
    await stage.type("See you tomorrow!", trigger_id=trigger_id)
    await stage.says("delivered")
    await stage.calm()
    told = sum("delivered" in reply.lower() for reply in stage.replies)
    stage.promise("“Delivered” is told once", holds=told == 1)
    latest = stage.replies[-1].lower() if stage.replies else ""
    stage.promise("nothing older is told after it", holds="delivered" in latest)
    stage.one_bubble()


async def opted_out(stage: Stage) -> None:
    """The customer said STOP."""
    stage.fault("this customer has opted out", opted_out=True)
    await stage.type("Our autumn menu is here.")
    await stage.says("not sent", "opted out")
    stage.no_bubble()


async def answered(stage: Stage) -> None:
    """What a customer writes stands in the thread at once."""
    await stage.type("Table at eight?")
    await stage.says("delivered")
    await stage.answers("Eight works, see you then")
    await stage.says("eight works")
    stage.one_bubble()


async def a_reply(stage: Stage) -> None:
    """What is typed in the thread is sent, where that is the channel's rule."""
    await stage.set_rule(REPLIES, "send")
    await stage.type("Table at eight?")
    await stage.says("delivered")
    reply = await stage.replies_with("By the window, if you like.")
    await stage.is_marked(reply, "white_check_mark")
    stage.phone_shows("Table at eight?", "By the window, if you like.")


async def a_note(stage: Stage) -> None:
    """What begins with an exclamation mark never leaves, also where replies are sent."""
    await stage.set_rule(REPLIES, "send")
    await stage.type("Table at eight?")
    await stage.says("delivered")
    note = await stage.replies_with("!psst, they are regulars")
    reply = await stage.replies_with("See you tonight!")
    await stage.is_marked(note, "lock")
    await stage.is_marked(reply, "white_check_mark")
    stage.phone_shows("Table at eight?", "See you tonight!")


async def ask_and_send(stage: Stage) -> None:
    """A reply waits for one click, where that is the channel's rule."""
    await stage.set_rule(REPLIES, "ask")
    await stage.type("Table at eight?")
    await stage.says("delivered")
    reply = await stage.replies_with("By the window, if you like.")
    await stage.is_marked(reply, "double_vertical_bar")
    await stage.until("the person alone is asked", lambda: stage.question is not None)
    stage.phone_shows("Table at eight?")
    await stage.clicks("Send")
    await stage.is_marked(reply, "white_check_mark")
    await stage.until("the question is gone", lambda: stage.question is None)
    stage.phone_shows("Table at eight?", "By the window, if you like.")


async def killed_before_a_reply_leaves(stage: Stage) -> None:
    """SIGKILL when a reply is stored and waits, as one line sends one text a second."""
    await stage.set_rule(REPLIES, "send")
    await stage.type("Table at eight?")
    await stage.says("delivered")
    first = await stage.replies_with("By the window, if you like.")
    await stage.is_marked(first, "outbox_tray")
    reply = await stage.replies_with("See you tonight!")
    await stage.kill_the_bot_and_start_it_again()
    await stage.is_marked(reply, "white_check_mark")
    await stage.calm()
    stage.phone_shows("Table at eight?", "By the window, if you like.", "See you tonight!")


async def a_photo_from_the_phone(stage: Stage) -> None:
    """SIGKILL while the bot copies what a customer sent."""
    await stage.type("Table at eight?")
    await stage.says("delivered")
    stage.fault("files come slowly", slow_media=2)
    await stage.answers("Is this the one?", PHOTO)
    await stage.until("the bot reads the photo", stage.reads_a_file)
    await stage.kill_the_bot_and_start_it_again()
    await stage.until("the photo stands in the thread", lambda: bool(stage.copies))
    await stage.calm()
    stage.thread_has(PHOTO)
    stage.shown_once("Is this the one?")


async def a_menu_from_the_thread(stage: Stage) -> None:
    """SIGKILL while the bot copies what a person shared in the thread."""
    await stage.set_rule(REPLIES, "send")
    await stage.type("Table at eight?")
    await stage.says("delivered")
    stage.slack_fault("files come slowly", slow_download=2)
    reply = await stage.replies_with("Here is the menu.", MENU)
    await stage.until("the bot reads the menu", stage.reads_a_file)
    await stage.kill_the_bot_and_start_it_again()
    await stage.is_marked(reply, "white_check_mark")
    await stage.calm()
    stage.phone_shows("Table at eight?", "Here is the menu.")
    stage.phone_has(MENU)


async def a_night_away(stage: Stage) -> None:
    """The bot is gone while a customer writes: it reads Sendblue's list when it is back."""

    async def writes() -> None:
        for words in ("Are you open on Sunday?", "We would be six", "Hello?"):
            await asyncio.sleep(0.7)  # so that one sees them arrive on the phone, and nothing in Slack
            await stage.answers(words)

    await stage.type("Table at eight?")
    await stage.says("delivered")
    await stage.kill_the_bot_and_start_it_again(writes)
    await stage.says("are you open", "we would be six", "hello?")
    await stage.calm()
    stage.shown_once("Are you open on Sunday?", "We would be six", "Hello?")


async def stop(stage: Stage) -> None:
    """After STOP nothing is sent, and the command says why."""
    await stage.type("Our autumn menu is here.")
    await stage.says("delivered")
    await stage.answers("STOP")
    await stage.says("opted out")
    answer = await stage.type("One more thing")
    stage.promise("the command says that they opted out", holds="opted out" in answer.text)
    await stage.calm()
    stage.one_bubble()


async def no_answer(stage: Stage) -> None:
    """Sendblue takes the text and never answers: nobody knows, so nobody sends again."""
    words = "Sendblue takes the text but never answers, and its callbacks are late"
    stage.fault(words, hang_after_accept=True, delay_callbacks=7, list_lag=60)
    await stage.type("Running ten minutes late?")
    await stage.bubble_arrives()
    await stage.says("don't know yet")
    stage.one_bubble()
    await stage.says("delivered")
    stage.one_bubble()


async def slack_is_away(stage: Stage) -> None:
    """First busy, then down: the thread catches up, and nothing leaves unreported."""
    stage.slack_fault("Slack says 429 to every post", rate_limited=True)
    await stage.type("Window or terrace?")
    await asyncio.sleep(1.5)
    stage.slack_fault("Slack is down", rate_limited=False, down=True)
    await asyncio.sleep(2)
    stage.no_bubble()
    stage.slack_fault("Slack is back", down=False)
    await stage.says("delivered")
    stage.one_bubble()


async def killed_while_sending(stage: Stage) -> None:
    """SIGKILL between handing over the text and hearing that it was taken."""
    words = "Sendblue takes the text but does not answer, and its callbacks are late"
    stage.fault(words, hang_after_accept=True, delay_callbacks=4)
    await stage.type("The kitchen closes at ten.")
    await stage.bubble_arrives()
    await stage.kill_the_bot_and_start_it_again()
    await stage.says("delivered")
    stage.one_bubble()


async def not_invited(stage: Stage) -> None:
    """A private channel without the bot: there could be no thread, so nothing may leave."""
    stage.in_a_channel_without_the_bot(PRIVATE)
    await stage.type("The surprise is at nine.")
    await stage.until("the person alone is told why", lambda: "not sent" in stage.whispers)
    await stage.calm()
    stage.no_bubble()
    stage.promise("nothing is said in the channel", holds=not stage.said)


SCENES: Mapping[str, Scene] = {
    "A plain text": Scene("The thread goes from Sending to Delivered, as the text does on the phone.", a_plain_text),
    "No iMessage": Scene("The bubble is green, and the thread says SMS and claims no delivery.", no_imessage),
    "All callbacks lost": Scene(
        "No news comes, so the bot asks Sendblue by itself, and the thread still ends at Delivered.",
        lost_callbacks,
    ),
    "Everything twice": Scene(
        "The command comes twice and news three times: one bubble, and the thread says nothing twice.",
        everything_repeated,
    ),
    "Opted out before": Scene("Nothing reaches the phone, and the thread says why.", opted_out),
    "The customer answers": Scene("The answer stands in the thread a moment after it was written.", answered),
    "A reply": Scene("Words typed in the thread reach the phone, and get a ✅ when they are there.", a_reply, REPLIES),
    "A note": Scene("Words that begin with ! get a 🔒 and stay here, while the next ones leave.", a_note, REPLIES),
    "Ask, then send": Scene(
        "A reply waits with a ⏸ until one click on Send, and only who typed it is asked.", ask_and_send, REPLIES
    ),
    "A photo from the phone": Scene(
        "The bot dies while it copies the photo; started again, it shows it once, below its words.",
        a_photo_from_the_phone,
    ),
    "A menu from the thread": Scene(
        "The bot dies while it copies the menu; started again, it sends it once, with its words.",
        a_menu_from_the_thread,
        REPLIES,
    ),
    "A night away": Scene(
        "Three answers come while the bot is dead; started again, it shows each once, in order.", a_night_away
    ),
    "STOP": Scene("The thread says that they opted out, and the next command is refused.", stop),
    "Sendblue never answers": Scene(
        "The thread admits that nobody knows until the truth is found, and there is never a second bubble.", no_answer
    ),
    "Slack busy, then down": Scene(
        "No text leaves while it could not be reported; once Slack is back, the thread catches up.", slack_is_away
    ),
    "Killed while sending": Scene(
        "Started again, the bot finds out what became of the text, and sends nothing twice.", killed_while_sending
    ),
    "Killed before a reply leaves": Scene(
        "The second reply is stored when the bot dies; started again, it sends it once.",
        killed_before_a_reply_leaves,
        REPLIES,
    ),
    "A channel without the bot": Scene(
        "Nothing leaves, and only the person who typed is told why.", not_invited, PRIVATE
    ),
}
