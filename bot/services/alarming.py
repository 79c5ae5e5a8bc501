"""Saying once, where operators read, that something is wrong, and once that it is well again."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import structlog

from bot.domain.alarm import BLOCKED, MARKS, Alarm
from bot.domain.send import Send
from bot.errors import CallFailed, Refused
from bot.services.reaching import Identity, reach
from bot.slack.alarms import told
from bot.slack.notifier import Notifier
from bot.storage.alarms import claim_alarms, finish_alarms, note_missed, note_missing, note_trouble
from bot.storage.store import Store

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Alarming:
    store: Store
    notifier: Notifier
    identity: Identity
    channel: str  # a Slack id, or "" to say nothing (the log and the metrics still do)
    public_url: str
    began: datetime  # when this process did

    async def news_without_callback(self, send: Send) -> None:
        """Note that a poll brought what a callback should have. One from before our start may have found us away."""
        if send.words.accepted_at >= self.began and await self.store.write(note_missing, send.words.accepted_at):
            log.error("callbacks_do_not_arrive")

    async def answer_without_webhook(self, said_at: datetime) -> None:
        """Note that the list brought what the webhook should have."""
        if said_at >= self.began and await self.store.write(note_missed, said_at):
            log.warning("webhook_brings_no_answers")

    async def line_blocked(self, line: str) -> None:
        """Note that Sendblue says so of one of ours (E.164). Raises NotStored."""
        if await self.store.write(note_trouble, f"{BLOCKED}{line}"):
            log.error("line_blocked")

    async def cannot_mark(self) -> None:
        """Note that Slack does not let us mark what people type. Raises NotStored."""
        if await self.store.write(note_trouble, MARKS):
            log.error("marks_not_permitted")

    async def once(self) -> None:
        alarm = await self.store.write(claim_alarms, None)
        if alarm is None:
            return
        log.warning("alarm", about=alarm.key.partition(":")[0], standing=alarm.standing)
        if self.channel:
            try:
                await self._say(alarm)
            except Refused as error:  # asking again changes nothing; the log has it
                log.error("alarm_not_told", code=error.code)  # noqa: TRY400 - expected, no traceback
            except CallFailed as error:  # the claim ends, and the next one looks for the post before it repeats it
                log.warning("alarm_postponed", code=error.code)
                return
        await self.store.write_until_stored(finish_alarms, alarm)

    async def _say(self, alarm: Alarm) -> None:
        which = sha256(alarm.key.encode()).hexdigest()[:8]
        post_id = f"alarm-{which}-{alarm.since:%Y%m%dT%H%M%S%f}-{'missing' if alarm.standing else 'back'}"
        if alarm.fence > 1:
            try:
                if await self.notifier.find(self.channel, id=post_id, age=self.store.age(alarm.since), thread_ts=None):
                    return
            except Refused as error:  # where history may not be read, an alarm twice is better than none
                log.info("alarm_not_looked_for", code=error.code)
        who = (await reach(self.public_url, self.identity))[0] if alarm.standing else "this bot"
        await self.notifier.post(self.channel, told(alarm, public_url=self.public_url, who=who), id=post_id)
