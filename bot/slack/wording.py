"""Every post people read in Slack, with its blocks. Pure.

Whatever came from outside (the text, a vendor's explanation) is escaped or sits in an element that formats nothing,
so it can neither ping nor pose as a link. The plain `text` of each post says all that its blocks say: it is what
screen readers and notifications use. Shapes and limits are Slack's, from its Block Kit reference.
"""

from datetime import date, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from bot.domain.attention import CHANNEL, is_old
from bot.domain.delivery import Delivery, News
from bot.domain.message import Message, Notice
from bot.domain.number import mask
from bot.domain.rules import Replies
from bot.domain.send import Send
from bot.domain.thread import Thread
from bot.files.kinds import KINDS, safe_name
from bot.slack.cards import card_lines
from bot.slack.markup import escape, shorten, shorten_markup, when
from bot.slack.reasons import CAN_BE_TRIED_AGAIN, not_copied
from bot.slack.sentences import NOTICES, news, of_part, status_line

_NOW = timedelta(minutes=1)  # what was said no longer ago than this is said now
_ELSEWHERE = {
    Notice.ELSEWHERE: "Sent from elsewhere",
    Notice.OURS: "Correction: this was sent from here, not from elsewhere",
}
_DELETED = "(text deleted)"
RESEND, LEAVE = "resend", "leave"  # the buttons' action ids; their value is the send's id
COPY_AGAIN = "copy_again"  # whose value is the file's id
Block: TypeAlias = dict[str, Any]  # or a part of one, as Slack takes it


class Post(Struct, frozen=True):
    """What one Slack message says, with blocks for the eye and text for everything else."""

    text: str
    blocks: list[Block]
    broadcast: bool = False  # a reply that is shown in the channel, too


def root(thread: Thread, *, watched_for: timedelta, address: str = "", rule: Replies = Replies.ASK) -> Post:
    """Return the root of a thread: who texts whom, the text, how it stands, and how the conversation does.

    address: the workspace's, for links. rule: of channels that have none of their own.
    """
    text, blocks = _customers_root(thread) if thread.message.inbound else _teams_root(thread, watched_for)
    if card := card_lines(thread, watched_for=watched_for, address=address, rule=rule):
        text = f"{shorten_markup(text, 3_000)}\n{shorten_markup(' · '.join(card), 890)}"
        blocks.append(_context(card))
    return Post(shorten_markup(text, 3_900), blocks, thread.message.calls == CHANNEL)  # chat.update takes 4,000


def _teams_root(thread: Thread, watched_for: timedelta) -> tuple[str, list[Block]]:
    lead, moved = thread.lead.words, "↪️ Reported here because I can't post where you asked"
    whole = _DELETED if thread.forgotten else thread.message.text
    title = f"<@{thread.message.author}>" + ("" if thread.thread_ts else f" to {mask(thread.customer)}")
    notes = [moved] if thread.moved else []
    notes += [f"Style: {escape(lead.style)}"] if lead.style else []
    notes += [f"Picture: {escape(shorten(lead.media_url, 300))}"] if lead.media_url else []
    notes.append(status_line(thread.sends, watched_for=watched_for))
    blocks = [section(f"*{title}*")]
    if whole:
        blocks.append(quoted([literal(shorten(whole, 2_000))]))  # a post may hold about 13,000 characters in all
    blocks.append(_context(notes))
    said = f"Text from {title}: “{escape(shorten(whole, 500))}”" if whole else f"Picture from {title}"
    return " · ".join([said, *notes]), blocks


def _customers_root(thread: Thread) -> tuple[str, list[Block]]:
    """Return the root of a thread that a customer began."""
    said, group = thread.message, thread.customer.startswith("group:")
    title = "A group" if group else mask(thread.customer)
    title = f"{title} wrote to {mask(thread.line)}"
    notes = [when(said.said_at), *(["I can show what a group writes, but not answer it."] if group else [])]
    words = [_DELETED] if thread.forgotten else [said.words, *_files(said)]
    text = f"{title}: {escape(' '.join(filter(None, words)))}"
    blocks = [section(f"*{title}*"), quoted([literal("\n".join(filter(None, words)))])]
    notices = _notice(said) if said.notice in NOTICES else []
    text = "\n".join([text, *([notice_of(said)] if notices else [])])
    return text, [*blocks, _context(notes), *notices]


def said(thread: Thread, *, now: datetime) -> Post:
    """Return the reply that shows what the customer said, exactly; nothing in it can ping anybody or pose as a link."""
    who = "Group" if thread.customer.startswith("group:") else mask(thread.customer)
    showing = [one for one in thread.unshown if one.showing]
    spoken, noticed = [one for one in showing if one.inbound], [one for one in showing if one.notice in NOTICES]
    lines, elements = list[str](), list[Block]()
    called = {one.calls for one in spoken if one.calls and not is_old(one.said_at, now)}
    mentioned = next(iter(sorted(called - {CHANNEL})), "")  # never both
    for one in spoken:
        words = "\n".join(filter(None, [one.words, *_files(one)]))
        late = now - one.said_at > _NOW
        then = " " if one.notice is Notice.REACTED else ": "
        speaker = _ELSEWHERE.get(one.notice, who)
        lines.append(f"{speaker}{f' ({when(one.said_at)})' if late else ''}{then}{escape(words)}")
        elements.append(literal(f"\n{speaker}" if lines[1:] else speaker) | {"style": {"bold": True}})
        elements += [literal(" ("), _date(one.said_at), literal(")")] if late else []
        elements.append(literal(f"{then}{words}"))
    if mentioned:
        lines.append(f"cc <@{mentioned}>")
        elements += [literal("\ncc "), {"type": "user", "user_id": mentioned}]
    section = {"type": "rich_text_section", "elements": elements}
    blocks = [{"type": "rich_text", "elements": [section]}] if elements else []
    text = "\n".join([*lines, *map(notice_of, noticed)])
    notices = [block for one in noticed for block in _notice(one)]
    broadcast = not mentioned and CHANNEL in called
    return Post(shorten_markup(text, 39_000), [*blocks, *notices], broadcast)


