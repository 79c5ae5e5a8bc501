"""Every sentence and block people read in Slack. Pure.

Whatever came from outside (the text, a vendor's explanation) is escaped or sits in an element that formats nothing,
so it can neither ping nor pose as a link. The plain `text` of each post says all that its blocks say: it is what
screen readers and notifications use. Limits are Slack's, from its Block Kit reference; the SDK's models check them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    MarkdownTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextQuoteElement,
    SectionBlock,
)

from bot.domain.delivery import Delivery, News
from bot.domain.message import Message
from bot.domain.thread import Thread
from bot.slack.markup import escape, mask, shorten, shorten_markup
from bot.slack.reasons import CAN_BE_TRIED_AGAIN
from bot.slack.sentences import news, of_part, status_line

RESEND, LEAVE = "resend", "leave"
"""The buttons' action ids. Their value is the message's id."""

_SHOWN_TEXT = 2_000  # characters of a long text shown in the root; a post may hold about 13,000 in all


@dataclass(frozen=True, slots=True)
class Post:
    """What one Slack message says, with blocks for the eye and text for everything else."""

    text: str
    blocks: list[dict[str, Any]]


def root(thread: Thread, *, watched_for: timedelta) -> Post:
    """Return the message a thread hangs from: who texts whom, the text, how it stands."""
    lead = thread.lead
    whole = "".join(message.text for message in _parts_of(thread, lead))
    shown = shorten(whole, _SHOWN_TEXT)
    status = status_line(thread.messages, watched_for=watched_for)
    title = f"<@{thread.sender}> to {mask(lead.recipient)}"
    notes = _root_notes(thread)
    blocks: list[Block] = [_section(f"*{title}*")]
    if shown:
        quote = RichTextQuoteElement(elements=[RichTextElementParts.Text(text=shown)])
        blocks.append(RichTextBlock(elements=[quote]))
    blocks.append(_context([*notes, status]))
    said = f"Text from {title}: “{escape(shorten(whole, 500))}”" if whole else f"Picture from {title}"
    text = shorten_markup(" · ".join([said, *notes, status]), 3_900)  # chat.update takes 4,000
    return Post(text, [block.to_dict() for block in blocks])


def reply(thread: Thread, *, watched_for: timedelta) -> Post:
    """Return all that the thread was not told yet, in one reply."""
    sentences = [
        of_part(message, news(message, watched_for=watched_for)) for message in thread.messages if message.telling
    ]
    text = "\n".join(sentences)
    blocks: list[Block] = [_section(text)]
    blocks += [_buttons(message) for message in thread.messages if message.telling and can_be_decided(message)][:40]
    return Post(text, [block.to_dict() for block in blocks])


def can_be_decided(message: Message) -> bool:
    """Whether the reply that tells about this message offers buttons."""
    if message.decision:
        return False
    if message.delivery is Delivery.UNCERTAIN:
        return News.ASKED in message.telling
    return News.FAILED in message.telling and message.handle is None and message.error_code in CAN_BE_TRIED_AGAIN


def _buttons(message: Message) -> ActionsBlock:
    value, of = message.id.hex, f" part {message.part}" if message.parts > 1 else ""
    if message.delivery is Delivery.FAILED:
        return ActionsBlock(elements=[ButtonElement(text=f"Try{of} again", action_id=RESEND, value=value)])
    sure = ConfirmObject(
        title="Send it again?",
        text="If the first one went out after all, the customer gets it twice.",
        confirm="Send again",
        deny="Cancel",
    )
    again = ButtonElement(text=f"Send{of} again", action_id=RESEND, value=value, style="danger", confirm=sure)
    return ActionsBlock(elements=[again, ButtonElement(text="Leave it", action_id=LEAVE, value=value)])


def _root_notes(thread: Thread) -> list[str]:
    notes = []
    if thread.moved:
        notes.append("↪️ Reported here because I can't post where you asked")
    if thread.lead.style:
        notes.append(f"Style: {escape(thread.lead.style)}")
    if thread.lead.media_url:
        notes.append(f"Picture: {escape(shorten(thread.lead.media_url, 300))}")
    return notes


def _parts_of(thread: Thread, lead: Message) -> list[Message]:
    return [message for message in thread.messages if message.accepted_at == lead.accepted_at]


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=shorten_markup(text, 3_000), verbatim=True))


def _context(lines: Sequence[str]) -> ContextBlock:
    return ContextBlock(
        elements=[MarkdownTextObject(text=shorten_markup(line, 2_000), verbatim=True) for line in lines]
    )
