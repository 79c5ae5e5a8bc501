"""Slack's three escapes. Source: docs, "Formatting message text": exactly `&`, `<` and `>`, nothing else."""


def escaped(typed: str) -> str:
    """Return what Slack makes of what a person typed, before anybody else sees it."""
    return typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(text: str) -> str:
    """Return what a person typed, or what they shall read."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
