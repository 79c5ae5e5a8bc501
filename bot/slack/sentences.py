"""How a message stands, and what is new about it: each state's words, once, with a sign before them. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from bot.domain.delivery import OUTCOMES, Delivery, HandleFrom, News, Service, milestone
from bot.domain.message import Message
from bot.slack.markup import span, when
from bot.slack.reasons import doubt, reason, wait


class _State(NamedTuple):
    """What the root says while a message stands so, and what a reply says when that is new."""

    root: str
    reply: str


def _state(sentence: str) -> _State:
    """Return a state that both say alike: only the root in bold type, only the reply with "after all"."""
    return _State(sentence.replace("{after_all}", ""), sentence.replace("*", ""))


_STOPPED = "I've stopped asking; if news comes later, I'll post it here."

_STATES = {
    News.READ: _state("👀 *Read*{after_all}{how} · {at}"),
    News.DELIVERED: _state("✅ *Delivered*{after_all}{how} · {at}"),
    News.FAILED: _state("❌ *{failed}* · {at}: {reason}"),
    News.DECIDED: _State("❓ *Not known whether it went out* · {decided}", "☝️ {decided}"),
    News.UNCONFIRMED: _State(
        "⚠️ *Taken by Sendblue, not sent*, no more news for {watched}",
        f"⚠️ No news after {{watched}}: Sendblue took it and never said that it was sent. {_STOPPED}",
    ),
    News.ASKED: _State(
        "",
        "❓ I still can't find out whether this went out. Please decide: send it again or leave it. "
        "If you can, ask the customer first.",
    ),
    News.SENT_AS_SMS: _State(
        "✅ *Sent*{how} · {at}",
        "✅ Sent{service}{instead}{lost} · {at}. SMS gives no further confirmation, so this is the last news.",
    ),
    News.SENT: _state("📨 *Sent*{after_all}{how} · {at}{waiting}"),
    News.FOUND: _State("", "📨 Sendblue has it after all. I'll post here when it is sent."),
    News.UNCERTAIN: _State(
        "❓ *Not known yet whether it went out*. I won't send it again automatically.",
        "❓ We don't know yet whether this went out: {doubt}. I won't send it again automatically, so that nobody is "
        "texted twice. I'll post here what I find out.",
    ),
    News.PICTURE_LOST: _State("", "🖼️ The text was sent without the picture: Sendblue could not fetch it."),
    News.NONE: _State("🕓 *Sending …*", ""),
}
"""The newest first. Where the root's words are empty, it says how far the message came, whatever else is new."""

_UNCONFIRMED = {
    Delivery.UNCERTAIN: _State(
        "⚠️ *Not known whether it went out*, no more news for {watched}",
        "⚠️ After {watched} it is still not known whether this went out. "
        "Please ask the customer before you send it again.",
    ),
    Delivery.SENT: _State(
        "⚠️ *Sent{how}, not confirmed*, no more news for {watched}",
        "⚠️ No delivery confirmation after {watched}. It was sent{how}, but the phone may be off or out of reach. "
        + _STOPPED,
    ),
}
"""How UNCONFIRMED reads for a message that stands there."""

_SERVICES = {Service.IMESSAGE: " as iMessage", Service.RCS: " as RCS", Service.SMS: " as a text message (SMS)"}
_WENT_OUT = News.READ | News.DELIVERED | News.SENT | News.SENT_AS_SMS


def status_line(messages: Sequence[Message], *, watched_for: timedelta) -> str:
    """Return how the messages of a thread stand, the first forty of them, a line each."""
    if len(messages) == 1:
        return _status(messages[0], watched_for)
    return "\n".join(of_part(message, _status(message, watched_for)) for message in messages[:40])


def _status(message: Message, watched_for: timedelta) -> str:
    news = milestone(message.delivery, message.service, doubted=False)
    if _stands_unconfirmed(message, watched_for):
        news = News.UNCONFIRMED
    elif message.decision and message.delivery is Delivery.UNCERTAIN:
        news = News.DECIDED
    elif message.error_code and message.delivery is Delivery.ACCEPTED:
        return f"🕓 *Not sent yet*: {wait(message)}"
    return _filled(_state_of(message, news).root, message, watched_for)


def _stands_unconfirmed(message: Message, watched_for: timedelta) -> bool:
    """Whether the last thing known is older than the end of the watch; what came later speaks for itself."""
    if not message.unconfirmed or message.is_final or message.since > message.accepted_at + watched_for:
        return False
    sent_since = News.UNCONFIRMED in message.told and News.SENT not in message.told
    return not (message.delivery is Delivery.SENT and sent_since)


def news(message: Message, *, watched_for: timedelta) -> str:
    """Say what is being told (`message.telling`). The newest milestone speaks for those before it."""
    newest = next(one for one in _STATES if one in message.telling)
    sentence = _filled(_state_of(message, newest).reply, message, watched_for)
    if message.handle_from is HandleFrom.CORRECTED and message.telling & OUTCOMES:
        return f"⚠️ Correction: what I reported before was about another text. {sentence}"
    if message.decision != "resend" or not message.telling & (_WENT_OUT | News.FOUND):
        return sentence
    if News.FOUND in message.telling:
        return "⚠️ Sendblue has the first try after all, so the customer may get it twice."
    if message.told & _WENT_OUT:
        return f"First try: {sentence}"
    return _filled("⚠️ The first try went out too{how}, so the customer has it twice.", message, watched_for)


def _state_of(message: Message, news: News) -> _State:
    special = _UNCONFIRMED.get(message.delivery) if news is News.UNCONFIRMED else None
    return special or _STATES[news]


def _filled(sentence: str, message: Message, watched_for: timedelta) -> str:
    service = _SERVICES.get(message.service, "")
    lost = " without the picture" if message.picture_lost else ""
    after_all = " after all" if message.told & (News.FAILED | News.UNCERTAIN | News.UNCONFIRMED) else ""
    return sentence.format(
        at=when(message.since),
        service=service,
        how=service + lost,
        lost=lost and f",{lost}",
        after_all=after_all,
        instead=" instead" if News.SENT in message.told else after_all,
        waiting="" if message.unconfirmed else ". Waiting for the phone to confirm.",
        failed="Failed" if message.was_taken else "Not sent",  # by Sendblue's word; for certain
        reason=reason(message),
        doubt=doubt(message),
        decided=f"<@{message.decided_by}> {what_was_decided(message)} · {when(message.decided_at or message.since)}",
        watched=span(watched_for),
    )


def of_part(message: Message, sentence: str) -> str:
    """Say which part or try a sentence is about, where there are several."""
    labels = [f"Part {message.part} of {message.parts}"] if message.parts > 1 else []
    labels += ["second try"] if message.again_of else []
    label = ", ".join(labels)
    return f"{label[0].upper()}{label[1:]}: {sentence}" if label else sentence


def what_was_decided(message: Message) -> str:
    return "sent it again" if message.decision == "resend" else "left it as it is"
