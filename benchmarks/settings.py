"""What every process of a run is told: made-up secrets, the neighbours' address; all else is the bot's default."""

CHANNEL = "C0"
PLACE = "C0GENERAL"  # of the sandbox's Slack
LINE = "+15550100900"
BOT_TOKEN = "xoxb-0-benchmark"  # noqa: S105 - opens nothing
SIGNING_SECRET = "benchmark-signing-secret"  # noqa: S105
KEY_ID = "benchmark-key"
KEY_SECRET = "benchmark-key-secret"  # noqa: S105
CALLBACK_SECRET = "benchmark-callback-secret"  # noqa: S105
WEBHOOK_SECRET = "benchmark-webhook-secret"  # noqa: S105


def environment(neighbours: str, database: str) -> dict[str, str]:
    """Return the settings of a bot or a floor. neighbours: base URL that answers for Slack and for Sendblue."""
    return {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SENDBLUE_API_KEY_ID": KEY_ID,
        "SENDBLUE_API_SECRET_KEY": KEY_SECRET,
        "SENDBLUE_FROM_NUMBER": LINE,
        "PUBLIC_URL": "http://127.0.0.1:9",
        "CALLBACK_SECRET": CALLBACK_SECRET,
        "SENDBLUE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SLACK_API_URL": neighbours,
        "SENDBLUE_API_URL": neighbours,
        "DATABASE_URL": database,
        "HOST": "127.0.0.1",
    }
