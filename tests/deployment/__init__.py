"""What is needed to deploy, held against the code and run as far as that goes without the platforms."""

from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"


def _random(name: str) -> str:
    """As long and as mixed as a real one, and the same each time."""
    return sha256(name.encode()).hexdigest()


FILLED_IN = {
    "SLACK_BOT_TOKEN": f"xoxb-{_random('token')}",
    "SLACK_SIGNING_SECRET": _random("signing")[:32],
    "SENDBLUE_API_KEY_ID": _random("key id"),
    "SENDBLUE_API_SECRET_KEY": _random("key"),
    "SENDBLUE_FROM_NUMBER": "+15550100901",
    "PUBLIC_URL": "https://bot.example.com",
    "CALLBACK_SECRET": _random("callback"),
}
"""What a person puts in place of the values in `.env.example` that are not commented out."""


def filled_in(path: Path) -> Path:
    """Write `.env.example` there with each of its values replaced, as a person does, and nothing else changed."""
    lines = EXAMPLE.read_text().splitlines()
    named = [line.partition("=")[0] for line in lines]
    assert {name for name in named if name in FILLED_IN} == set(FILLED_IN), "the example asks for other settings"
    kept = [f"{name}={FILLED_IN[name]}" if name in FILLED_IN else line for name, line in zip(named, lines, strict=True)]
    path.write_text("\n".join(kept) + "\n")
    return path