def notice_of(said: Message) -> str:
    """Return what a message changed about texting its customer, what somebody decided about it, or what it lacks."""
    if said.notice is Notice.NOT_COPIED:
        code, _, until = said.text.partition(" ")
        again = "" if not until else f" I keep trying until {date.fromisoformat(until):%b %-d}."
        return f"📎 I could not copy a file of theirs: {not_copied(code)}{again}"
    return NOTICES[said.notice].format(who=f"<@{said.author}>")


def _notice(said: Message) -> list[Block]:
    value, buttons = said.id.hex, list[Block]()
    if said.notice in (Notice.STOPPED, Notice.OPTED_OUT):
        sure = {
            "title": plain("Did they ask to continue?"),
            "text": plain("Texting somebody who asked you to stop is against the law in many places."),
            "confirm": plain("They asked to continue"),
            "deny": plain("Cancel"),
        }
        buttons = [button("Undo (they asked to continue)", Notice.UNDONE, value) | {"confirm": sure}]
    elif said.notice is Notice.ASKS:
        buttons = [
            button("Opt out this person", Notice.OPTED_OUT, value) | {"style": "danger"},
            button("Keep texting", Notice.KEPT, value),
        ]
    elif said.notice is Notice.NOT_COPIED:
        buttons = [button("Try again", COPY_AGAIN, value)]
    return [_context([notice_of(said)]), *([{"type": "actions", "elements": buttons}] if buttons else [])]


def _files(said: Message) -> list[str]:
    return [f"📎 {named(url)}" for url in said.files.splitlines()]


def named(address: str) -> str:
    """Return what a customer's file is, and its name, by where it is kept: what is in it is not known yet."""
    name = unquote(urlsplit(address).path.rpartition("/")[2])
    kind = KINDS.get(name.rpartition(".")[2].lower(), KINDS["bin"])
    return f"{kind.what.capitalize()} ({safe_name(name, kind)})" if name else kind.what.capitalize()


def reply(thread: Thread, *, watched_for: timedelta) -> Post:
    """Return all news that the thread was not told yet, in one reply."""
    telling = [send for send in thread.sends if send.telling.under_way]
    text = "\n".join(of_part(send.words, news(send, watched_for=watched_for)) for send in telling)
    if thread.thread_ts:  # one of several texts there
        who = f"<@{thread.message.author}>, about" if thread.is_typed else "About"
        text = f"{who} “{escape(shorten(thread.message.text or 'your file', 60))}”:\n{text}"
    undecided = [send for send in telling if _can_be_decided(send)]
    return Post(text, [section(text), *map(_buttons, undecided[:40])])


def _can_be_decided(send: Send) -> bool:
    """Whether the reply that tells about this send offers buttons."""
    known, telling = send.known, send.telling.under_way
    if send.decision is not None:
        return False
    if known.delivery is Delivery.UNCERTAIN:
        return News.ASKED in telling
    return News.FAILED in telling and not known.was_taken and known.error_code in CAN_BE_TRIED_AGAIN


def _buttons(send: Send) -> Block:
    value, of = send.id.hex, f" part {send.words.part}" if send.words.parts > 1 else ""
    if send.known.delivery is Delivery.FAILED:
        return {"type": "actions", "elements": [button(f"Try{of} again", RESEND, value)]}
    sure = {
        "title": plain("Send it again?"),
        "text": plain("If the first text was sent after all, the customer gets it twice."),
        "confirm": plain("Send again"),
        "deny": plain("Cancel"),
    }
    again = button(f"Send{of} again", RESEND, value) | {"style": "danger", "confirm": sure}
    return {"type": "actions", "elements": [again, button("Leave it", LEAVE, value)]}


def literal(text: str) -> Block:
    """Return text in which nothing is markup."""
    return {"type": "text", "text": text}


def _date(at: datetime) -> Block:
    shown = f"{at:%b %-d, %H:%M} UTC"
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} at {time}",
        "fallback": shown,
    }


def quoted(elements: list[Block]) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": elements}]}


def _context(notes: list[str]) -> Block:
    return {"type": "context", "elements": [_mrkdwn(note, 2_000) for note in notes]}


def section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text, 3_000)}


def button(label: str, action: str, value: str) -> Block:
    return {"type": "button", "text": plain(label), "action_id": action, "value": value}


def _mrkdwn(text: str, longest: int) -> Block:
    return {"type": "mrkdwn", "text": shorten_markup(text, longest), "verbatim": True}


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}
