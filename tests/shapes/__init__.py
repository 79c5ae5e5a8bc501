"""Every JSON shape that Sendblue and Slack are known to use, one file each, for tests to read as it stands.

A file holds a body as the vendor's documents or somebody's capture has it, to the character, in one line. Where only
a pattern is known, the file is that pattern with the same invented people and numbers in it.

sendblue/answers    to a send                   slack/events     inside an envelope
sendblue/reports    callbacks, status, message  slack/envelopes  whole bodies of the events' door
sendblue/lists      pages of messages           slack/commands   fields of a form
sendblue/account    lines and webhooks          slack/clicks     payloads of a form
sendblue/inbound    what customers do           slack/answers    of the Web API
sendblue/requests   what one can ask
sendblue/uncalled   to what the bot does not ask slack/ours       our own, which Slack sees
"""

from pathlib import Path

FOLDER = Path(__file__).parent
SENDBLUE = sorted(f"sendblue/{folder.name}" for folder in (FOLDER / "sendblue").iterdir())


def names(kind: str) -> list[str]:
    """The shapes of a kind, such as `slack/events`."""
    return sorted(path.stem for path in (FOLDER / kind).glob("*.json"))


def raw(kind: str, name: str) -> bytes:
    """One shape, as it came."""
    return (FOLDER / kind / f"{name}.json").read_bytes().strip()
