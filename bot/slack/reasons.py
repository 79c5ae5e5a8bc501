"""Why a text was not sent, failed, waits or is in doubt, in words a person can act on. Pure.

Codes are Sendblue's (its error-code reference), Slack's (its chat.postMessage reference), or ours in lower case.
"""

import re

from bot.domain.number import hide_numbers
from bot.domain.send import Send
from bot.slack.markup import clock_time, escape, shorten

_OPTED_OUT = "the customer has opted out. They must text START to us before you can write to them again."
_LIMIT = "Sendblue's rate limit was reached and did not clear in time. Please send it again later."
_MAYBE_SENT = (
    "Sendblue reports an error, but the text may have been sent: please ask the customer before you send it again."
)
_NOT_IN_CHANNEL = "I'm not in this channel. Run `/invite @bluethread`, then send again."
_RESTRICTED = "posting is restricted in this channel. Please use another one."

NOT_HERE = "customers can't be texted from this channel. Ask the person who runs this bot which channels you can use."
NOT_ALLOWED = "you are not on the list of people who may text customers. Ask the person who runs this bot."

_SENDBLUE = {
    **dict.fromkeys(("402", "opted_out"), _OPTED_OUT),
    **dict.fromkeys(("4001", "5003", "5509", "http_429"), _LIMIT),
    **dict.fromkeys(("22", "5000", "10001"), _MAYBE_SENT),
    "4000": "Sendblue says the request is not valid. Please check the number and the text.",
    "4002": "Sendblue does not text this number.",
    "sms_limit_reached": "this line has used up its SMS allowance. Please use another line or try tomorrow.",
    "5504": "Sendblue could not tell how to reach this number. Please try again in a few minutes.",
    "line_not_registered": "our line is not registered with Sendblue. The person who runs this bot should check our "
    "lines.",
    "ambiguous_sending_line": "Sendblue could not tell which of our lines to use. Choose one with --from.",
    "outside_reply_window": "our plan only lets us answer, and this customer has not written to us recently.",
    "pre_reply_limit_reached": "this customer has not answered yet, and only a few texts may be sent before that.",
    "http_400": "Sendblue did not accept the request. Please check the number and the text.",
    "http_401": "Sendblue does not accept our keys. The person who runs this bot should check the SENDBLUE settings.",
    "http_403": "our Sendblue plan does not allow this. The person who runs this bot should check the account.",
}
"""What Sendblue refuses, by its code in lower case or our name for its HTTP status."""

_OURS = {
    "no_connection": "Sendblue could not be reached. Please send it again later.",
    "proxy_refused": "the proxy on the way to Sendblue refused the connection. The person who runs this bot should "
    "check it.",
    "unbuildable": "the text has a character that cannot be sent. Please write it another way.",
    "earlier_part_failed": "an earlier part of this text was not sent, so this part was not sent either.",
    "overtaken": "later texts to this customer went out first, so this part was not sent. Please check that it still "
    "fits.",
    "line_gone": "the line that this customer was last in touch on is no longer ours. Choose one with --from {lines}.",
    "private": "this conversation is in a private channel or a direct message, and you have not written there. Ask "
    "{whom} to text the customer, or do it from there yourself if you are in it.",
    "too_late": "it could not be sent in time, and a late text may confuse the customer. Please send it again if it is "
    "still right.",
    **dict.fromkeys(("channel_not_found", "not_in_channel"), _NOT_IN_CHANNEL),
    **dict.fromkeys(("cannot_reply_to_message", "ekm_access_denied"), _RESTRICTED),
    "is_archived": "this channel is archived. Please use another one.",
    "thread_unknown": "Slack did not confirm that the thread was opened. Please send again.",
    "guest": "guests may not text customers. Ask a member of your team to send it.",
    "stranger": "people from outside this workspace may not text its customers.",
    "not_allowed": NOT_ALLOWED,
    "not_here": NOT_HERE,
    "file_external": "a file that is kept outside Slack can't be sent. Share the file itself.",
    "file_snippet": "a snippet, a post or an e-mail can't be sent as a file. Paste its text, or share a file.",
    "file_too_large": "its file is larger than can be sent. Share a smaller one.",
    "file_type": "customers' phones can't be sent this type of file. A picture, a video, a sound, a PDF, an Office "
    "document or a contact card can be.",
    "file_empty": "its file is empty.",
    "file_unready": "Slack does not let me read its file. Try again in a minute; if it stays so, the person who runs "
    "this bot should check that the app has the scope files:read.",
    "file_elsewhere": "its file belongs to another workspace, which does not let me read it.",
    **dict.fromkeys(("file_not_found", "file_deleted", "file_gone"), "its file was deleted in Slack."),
    **dict.fromkeys(("file_unreadable", "file_host"), "I could not read what Slack says of its file."),
    "file_refused": "Sendblue did not take its file.",
    **dict.fromkeys(
        ("file_not_taken", "file_unreachable", "file_slow", "file_cut"),
        "I could not hand its file to Sendblue in time.",
    ),
    "messages_tab_disabled": "I can't open a direct message with you. Please send from a channel I'm in.",
}
"""What Slack refuses, and what we decide ourselves. Case counts: NOT_ALLOWED would be a code of Sendblue's."""

