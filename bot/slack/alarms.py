"""What operators read in ALERT_CHANNEL. Pure."""

from datetime import datetime

from bot.slack.markup import escape, when
from bot.slack.wording import Post

_CAUSES = {
    "this bot": "PUBLIC_URL leads here, so look at what stands in front: it must let POST /sendblue/status/… through. "
    "If CALLBACK_SECRET was changed a moment ago, keep the old one beside the new: new,old.",
    "another database": "PUBLIC_URL leads to a Bluethread with another database: correct PUBLIC_URL or DATABASE_URL.",
    "another secret": "PUBLIC_URL leads to a Bluethread with another CALLBACK_SECRET: give all processes the same.",
    "something else": "PUBLIC_URL leads to something that is not Bluethread: correct PUBLIC_URL.",
    "nobody": "nobody answers at PUBLIC_URL from here: correct it, or start what stands in front.",
}


def missing(last: datetime | None, public_url: str, who: str) -> Post:
    """Say that callbacks do not arrive. last: when the last one came. who: answers at public_url."""
    since = f"since {when(last)}" if last is not None else "so far"
    text = (
        f"⚠️ *Sendblue's callbacks do not arrive:* none came {since}, though texts have news when I ask. "
        f"Threads are still told the truth, only minutes later.\nLikely cause: {_CAUSES[who]}\n"
        f"PUBLIC_URL is {escape(public_url)} · `python -m bot doctor` says more."
    )
    return Post(text, [])


def back(at: datetime) -> Post:
    """Say that they do again."""
    return Post(f"✅ *Sendblue's callbacks arrive again* · {when(at)}", [])
