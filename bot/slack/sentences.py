"""How a message stands, and what is new about it, in words with a sign before them. Pure."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bot.domain.delivery import OUTCOMES, Delivery, HandleFrom, News, Service
from bot.domain.message import Message
from bot.slack.markup import clock_time, span, when
from bot.slack.reasons import LINE_BUSY, reason, wait


def status_line(messages: Sequence[Message], *, watched_for: timedelta) -> str:
    """Return how the messages of a thread stand, in words with a sign before them."""
    if len(messages) == 1:
        return _status(messages[0], watched_for)
    return "\n".join(of_part(message, _status(message, watched_for)) for message in messages[:40])


def _status(message: Message, watched_for: timedelta) -> str:
    at, how = when(message.since), _how(message)
    match message.delivery:
        case Delivery.FAILED:
            return f"❌ *{_failed_word(message)}* · {at}: {reason(message)}"
        case Delivery.DELIVERED:
            return f"✅ *Delivered*{how} · {at}"
        case Delivery.READ:
            return f"👀 *Read*{how} · {at}"
        case _ if _stands_unconfirmed(message, watched_for):
            return f"⚠️ *{_last_known(message)}*, no more news for {span(watched_for)}"
        case Delivery.SENT if message.service is Service.SMS:
            return f"✅ *Sent*{how} · {at}"
        case Delivery.SENT:
            return f"📨 *Sent*{how} · {at}{_waiting(message)}"
        case Delivery.UNCERTAIN if message.decision:
            return f"❓ *Not known whether it went out* · {decided(message)}"
        case Delivery.UNCERTAIN:
            return "❓ *Not known yet whether it went out*. I won't send it again automatically."
        case Delivery.ACCEPTED if message.error_code:
            return f"🕓 *Not sent yet*: {wait(message)}, {_next_try(message)}"
        case _:
            return "🕓 *Sending …*"


def _next_try(message: Message) -> str:
    if message.error_code == LINE_BUSY or message.lease_until is None:
        return "and other texts go first."
    return f"trying again at {clock_time(message.lease_until)}."


def _how(message: Message) -> str:
    """` as iMessage without the picture`, or as much of it as is known."""
    return _as(message) + (" without the picture" if message.picture_lost else "")


def _as(message: Message) -> str:
    names = {Service.IMESSAGE: " as iMessage", Service.RCS: " as RCS", Service.SMS: " as a text message (SMS)"}
    return names.get(message.service, "")


def _waiting(message: Message) -> str:
    return "" if message.unconfirmed else ". Waiting for the phone to confirm."


def _stands_unconfirmed(message: Message, watched_for: timedelta) -> bool:
    """Whether the last thing known is older than the end of the watch; what came later speaks for itself."""
    if not message.unconfirmed or message.is_final or message.since > message.accepted_at + watched_for:
        return False
    sent_since = News.UNCONFIRMED in message.told and News.SENT not in message.told
    return not (message.delivery is Delivery.SENT and sent_since)


def _failed_word(message: Message) -> str:
    """A refusal before Sendblue took it is certain; a failure after that is what Sendblue says."""
    return "Failed" if message.was_taken else "Not sent"


def _last_known(message: Message) -> str:
    if message.delivery is Delivery.UNCERTAIN:
        return "Not known whether it went out"
    return f"Sent{_how(message)}, not confirmed" if message.delivery is Delivery.SENT else "Taken by Sendblue, not sent"


def news(message: Message, *, watched_for: timedelta) -> str:
    """Say what is being told (`message.telling`). The newest milestone speaks for those before it."""
    said = next((say for milestone, say in _SENTENCES if milestone in message.telling), _picture_lost)
    sentence = said(message, watched_for)
    if message.handle_from is HandleFrom.CORRECTED and message.telling & OUTCOMES:
        return f"⚠️ Correction: what I reported before was about another text. {sentence}"
    if message.decision != "resend" or not message.telling & (_WENT_OUT | News.FOUND):
        return sentence
    if News.FOUND in message.telling:
        return "⚠️ Sendblue has the first try after all, so the customer may get it twice."
    if message.told & _WENT_OUT:
        return f"First try: {sentence}"
    return f"⚠️ The first try went out too{_how(message)}, so the customer has it twice."


_WENT_OUT = News.READ | News.DELIVERED | News.SENT | News.SENT_AS_SMS


def _after_all(message: Message) -> str:
    return " after all" if message.told & (News.FAILED | News.UNCERTAIN | News.UNCONFIRMED) else ""


def _read(message: Message, _: timedelta) -> str:
    return f"👀 Read{_after_all(message)}{_how(message)} · {when(message.since)}"


def _delivered(message: Message, _: timedelta) -> str:
    return f"✅ Delivered{_after_all(message)}{_how(message)} · {when(message.since)}"


def _failed(message: Message, _: timedelta) -> str:
    return f"❌ {_failed_word(message)} · {when(message.since)}: {reason(message)}"


def _sent_as_sms(message: Message, _: timedelta) -> str:
    instead = " instead" if News.SENT in message.told else _after_all(message)
    lost = ", without the picture" if message.picture_lost else ""
    at = when(message.since)
    return f"✅ Sent{_as(message)}{instead}{lost} · {at}. SMS gives no further confirmation, so this is the last news."


def _sent(message: Message, _: timedelta) -> str:
    return f"📨 Sent{_after_all(message)}{_how(message)} · {when(message.since)}{_waiting(message)}"


def _asked(message: Message, _: timedelta) -> str:
    del message
    return (
        "❓ I still can't find out whether this went out. Please decide: send it again or leave it. "
        "If you can, ask the customer first."
    )


def _unconfirmed(message: Message, watched_for: timedelta) -> str:
    watched = span(watched_for)
    if message.delivery is Delivery.UNCERTAIN:
        return (
            f"⚠️ After {watched} it is still not known whether this went out. "
            "Please ask the customer before you send it again."
        )
    if message.delivery is Delivery.SENT:
        return (
            f"⚠️ No delivery confirmation after {watched}. It was sent{_how(message)}, but the phone may be off or out "
            "of reach. I've stopped asking; if news comes later, I'll post it here."
        )
    return (
        f"⚠️ No news after {watched}: Sendblue took it and never said that it was sent. "
        "I've stopped asking; if news comes later, I'll post it here."
    )


def _found(message: Message, _: timedelta) -> str:
    del message
    return "📨 Sendblue has it after all. I'll post here when it is sent."


def _picture_lost(message: Message, _: timedelta) -> str:
    del message
    return "🖼️ The text was sent without the picture: Sendblue could not fetch it."


def _uncertain(message: Message, _: timedelta) -> str:
    because = {
        "timeout": "Sendblue did not answer in time",
        "connection_lost": "the connection to Sendblue broke off",
        "interrupted": "I was restarted in the middle of sending",
        "handle_of_another": "Sendblue took it for an earlier, equal text and may have sent nothing",
    }.get(message.error_code, "Sendblue gave no clear answer")
    return (
        f"❓ We don't know yet whether this went out: {because}. I won't send it again automatically, so "
        "that nobody is texted twice. I'll post here what I find out."
    )


_SENTENCES: tuple[tuple[News, Callable[[Message, timedelta], str]], ...] = (
    (News.READ, _read),
    (News.DELIVERED, _delivered),
    (News.FAILED, _failed),
    (News.DECIDED, lambda message, _: f"☝️ {decided(message)}"),
    (News.UNCONFIRMED, _unconfirmed),
    (News.ASKED, _asked),
    (News.SENT_AS_SMS, _sent_as_sms),
    (News.SENT, _sent),
    (News.FOUND, _found),
    (News.UNCERTAIN, _uncertain),
)
"""The newest first."""


def of_part(message: Message, sentence: str) -> str:
    """Say which part or try a sentence is about, where there are several."""
    labels = [f"Part {message.part} of {message.parts}"] if message.parts > 1 else []
    labels += ["second try"] if message.again_of else []
    label = ", ".join(labels)
    return f"{label[0].upper()}{label[1:]}: {sentence}" if label else sentence


def decided(message: Message) -> str:
    """Say who decided what, and when."""
    what = "sent it again" if message.decision == "resend" else "left it as it is"
    return f"<@{message.decided_by}> {what} · {when(message.decided_at or message.since)}"
