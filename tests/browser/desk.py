"""A person in front of the page: what they do, what they see, and what is true behind it."""

from dataclasses import dataclass, field

from playwright.async_api import Locator, Page

from sandbox.sendblue import PhoneMessage
from sandbox.slack import SlackMessage
from sandbox.world import World


@dataclass
class Desk:
    """One page, and one customer (`number`, E.164) whom no other test knows.

    `complaints` (console errors and exceptions) must be empty at the end; `requests` are the addresses asked.
    """

    page: Page
    world: World
    number: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def type(self, text: str) -> None:
        """Write into the composer and press Enter."""
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def text(self, words: str) -> None:
        """Text this test's customer."""
        await self.type(f"/imessage {self.number} {words}")

    async def answer(self, words: str) -> None:
        """Write back as the customer whose phone is shown."""
        await self.page.get_by_label("Answer as the customer").fill(words)
        await self.page.get_by_label("Answer as the customer").press("Enter")

    async def reply(self, words: str) -> Locator:
        """Type in the open thread, and return what was typed, whatever becomes of its words."""
        box = self.page.get_by_label("Reply in the thread")
        await box.fill(words)
        await box.press("Enter")
        people = self.replies.and_(self.page.locator(':not([data-author="bot"])'))
        ts = await people.filter(has_text=words).last.get_attribute("data-ts")
        return self.replies.and_(self.page.locator(f'[data-ts="{ts}"]'))

    async def act_as(self, name: str) -> None:
        """Be somebody else."""
        await self.page.get_by_label("Act as").select_option(name)

    async def switch_on(self, *faults: str) -> None:
        """Flip fault switches, such as `sendblue-sms`."""
        for fault in faults:
            await self.page.get_by_test_id(f"fault-{fault}").check()

    async def sees_the_bot(self, state: str) -> None:
        """Wait until the page says that the bot is `up` or `down`."""
        await self.page.locator(f'[data-testid="bot-state"][data-state="{state}"]').wait_for()

    @property
    def masked(self) -> str:
        """The customer as threads name them."""
        return f"+1 ••• {self.number[-4:]}"

    @property
    def composer(self) -> Locator:
        return self.page.get_by_test_id("composer")

    @property
    def root(self) -> Locator:
        """The root in the open thread, if that thread is about this test's customer."""
        return self.page.get_by_test_id("thread-root").filter(has_text=self.masked)

    @property
    def status(self) -> Locator:
        """The line of the root that says how the text is doing."""
        return self.root.get_by_test_id("root-status")

    @property
    def replies(self) -> Locator:
        """What the open thread says below its root, if that thread is about this test's customer."""
        return self.page.get_by_test_id("thread").filter(has=self.root).get_by_test_id("thread-reply")

    @property
    def whisper(self) -> Locator:
        """The newest thing that only the person sees."""
        return self.page.get_by_test_id("ephemeral").last

    @property
    def question(self) -> Locator:
        """What the open thread says to the person alone who acts."""
        return self.page.get_by_test_id("thread").filter(has=self.root).get_by_test_id("thread-ephemeral")

    @property
    def announced(self) -> Locator:
        """The bot's messages about this test's customer in the open channel."""
        return self.page.locator('#messages [data-author="bot"]').filter(has_text=self.masked)

    @property
    def phone(self) -> Locator:
        """The phone's screen, if it shows the conversation with this test's customer."""
        whose = self.page.locator(".phone-number", has_text=self.number[-4:])
        return self.page.locator("#phone").filter(has=whose)

    @property
    def bubbles(self) -> Locator:
        return self.phone.get_by_test_id("bubble")

    @property
    def tick(self) -> Locator:
        """The small words under the newest text on the phone."""
        return self.phone.get_by_test_id("bubble-status").last

    @property
    def sent(self) -> list[PhoneMessage]:
        """The texts that really reached this customer."""
        return [text for text in self.world.sendblue.messages if text.number == self.number and text.outbound]

    @property
    def roots(self) -> list[SlackMessage]:
        """The threads that really were opened for this customer, anywhere."""
        slack = self.world.slack
        everywhere = [message for channel in slack.snapshot()["channels"] for message in slack.messages(channel["id"])]
        return [message for message in everywhere if message.bot_id and self.masked in message.text]
