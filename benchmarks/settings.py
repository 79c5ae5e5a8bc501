"""What every process of a run is told: made-up secrets, the neighbours' address; all else is the bot's default."""

CHANNEL = "C0"
LINE = "+15550100900"
SIGNING_SECRET = "benchmark-signing-secret"  # noqa: S105 - opens nothing
CALLBACK_SECRET = "benchmark-callback-secret"  # noqa: S105
WEBHOOK_SECRET = "benchmark-webhook-secret"  # noqa: S105


def environment(neighbours: str, database: str) -> dict[str, str]:
    """Return the settings of a bot or a floor. neighbours: base URL that answers for Slack and for Sendblue."""
    return {
        "SLACK_BOT_TOKEN": "xoxb-0-benchmark",
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SENDBLUE_API_KEY_ID": "benchmark-key",
        "SENDBLUE_API_SECRET_KEY": "benchmark-key-secret",
        "SENDBLUE_FROM_NUMBER": LINE,
        "PUBLIC_URL": "http://127.0.0.1:9",
        "CALLBACK_SECRET": CALLBACK_SECRET,
        "SENDBLUE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SLACK_API_URL": neighbours,
        "SENDBLUE_API_URL": neighbours,
        "DATABASE_URL": database,
        "HOST": "127.0.0.1",
    }
