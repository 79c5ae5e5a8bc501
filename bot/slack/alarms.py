"""What operators are told in ALERT_CHANNEL. Pure."""

from bot.domain.alarm import ANSWERS, BLOCKED, CALLBACKS, MARKS, Alarm
from bot.domain.number import mask
from bot.slack.markup import escape, when
from bot.slack.wording import Post

_CAUSES = {
    "this bot": "PUBLIC_URL reaches this bot. Check the web server in front of it: it must pass POST requests to "
    "/sendblue/… on to the bot. If CALLBACK_SECRET was changed a moment ago, set both: new,old.",
    "another database": "a Bluethread with another database answers at PUBLIC_URL: correct PUBLIC_URL or DATABASE_URL.",
    "another secret": "a Bluethread with another CALLBACK_SECRET answers at PUBLIC_URL: use the same everywhere.",
    "something else": "something that is not Bluethread answers at PUBLIC_URL: correct PUBLIC_URL.",
    "nobody": "the bot gets no answer at PUBLIC_URL: correct it, or start the web server.",
}
_MORE = "PUBLIC_URL is {url} · `python -m bot doctor` says more."
_WORDS = {
    CALLBACKS: (
        "⚠️ *Sendblue's callbacks do not arrive:* none arrived {since}, although Sendblue has news when I ask. "
        "Threads still get the right status, but minutes late.\nLikely cause: {cause}\n" + _MORE,
        "✅ *Sendblue's callbacks arrive again* · {at}",
    ),
    ANSWERS: (
        "⚠️ *Sendblue's webhook does not bring customers' answers:* it brought none {since}, although Sendblue lists "
        "some when I ask. They still appear, but late.\nLikely cause: {cause}\n" + _MORE,
        "✅ *Sendblue's webhook brings customers' answers again* · {at}",
    ),
}
"""What is said when it is missing, and when it is back."""
_BLOCKED = (
    "🚨 *Sendblue says that {line} is blocked* · {since}. Texts from this line may not arrive. Ask Sendblue's support."
)
_MARKS = (
    "⚠️ *I can't mark what people type to customers* · {since}. Until I can, I say in words how their texts do.\n"
    "Likely cause: the app lacks the scope `reactions:write`. Install it anew with manifest.yml."
)


def told(alarm: Alarm, *, public_url: str, who: str) -> Post:
    """Return the post that says that something is wrong, or is well again. who: answers at public_url, of the above."""
    if alarm.key.startswith(BLOCKED):
        return Post(_BLOCKED.format(line=mask(alarm.key.removeprefix(BLOCKED)), since=when(alarm.since)), [])
    if alarm.key == MARKS:
        return Post(_MARKS.format(since=when(alarm.since)), [])
    missing, back = _WORDS[alarm.key]
    if not alarm.standing:
        return Post(back.format(at=when(alarm.since)), [])
    since = f"since {when(alarm.last)}" if alarm.last is not None else "so far"
    return Post(missing.format(since=since, cause=_CAUSES[who], url=escape(public_url)), [])
