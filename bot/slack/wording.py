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
    Block,
    ContextBlock,
    MarkdownTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextQuoteElement,
    SectionBlock,
)

from bot.domain.delivery import Delivery, News, Service
from bot.domain.message import Message
from bot.domain.thread import Thread
from bot.slack.markup import escape, mask, shorten, span, when
from bot.slack.reasons import reason

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
    text = shorten(" · ".join([said, *notes, status]), 3_900)  # chat.update takes 4,000
    return Post(text, [block.to_dict() for block in blocks])


def reply(thread: Thread, *, watched_for: timedelta) -> Post:
    """Return all that the thread was not told yet, in one reply."""
    sentences = [_of_part(message, _news(message, watched_for)) for message in thread.messages if message.telling]
    text = "\n".join(sentences)
    return Post(text, [_section(text).to_dict()])


def status_line(messages: Sequence[Message], *, watched_for: timedelta) -> str:
    """Return how the messages of a thread stand, in words with a sign before them."""
    if len(messages) == 1:
        return _status(messages[0], watched_for)
    return "\n".join(_of_part(message, _status(message, watched_for)) for message in messages[:40])


def _status(message: Message, watched_for: timedelta) -> str:
    at, how = when(message.since), _how(message)
    match message.delivery:
        case Delivery.FAILED:
            return f"❌ *{_failed_word(message)}* · {at}: {reason(message)}"
        case Delivery.DELIVERED:
            return f"✅ *Delivered*{how} · {at}"
        case Delivery.READ:
            return f"👀 *Read*{how} · {at}"
        case _ if message.unconfirmed and not message.is_final:
            return f"⚠️ *{_last_known(message)}*, nothing more for {span(watched_for)}"
        case Delivery.SENT if message.service is Service.SMS:
            return f"✅ *Sent*{how} · {at}"
        case Delivery.SENT:
            return f"📨 *Sent*{how} · {at}. Waiting for the phone to confirm."
        case Delivery.UNCERTAIN:
            return "❓ *Not known yet whether it went out*. I won't send it again by myself."
        case _:
            return "🕓 *Sending …*"


def _news(message: Message, watched_for: timedelta) -> str:
    """Say what is being told. The newest milestone speaks for those before it."""
    at, how, telling = when(message.since), _how(message), message.telling
    after_all = " after all" if message.told & (News.FAILED | News.UNCERTAIN | News.UNCONFIRMED) else ""
    if News.READ in telling:
        return f"👀 Read{after_all}{how} · {at}"
    if News.DELIVERED in telling:
        return f"✅ Delivered{after_all}{how} · {at}"
    if News.FAILED in telling:
        return f"❌ {_failed_word(message)} · {at}: {reason(message)}"
    if News.UNCONFIRMED in telling:
        return f"⚠️ {_unconfirmed(message, span(watched_for))}"
    if News.SENT_AS_SMS in telling:
        instead = " instead" if News.SENT in message.told else after_all
        return f"✅ Sent{how}{instead} · {at}. SMS confirms nothing further, so this is the last news."
    if News.SENT in telling:
        return f"📨 Sent{after_all}{how} · {at}. Waiting for the phone to confirm."
    if News.FOUND in telling:
        return "📨 Sendblue has it after all. I'll report when it is on its way."
    if News.UNCERTAIN in telling:
        return f"❓ {_uncertain(message)}"
    return "🖼️ It went out without the picture: Sendblue could not fetch it."


def _how(message: Message) -> str:
    """` as iMessage without the picture`, or as much of it as is known."""
    names = {Service.IMESSAGE: " as iMessage", Service.RCS: " as RCS", Service.SMS: " as a text message (SMS)"}
    return names.get(message.service, "") + (" without the picture" if message.picture_lost else "")


def _failed_word(message: Message) -> str:
    """A refusal before Sendblue took it is certain; a failure after that is what Sendblue says."""
    return "Failed" if message.handle else "Not sent"


def _last_known(message: Message) -> str:
    if message.delivery is Delivery.UNCERTAIN:
        return "Not known whether it went out"
    return f"Sent{_how(message)}, not confirmed" if message.delivery is Delivery.SENT else "Taken by Sendblue, not sent"


def _unconfirmed(message: Message, watched: str) -> str:
    if message.delivery is Delivery.UNCERTAIN:
        return (
            f"After {watched} it is still not known whether this went out. "
            "Please ask the customer before you send it again."
        )
    if message.delivery is Delivery.SENT:
        return (
            f"No delivery confirmation after {watched}. It was sent{_how(message)}, but the phone may be off or out of "
            "reach. I've stopped asking; should news still come, it will be told here."
        )
    return (
        f"No news after {watched}: Sendblue took it and never said that it was sent. "
        "I've stopped asking; should news still come, it will be told here."
    )


def _uncertain(message: Message) -> str:
    because = {
        "timeout": "Sendblue did not answer in time",
        "connection_lost": "the connection to Sendblue broke off",
        "interrupted": "I was restarted in the middle of sending",
    }.get(message.error_code, "Sendblue gave no clear answer")
    return (
        f"We don't know yet whether this went out: {because}. I won't send it again by myself, so that nobody is "
        "texted twice, and will say here what I find out."
    )


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


def _of_part(message: Message, sentence: str) -> str:
    return f"Part {message.part} of {message.parts}: {sentence}" if message.parts > 1 else sentence


def _section(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=shorten(text, 3_000), verbatim=True))


def _context(lines: Sequence[str]) -> ContextBlock:
    return ContextBlock(elements=[MarkdownTextObject(text=shorten(line, 2_000), verbatim=True) for line in lines])
