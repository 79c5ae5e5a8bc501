"""What operators read in ALERT_CHANNEL. Pure."""

from datetime import datetime

from bot.slack.markup import escape, when
from bot.slack.wording import Post

_CAUSES = {
    "this bot": "PUBLIC_URL reaches this bot. Check the web server in front of it: it must pass POST requests to "
    "/sendblue/status/… on to the bot. If CALLBACK_SECRET was changed a moment ago, set both: new,old.",
    "another database": "a Bluethread with another database answers at PUBLIC_URL: correct PUBLIC_URL or DATABASE_URL.",
    "another secret": "a Bluethread with another CALLBACK_SECRET answers at PUBLIC_URL: use the same everywhere.",
    "something else": "something that is not Bluethread answers at PUBLIC_URL: correct PUBLIC_URL.",
    "nobody": "the bot gets no answer at PUBLIC_URL: correct it, or start the web server.",
}


def missing(last: datetime | None, public_url: str, who: str) -> Post:
    """Say that no callback arrives since `last`, and who answers at public_url instead: one of the causes above."""
    since = f"since {when(last)}" if last is not None else "so far"
    text = (
        f"⚠️ *Sendblue's callbacks do not arrive:* none arrived {since}, although Sendblue has news when I ask. "
        f"Threads still get the right status, but minutes late.\nLikely cause: {_CAUSES[who]}\n"
        f"PUBLIC_URL is {escape(public_url)} · `python -m bot doctor` says more."
    )
    return Post(text, [])


def back(at: datetime) -> Post:
    return Post(f"✅ *Sendblue's callbacks arrive again* · {when(at)}", [])
