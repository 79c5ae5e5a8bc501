"""What is said to one person about what they typed, the form for a correction, and the rule of a channel. Pure."""

from collections.abc import Sequence
from typing import Any

from bot.domain.number import mask
from bot.domain.rules import Replies
from bot.slack.markup import escape, shorten
from bot.slack.reasons import reason
from bot.slack.wording import Block, Post, button, literal, plain, quoted, section

SEND, KEEP, ALWAYS, CORRECT = "send_reply", "keep_reply", "always_send", "correct_reply"  # the buttons' action ids
CORRECTION = "correction"  # the form's callback id, and that of what is written into it
LONGEST_CORRECTION = 3_000  # characters: what a form takes

NOT_STORED = "Not sent: I could not store this just now. Please press Send again."

_RULES = {
    Replies.ASK: "I ask before I send what is typed in a customer's thread",
    Replies.SEND: "what is typed in a customer's thread goes to their phone at once",
    Replies.MENTION: "only what begins with @bluethread goes to the customer's phone",
}
_TOLD = {
    "thread_over": "I can no longer post in this thread. Text them with `/imessage`.",
    "group": "I can show what a group writes, but not answer it.",
    "forgotten": "this customer's number was deleted here. Text them with `/imessage`.",
    "no_number": "I can show what this sender writes, but not answer: it is no phone number.",
    "not_our_line": "this conversation is on a line that is no longer ours. Text them with `/imessage --from`.",
    "opted_out": reason("opted_out"),
    "private": "the conversation goes on in a private channel or a direct message, and you have not written there.",
    "no_text": "there is no text.",
}
_WHY = {
    "": "",
    "names": "It mentions somebody, so I ask first. ",
    "late": "You wrote this while I was away, so I ask first. ",
    "edited": "I first read this as you had changed it, so I ask. ",
    "large": "A file is larger than 5 MB, and this customer's last text went as SMS, which may drop it. I ask first. ",
    "unread": "A part of it can't be sent as you typed it ({part}): the customer would get what stands here. ",
}
_SAID = {
    "first_note": "🔒 Only the team sees this. Here only what begins with @bluethread goes to the customer's "
    "phone. `/imessage replies` shows and changes that.",
    "edited_unsent": "This was not sent, and an edit does not send it. To send your new words, write them again.",
    "files_late": "Your text was sent before, with its files as they were: the customer's phone still shows them. "
    "To send another file, share it in a new message.",
    "removed_late": "You deleted your words here, but they were sent before: the customer's phone still shows them.",
    "sent": "📤 It is on its way. The mark on your words shows how it stands.",
    "kept": "🔒 Kept as a note. It was not sent.",
    "already_sent": "It has been sent already, so nothing more was done.",
    "already_kept": "It is a note by now and was not sent. To send it, write it again.",
    "expired": "This was asked too long ago, so it was not sent. To send it, write it again.",
    "changed": "You have just changed these words, so nothing was done. I ask you about the new ones in a moment.",
    "gone": "I don't know these words any more, so nothing was done.",
    "not_yours": "Only the person who wrote this can send it, so nothing was done.",
}

MARKED = frozenset({"sent", "kept"})


def of_reply(says: str) -> str:
    """Return why what somebody typed was not sent, what became of it, or what their click on a question came to."""
    if says in _SAID:
        return _SAID[says]
    return f"Not sent: {_TOLD.get(says) or reason(says)}"


def question(message_id: str, text: str, files: Sequence[str], customer: str, rule: Replies, *, why: str) -> Post:
    """Ask an author whether their words and files are for the customer.

    files: their names. why: they are held by any rule (`_WHY`), if they are.
    """
    kind, _, part = why.partition(":")
    asked = f"{_WHY[kind].format(part=escape(part))}Send this to {mask(customer)}?"
    buttons = [button("Send", SEND, message_id) | {"style": "primary"}, button("Keep as note", KEEP, message_id)]
    if rule is Replies.ASK:
        buttons.append(button("Always send in this channel", ALWAYS, message_id))
    shown = [shorten(text, 1_500)] if text else []  # exactly as the customer reads them
    shown += [f"📎 {name}" for name in files]
    words = quoted([literal("\n".join(shown))])
    blocks = [section(asked), words, {"type": "actions", "elements": buttons}]
    said = [f"“{escape(shorten(text, 300))}”"] if text else []
    return Post(" ".join([asked, *said, *(f"📎 {escape(name)}" for name in files)]), blocks)


def late_edit(message_id: str) -> Post:
    """Say that an edit came after the text had left, and offer to send the new words, too."""
    said = "The customer's phone still shows your first version: what was sent can't be changed."
    return Post(
        said, [section(said), {"type": "actions", "elements": [button("Send correction", CORRECT, message_id)]}]
    )


def expired(channel: str, link: str) -> str:
    """Say in a direct message that held words were not sent. link: to the words in their channel, if it is known."""
    place = "" if channel.startswith("D") else f" in <#{channel}>"
    what = f"<{link}|What you typed>" if link else "What you typed"
    return f"{what} to a customer{place} was not sent, because you did not answer my question in time."


def from_afar(post: Post, channel: str) -> Post:
    """Return what is said in a thread for a direct message. channel: that of the thread."""
    place = "" if channel.startswith("D") else f" in <#{channel}>"
    said = f"About what you typed to a customer{place}:"
    return Post(f"{said} {post.text}", [section(said), *post.blocks] if post.blocks else [])


def correction(message_id: str, text: str, customer: str) -> Block:
    """Return the form in which an author reads a correction before it is sent."""
    written = {
        "type": "plain_text_input",
        "action_id": CORRECTION,
        "multiline": True,
        "initial_value": text[:LONGEST_CORRECTION],
        "max_length": LONGEST_CORRECTION,
    }
    return {
        "type": "modal",
        "callback_id": CORRECTION,
        "private_metadata": message_id,
        "title": plain("Send a correction"),
        "submit": plain("Send"),
        "close": plain("Cancel"),
        "blocks": [
            {
                "type": "input",
                "block_id": CORRECTION,
                "label": plain(f"A new text to {mask(customer)}"),
                "element": written,
            }
        ],
    }


def written_in(view: dict[str, Any]) -> str:
    """Return what was written into that form."""
    value = view.get("state", {}).get("values", {}).get(CORRECTION, {}).get(CORRECTION, {}).get("value")
    return value if isinstance(value, str) else ""


def rule_set(rule: Replies, by: str) -> Post:
    """Say aloud in a channel which rule it has now."""
    said = f"💬 <@{by}> set: {_RULES[rule]}. `/imessage replies ask|send|mention` changes it."
    return Post(said, [section(said)])


def rule_shown(rule: Replies, *, own: bool) -> str:
    """Return a channel's rule for who asks for it. own: whether somebody set it for this channel."""
    whose = "In this channel" if own else "In this channel, as everywhere by default,"
    return f"{whose} {_RULES[rule]}. `/imessage replies ask`, `send` or `mention` changes it."
