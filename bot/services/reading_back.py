"""Reading threads back for what was typed in them while nobody listened. A copy of what is known changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.domain.reply import Reply
from bot.errors import CallFailed, NotSent, NotStored, Refused
from bot.services.replying import Replying
from bot.services.worker import Job
from bot.slack.notifier import Notifier
from bot.storage.reading_back import Back, ReadBack, claim_back, finish_back, note_alive
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=120)
_AGAIN = timedelta(seconds=30)
_EVERY = 10.0  # seconds
# Reads one message of a thread; us: our user id, team: our workspace.
Reader = Callable[..., Reply | None]


@dataclass(eq=False)
class ReadingBack:
    store: Store
    notifier: Notifier
    replying: Replying
    read: Reader
    announce: asyncio.Event  # set when there is something to admit

    def listen(self) -> Callable[[], Awaitable[None]]:
        """Note every now and then that Slack's events come to this process; return what ends that."""
        listening = asyncio.create_task(self._listen(), name="listening")

        async def end() -> None:
            listening.cancel()
            await asyncio.wait([listening])

        return end

    async def _listen(self) -> None:
        began = False
        while True:
            with suppress(NotStored):  # a busy database will be asked again
                count = await self.store.write(note_alive, not began)
                began = True
                if count:
                    log.info("threads_to_read_back", count=count)
            await asyncio.sleep(_EVERY)

    async def claim(self, _capacity: int) -> tuple[list[Job], datetime | None]:
        claimed = await self.store.write(claim_back, _LEASE)
        return [partial(self.read_back, back) for back in claimed.items], claimed.soonest

    async def read_back(self, back: Back) -> None:
        again_in = None
        try:
            found = await self._found(back)
        except Refused as error:  # its place is gone, or history may not be read
            log.warning("thread_not_read_back", code=error.code)
        except CallFailed as error:
            wait = error.retry_after if isinstance(error, NotSent) else None
            again_in = _AGAIN if wait is None else timedelta(seconds=wait)
        else:
            for reply in found:
                await self.replying.take(reply)
            self.announce.set()
        await self.store.write(finish_back, ReadBack(back, again_in))

    async def _found(self, back: Back) -> list[Reply]:
        us, team = await self.notifier.identity()
        messages = await self.notifier.typed_within(back.channel, back.root_ts, self.store.age(back.at))
        replies = [self.read(message, team=team, channel=back.channel, us=us) for message in messages]
        return [reply for reply in replies if reply is not None and reply.thread_ts == back.root_ts]
