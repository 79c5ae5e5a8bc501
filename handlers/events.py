"""Slack's events. None changes anything yet; each is answered, or Slack would repeat it and in the end stop sending."""

import re

from slack_bolt.async_app import AsyncApp


def register_events(app: AsyncApp) -> None:
    @app.event(re.compile(".*"))
    async def _taken() -> None:
        pass
