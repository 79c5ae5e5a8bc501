"""What only the person who typed a command reads. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from bot.domain.number import pretty
from bot.domain.send import Send
from bot.domain.thread import Thread
from bot.errors import UsageError
from bot.slack.markup import escape, shorten
from bot.slack.reasons import reason
from bot.slack.sentences import status_line, what_was_decided

NOT_STORED = "Not sent: I could not store your message just now, so nothing will go out. Please send it again."
MAYBE_STORED = (
    "I lost the connection to my database while I stored your message. If no thread appears here within a few minutes, "
    "nothing was sent: then please send it again."
)
CLICK_NOT_STORED = "I could not store your decision just now, so nothing was done. Please click again."


def help_text(lines: Sequence[str], styles: Sequence[str]) -> str:
    return f"""*Text a customer over iMessage*
`/imessage +1 415 555 2671 Table at eight?` sends the text and opens a thread here that follows its delivery.
`/imessage status` shows your last messages, `/imessage status +1 415 555 2671` those to one customer.

*Answer in a customer's thread* in plain words. `!` before them keeps a note for your team; `@bluethread` before them \
sends them whatever the rule is.
`/imessage replies ask|send|mention` sets this channel's rule: I ask you before I send, I send at once, or I send only \
what begins with @bluethread. `/imessage replies` shows it.

Options, before or after the number:
• `--media https://example.com/menu.png` adds a picture, a sound, a video or a contact card (a public link)
• `--from {"|".join(lines)}` sends from this line
• `--style confetti` adds an effect on iMessage: {", ".join(styles)}

You can put the number in quotes: `/imessage "(415) 555-2671" Table at eight?`
Your text is sent exactly as you type it."""


def accepted(recipient: str, parts: int, link: str = "") -> str:
    """Return the promise. It is given once the message is stored. link: to the thread it goes into."""
    split = f" It is long, so it is cut into {parts} parts." if parts > 1 else ""
    told = (
        f"I'll tell you what happens to it in <{link}|the customer's thread>."
        if link
        else "I'll tell you what happens to it."
    )
    return f"Got it: your text to {pretty(recipient)} is stored.{split} {told}"


def usage(error: UsageError) -> str:
    sentence = str(error)
    return f"Not sent: {sentence}" if error.about_sending else sentence[0].upper() + sentence[1:]


def status(sends: Sequence[Send], *, watched_for: timedelta, recipient: str | None) -> str:
    """Return a person's last texts, newest first, two lines for each part and each try."""
    whom = f" to {pretty(recipient)}" if recipient else ""
    if not sends:
        return f"You have not sent anything{whom} yet. Try `/imessage help`."
    said = [f"*Your last messages{whom}*"]
    for send in sends:
        text = f"“{escape(shorten(send.words.text, 60))}”" if send.words.text else "a file"
        said.append(f"{pretty(send.words.recipient)}: {text if send.words.recipient else 'text deleted'}")
        said.append(f"      {status_line([send], watched_for=watched_for)}")
    return "\n".join(said)


def private_note(thread: Thread, says: str, *, watched_for: timedelta) -> str:
    """Return what a thread's author is told privately: where it moved to, or how the text of a closed one stands."""
    lead = thread.lead
    if says == "moved":
        return "I can't post here, so I report on your text in our direct messages."
    if lead.known.was_refused:
        return f"Not sent: {reason(lead.known.error_code, lead.known.error_text)}"
    state = status_line(thread.sends, watched_for=watched_for)
    return f"I can no longer post about your text to {pretty(lead.words.recipient)}. Last known status: {state}"


def elsewhere(thread: Thread, text: str) -> str:
    """Return a private note for a direct message, where nobody sees what it is about."""
    place = "" if thread.asked_in.startswith("D") else f" in <#{thread.asked_in}>"
    return f"About your text to {pretty(thread.lead.words.recipient)}{place}. {text}"


def about_click(text: str) -> str:
    """Return what a click came to, for a direct message."""
    return f"About your click. {text}"


_IN_VAIN = "There is nothing to decide any more: the thread shows what happened."
_OPT_OUTS = {
    "opt_out_in_vain": _IN_VAIN,
    "copied_in_vain": "This file is copied already, or is not kept here any more, so nothing was done.",
    "sendblue_not_told": "It is noted here, but I could not tell Sendblue, which may still think otherwise. The person "
    "who runs this bot can change it in Sendblue's dashboard.",
}


def not_permitted(code: str) -> str:
    """Return why a click came to nothing, or not to all of it."""
    if code in ("guest", "stranger", "not_allowed", "not_here"):
        return f"Nothing was done: {reason(code)}"
    return _OPT_OUTS.get(code, "I could not check whether you may do this, so nothing was done. Please click again.")


def in_vain(send: Send | None) -> str:
    """Return why a click changed nothing. send: as it stands."""
    if send is None:
        return "I don't know this message any more, so nothing was done."
    if send.decision is not None:
        return f"{what_was_decided(send.decision, 'has already ')}, so nothing more was done."
    if not send.words.recipient:
        return "The text of this message was deleted, so it can't be sent again."
    return _IN_VAIN
