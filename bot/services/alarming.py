"""Saying once, where operators read, that callbacks do not arrive, and once that they do again."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from bot.domain.message import Message
from bot.errors import CallFailed, Refused
from bot.slack import alarms as wording
from bot.slack.notifier import Notifier
from bot.storage.alarms import Alarm, claim_alarms, finish_alarms, note_missing
from bot.storage.store import Store

log = structlog.get_logger(__name__)

Reach = Callable[[], Awaitable[str]]
"""Returns who answers at PUBLIC_URL (see `reaching.Reached`)."""


class Alarming:
    """channel: a Slack id, or "" to say nothing (the log and the metrics still do)."""

    def __init__(self, store: Store, notifier: Notifier, reach: Reach, *, channel: str, public_url: str) -> None:
        self._store = store
        self._notifier = notifier
        self._reach = reach
        self._channel = channel
        self._public_url = public_url
        self._began = store.clock()

    async def news_without_callback(self, message: Message) -> None:
        """A poll brought what a callback should have brought. Before our own start it may have found us away."""
        accepted_at: datetime = message.accepted_at
        if accepted_at >= self._began and await self._store.write(note_missing, accepted_at):
            log.error("callbacks_do_not_arrive")

    async def once(self) -> None:
        """Say what is to be said."""
        alarm = await self._store.write(claim_alarms, None)
        if alarm is None:
            return
        log.warning("callbacks_alarm", standing=alarm.standing)
        if self._channel:
            try:
                await self._say(alarm)
            except Refused as error:  # asking again changes nothing; the log has it
                log.error("alarm_not_told", code=error.code)  # noqa: TRY400 - expected, no traceback
            except CallFailed as error:  # the claim ends, and it is looked for before it is said again
                log.warning("alarm_postponed", code=error.code)
                return
        await self._store.write_until_stored(finish_alarms, alarm)

    async def _say(self, alarm: Alarm) -> None:
        begun = f"{alarm.since:%Y%m%dT%H%M%S%f}"
        post_id = f"alarm-{begun}-{'missing' if alarm.standing else 'back'}"
        if alarm.fence > 1:
            age = self._store.age(alarm.since)
            try:
                if await self._notifier.find(self._channel, id=post_id, age=age, thread_ts=None):
                    return
            except Refused as error:  # where history may not be read, an alarm twice beats none
                log.info("alarm_not_looked_for", code=error.code)
        who = await self._reach() if alarm.standing else ""
        post = wording.missing(alarm.last, self._public_url, who) if alarm.standing else wording.back(alarm.since)
        await self._notifier.post(self._channel, post, id=post_id)
