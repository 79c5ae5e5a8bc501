"""How a text stands, and what is new about it: each state's words, once, with a sign before them. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.domain.delivery import OUTCOMES, Delivery, HandleFrom, News, Service, milestone
from bot.domain.known import Known
from bot.domain.message import Notice
from bot.domain.send import Decision, Send, Words
from bot.files.kinds import KINDS
from bot.slack.markup import span, when
from bot.slack.reasons import DOUBTS, reason, wait


class _State(NamedTuple):
    root: str  # what the root says while a send stands so
    reply: str  # what a reply says when that is new


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
    News.PICTURE_LOST: _State("", "🖼️ The text was sent without the {what}: Sendblue could not fetch it."),
    News.NONE: _State("🕓 *Sending …*", ""),
}
"""The newest first. Where the root's words are empty, it says how far the send came, whatever else is new."""

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
"""How UNCONFIRMED reads for a send that stands there."""

NOTICES = {
    Notice.STOPPED: "🚫 *Opted out:* no text goes to this number any more, from any of our lines. "
    "One that is on its way may still arrive.",
    Notice.LIFTED: "✅ *Opted in again:* this number may be texted.",
    Notice.ASKS: "⚠️ This may mean that they want no more texts. Please decide.",
    Notice.UNDONE: "✅ {who} noted that they asked to continue: this number may be texted again.",
    Notice.OPTED_OUT: "🚫 {who} opted this number out: no text goes to it any more, from any of our lines.",
    Notice.NOT_COPIED: "",  # `bot.slack.wording` says why
    Notice.SMS: "💬 {who}, your text went as SMS. Nobody reports whether an SMS arrives: on an SMS, ✅ means that it "
    "was sent.",
    Notice.KEPT: "{who} decided to keep texting.",
}
"""What words changed about texting a customer, and what people decided about it."""

_SERVICES = {Service.IMESSAGE: " as iMessage", Service.RCS: " as RCS", Service.SMS: " as a text message (SMS)"}
_WENT_OUT = News.READ | News.DELIVERED | News.SENT | News.SENT_AS_SMS


def status_line(sends: Sequence[Send], *, watched_for: timedelta) -> str:
    """Return how the sends of a thread stand, the first forty of them, a line each."""
    if len(sends) == 1:
        return _status(sends[0], watched_for)
    return "\n".join(of_part(send.words, _status(send, watched_for)) for send in sends[:40])


def _status(send: Send, watched_for: timedelta) -> str:
    known = send.known
    news = milestone(known.delivery, known.service, doubted=False)
    if _stands_unconfirmed(send, watched_for):
        news = News.UNCONFIRMED
    elif send.decision is not None and known.delivery is Delivery.UNCERTAIN:
        news = News.DECIDED
    elif known.error_code and known.delivery is Delivery.ACCEPTED:
        return f"🕓 *Not sent yet*: {wait(send)}"
    return _filled(_state_of(known, news).root, send, watched_for)


def _stands_unconfirmed(send: Send, watched_for: timedelta) -> bool:
    """Whether the last thing known is older than the end of the watch; what came later speaks for itself."""
    known, told = send.known, send.telling.told
    if not known.unconfirmed or known.is_final or known.since > send.words.accepted_at + watched_for:
        return False
    return not (known.delivery is Delivery.SENT and News.UNCONFIRMED in told and News.SENT not in told)


def news(send: Send, *, watched_for: timedelta) -> str:
    """Say what is being told (`Telling.under_way`). The newest milestone speaks for those before it."""
    told, telling = send.telling.told, send.telling.under_way
    newest = next(one for one in _STATES if one in telling)
    sentence = _filled(_state_of(send.known, newest).reply, send, watched_for)
    if send.known.handle_from is HandleFrom.CORRECTED and telling & OUTCOMES:
        return f"⚠️ Correction: what I reported before was about another text. {sentence}"
    repeated = send.decision is not None and send.decision.repeats
    if not (repeated and telling & (_WENT_OUT | News.FOUND)):
        return sentence
    first = send.words.try_number == 1  # the others are named before the sentence
    if News.FOUND in telling:
        return f"⚠️ Sendblue has {'the first try' if first else 'it'} after all, so the customer may get it twice."
    if told & _WENT_OUT:
        return f"First try: {sentence}" if first else sentence
    which = "The first try" if first else "It"
    return _filled(f"⚠️ {which} went out too{{how}}, so the customer has it twice.", send, watched_for)


def _state_of(known: Known, news: News) -> _State:
    special = _UNCONFIRMED.get(known.delivery) if news is News.UNCONFIRMED else None
    return special or _STATES[news]


def _filled(sentence: str, send: Send, watched_for: timedelta) -> str:
    known, told, decision = send.known, send.telling.told, send.decision
    service = _SERVICES.get(known.service, "")
    kind = KINDS.get(urlsplit(send.words.media_url or "").path.rpartition(".")[2].lower())
    what = "picture" if kind is None or kind.mimetype.startswith("image/") else "file"
    lost = f" without the {what}" if known.picture_lost else ""
    after_all = " after all" if told & (News.FAILED | News.UNCERTAIN | News.UNCONFIRMED) else ""
    return sentence.format(
        at=when(known.since),
        service=service,
        how=service + lost,
        lost=lost and f",{lost}",
        what=what,
        after_all=after_all,
        instead=" instead" if News.SENT in told else after_all,
        waiting="" if known.unconfirmed else ". Waiting for the phone to confirm.",
        failed="Failed" if known.was_taken else "Not sent",  # by Sendblue's word; for certain
        reason=reason(known.error_code, known.error_text),
        doubt=DOUBTS.get(known.error_code, "Sendblue gave no clear answer"),
        decided=decision and f"{what_was_decided(decision)} · {when(decision.at)}",
        watched=span(watched_for),
    )


def of_part(words: Words, sentence: str) -> str:
    """Say which part or try a sentence is about, where there are several."""
    labels = [f"part {words.part} of {words.parts}"] if words.parts > 1 else []
    number = words.try_number
    labels += ["second try" if number == 2 else f"try {number}"] if number > 1 else []
    label = ", ".join(labels)
    return f"{label.capitalize()}: {sentence}" if label else sentence


def what_was_decided(decision: Decision, already: str = "") -> str:
    return f"<@{decision.by}> {already}{'sent it again' if decision.repeats else 'left it as it is'}"