# After these nothing went out, and another try may work.
CAN_BE_TRIED_AGAIN = {
    *("4001", "5003", "5509", "http_429", "SMS_LIMIT_REACHED"),
    *("no_connection", "proxy_refused", "too_late", "earlier_part_failed", "overtaken"),
    *("file_unready", "file_not_taken", "file_unreachable", "file_slow", "file_cut"),
}

FOR_GOOD = frozenset({"file_too_large", "file_host", "file_empty"})  # another try by itself makes no difference
_NO_UPLOADS = "this Slack workspace does not let apps upload files of this kind."
_NOT_COPIED = {
    "file_gone": "Sendblue says that it does not have it.",
    "file_too_large": "it is larger than this bot may take (`LARGEST_FILE_IN`).",
    "file_host": "it is kept where this bot does not fetch files from (`FILES_FROM_ANYWHERE`).",
    "file_empty": "it is empty.",
    **dict.fromkeys(
        ("file_unreachable", "file_slow", "file_cut", "no_answer", "no_connection"), "the connection did not last."
    ),
    "no_room": "the disk of this bot is full.",
    "missing_scope": "the app lacks the scope files:write. The person who runs this bot should install it anew.",
    **dict.fromkeys(
        ("file_uploads_disabled", "file_uploads_except_images_disabled", "file_type_not_allowed"), _NO_UPLOADS
    ),
    **dict.fromkeys(("file_upload_size_restricted", "storage_limit_reached"), _NO_UPLOADS),
}

LINE_BUSY = "line_busy"  # nobody has tried to send it: Sendblue takes nothing from its line for now

_WAITS = {
    "no_connection": "I can't reach Sendblue",
    "proxy_refused": "the proxy on the way to Sendblue refuses the connection",
    "unbuildable": "I could not give it to Sendblue",
}
DOUBTS = {
    "timeout": "Sendblue did not answer in time",
    "connection_lost": "the connection to Sendblue broke off",
    "interrupted": "I was restarted in the middle of sending",
    "handle_of_another": "Sendblue took it for an earlier, equal text and may have sent nothing",
}


def not_copied(code: str) -> str:
    """Return why a customer's file does not stand in Slack yet."""
    return _NOT_COPIED.get(code, f"the error is `{code}`.")


def wait(send: Send) -> str:
    """Return why a text has not left yet, and when it will be tried."""
    why = _WAITS.get(send.known.error_code, "Sendblue is busy")
    if send.known.error_code == LINE_BUSY or send.schedule.lease_until is None:
        return f"{why}, and other texts go first."
    return f"{why}, trying again at {clock_time(send.schedule.lease_until)}."


def reason(code: str, theirs: str = "") -> str:
    """Return why something was not done or failed, with Sendblue's own words where they add something."""
    if code in _OURS or code.startswith("restricted_action"):
        return _OURS.get(code, _RESTRICTED)
    known = code.casefold()
    if known in _SENDBLUE:
        device_down = known == "5504" and re.search(r"timed out|isn['’]t running", theirs, re.IGNORECASE)
        ours = _MAYBE_SENT if device_down else _SENDBLUE[known]
        return f"{ours} Sendblue says {_quoted(theirs)}." if _adds(known, theirs) else ours
    if theirs:
        return f"Sendblue says {_quoted(theirs)}" + (f" (code {escape(code)})." if code else ".")
    if re.fullmatch("[a-z_]+", code):  # Slack's words are spelled so, and Sendblue's newest
        return f"it was refused without a reason (code {code}). Please ask the person who runs this bot."
    return f"Sendblue gave no reason (code {escape(code)})." if code else "Sendblue gave no reason."


def _adds(code: str, theirs: str) -> bool:
    """Whether Sendblue's words say more than its code: a sentence does, a word such as OPTED_OUT does not."""
    if code in ("4000", "http_400"):  # defined by their words alone
        return bool(theirs.strip())
    return " " in theirs.strip() and _SENDBLUE[code] is not _OPTED_OUT


def _quoted(theirs: str) -> str:
    """Return Sendblue's words on one line, without numbers and without signs that Slack would format."""
    plain = re.sub(r"[*~`]", "", " ".join(hide_numbers(theirs).split()))
    return f"“{escape(shorten(plain, 300))}”"
