"""Copying files: what customers send to Slack, what people share in Slack to Sendblue, from where it can be sent.

Each copy is made as a whole: after a crash it begins anew. What is left of one that was not finished nobody sees.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import unquote, urlsplit

import structlog
from msgspec import Struct

from bot import metrics
from bot.domain.attachment import KEPT_THERE, Attachment
from bot.domain.backoff import Chance, backoff
from bot.domain.rules import Durations
from bot.errors import CallFailed, NotSent, NotStored, Refused
from bot.files.fetching import Fetcher
from bot.files.heic import to_jpeg
from bot.files.kinds import safe_name
from bot.files.sources import Source
from bot.sendblue.client import Sendblue
from bot.sendblue.wire import EXTENSIONS
from bot.services.tracking import Tracking
from bot.services.worker import Job
from bot.slack.files import SlackFile, SlackFiles
from bot.slack.reasons import FOR_GOOD
from bot.storage.carrying import (
    Carriers,
    Copied,
    Failed,
    Lease,
    Uploaded,
    claim_attachments,
    note_copied,
    note_failed,
    note_uploaded,
    renew,
    waiting_for,
)
from bot.storage.claims import Capacity
from bot.storage.rows import load_sends
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=15)  # held for longer as long as somebody is at it
_PATIENCE = timedelta(seconds=30)  # with a customer's file that cannot be copied, before its thread says so
_UNREADY_FOR = timedelta(seconds=20)  # Slack looks at a file that was just shared
_FOR_PEOPLE = {"access_denied": "file_elsewhere", "not_visible": "file_elsewhere", "missing_scope": "file_unready"}


class Limits(Struct, frozen=True):
    """How large files may be, in bytes, and from where they may come."""

    largest_in: int
    largest_out: int
    from_sendblue: Source
    from_slack: Source


@dataclass(eq=False)
class Carrying:
    store: Store
    fetcher: Fetcher
    slack: SlackFiles
    token: str = field(repr=False)  # to read what people shared
    sendblue: Sendblue
    tracking: Tracking
    limits: Limits
    durations: Durations
    chance: Chance
    _began: bool = field(default=False, init=False)

    async def claim(self, capacity: int) -> tuple[list[Job], datetime | None]:
        carriers = Carriers(Capacity(capacity, _LEASE), not self._began)
        claimed = await self.store.write(claim_attachments, carriers)
        self._began = True
        return [partial(self.carry, one) for one in claimed.items], claimed.soonest

    async def carry(self, one: Attachment) -> None:
        """Copy one claimed file, and record what came of it."""
        if not one.wanted:
            await self.store.write_until_stored(note_failed, Failed(one, None, "", one.said_at))
            return
        try:
            async with self._holding(one):
                await (self._to_slack(one) if one.incoming else self._to_sendblue(one))
        except CallFailed as error:
            await self._failed(one, error)
        except TimeoutError:
            await self._failed(one, NotSent("file_slow"))
        except NotStored:  # its claim will end
            raise
        except Exception:  # a fault of ours, which the next try may meet again: no more often than any other
            await self._failed(one, NotSent("unexpected"))
            raise
        else:
            metrics.files.labels(one.way, "copied").inc()
            self.tracking.announce.set()
            self.tracking.send.set()

    def _left(self, one: Attachment) -> float | None:
        """Return for how many seconds a text, and what follows it, still waits for its file; None: nothing does."""
        until = None if one.incoming else one.awaited_until
        return None if until is None else (until - self.store.clock()).total_seconds()

    @asynccontextmanager
    async def _holding(self, one: Attachment) -> AsyncIterator[None]:
        """Hold the claim for as long as the copy takes; a lost one only makes somebody else copy it, too.

        Raises TimeoutError when nothing waits for the file any more.
        """

        async def hold() -> None:
            while True:
                await asyncio.sleep(_LEASE.total_seconds() / 3)
                with suppress(NotStored):
                    await self.store.write(renew, Lease(one, _LEASE))

        holding = asyncio.create_task(hold())
        try:
            async with asyncio.timeout(self._left(one)):
                yield
        finally:
            holding.cancel()

    async def _to_slack(self, one: Attachment) -> None:
        source, largest = self.limits.from_sendblue, self.limits.largest_in
        called = unquote(urlsplit(one.named).path.rpartition("/")[2])
        with await self.fetcher.fetch(one.named, source, largest=largest, name=called) as taken:
            title, name = one.title(taken.kind.what), safe_name(called, taken.kind)
            ids = [await self.slack.put(taken.file, taken.size, name, title)]
            metrics.file_bytes.labels(one.way).inc(taken.size)
            if (jpeg := await to_jpeg(taken)) is not None:  # many see nothing of an original from an iPhone
                with jpeg:
                    ids.append(await self.slack.put(jpeg.file, jpeg.size, safe_name(name, jpeg.kind), title))
        await self.store.write_until_stored(note_copied, Copied(one, " ".join(ids), title))

    async def _to_sendblue(self, one: Attachment) -> None:
        shared = await self.slack.info(one.slack_file)
        self._check(shared)
        source, largest = self.limits.from_slack, self.limits.largest_out
        fetch = partial(self.fetcher.fetch, shared.url, source, largest=largest, name=shared.name)
        with await fetch(headers={"Authorization": f"Bearer {self.token}"}) as taken:
            if taken.kind.extension == "html" and shared.mimetype != "text/html":  # a page to log in, or to wait
                raise NotSent("file_unready")
            if taken.size != shared.size > 0 and taken.kind.mimetype == shared.mimetype:  # a clip has another type here
                raise NotSent("file_cut")
            if taken.kind.extension not in EXTENSIONS:
                raise Refused("file_type")
            jpeg = await to_jpeg(taken) if one.by_sms else None
            with jpeg or taken as sent:
                name = safe_name(shared.name, sent.kind)
                url = await self.sendblue.upload(sent.file, name, sent.kind.mimetype)
                metrics.file_bytes.labels(one.way).inc(sent.size)
        await self.store.write_until_stored(note_uploaded, Uploaded(one, url))

    def _check(self, shared: SlackFile) -> None:
        """Raise Refused for what can never be sent, NotSent for what Slack is still looking at."""
        if shared.mode == "external":
            raise Refused("file_external")
        if shared.mode in ("snippet", "post", "email", "canvas"):
            raise Refused("file_snippet")
        if shared.mode == "tombstone":
            raise Refused("file_deleted")
        if not (shared.url and shared.mimetype):
            raise NotSent("file_unready")
        if shared.size > self.limits.largest_out:
            raise Refused("file_too_large")

    async def _failed(self, one: Attachment, error: CallFailed) -> None:
        log.warning("file_not_copied", attachment_id=one.id, way=one.way, code=error.code, failures=one.failures)
        metrics.files.labels(one.way, error.code if error.code.startswith("file_") else "other").inc()
        await (self._later(one, error) if one.incoming else self._not_now(one, error))

    async def _later(self, one: Attachment, error: CallFailed) -> None:
        """Try again until Sendblue keeps the file no longer, or its words are forgotten here; say so once."""
        now, until = self.store.clock(), one.said_at + min(KEPT_THERE, self.durations.keep_text_for)
        pause = self._pause(one, error, longest=6 * 3600)
        again_in = None if error.code in FOR_GOOD or now + pause >= until else pause
        late = isinstance(error, Refused) or now - one.stored_at > _PATIENCE
        await self.store.write_until_stored(note_failed, Failed(one, again_in, error.code if late else "", until))
        self.tracking.announce.set()

    async def _not_now(self, one: Attachment, error: CallFailed) -> None:
        """Try again for a few minutes, while the conversation waits; then nothing of the text is sent."""
        waits = self.store.clock() - one.stored_at
        over = one.awaited_until is not None and self.store.clock() >= one.awaited_until
        unready = error.code == "file_unready" and waits > _UNREADY_FOR
        if isinstance(error, Refused) or over or unready:
            sends = await self.store.read(lambda tx: load_sends(tx, waiting_for(tx, one)))
            code = error.code if error.code.startswith("file_") else _FOR_PEOPLE.get(error.code, "file_not_taken")
            await self.tracking.fail_unsent(sends.values(), code)
            await self.store.write_until_stored(note_failed, Failed(one, None, "", one.said_at))
            return
        pause = self._pause(one, error, longest=30)
        await self.store.write_until_stored(note_failed, Failed(one, pause, "", one.said_at))

    def _pause(self, one: Attachment, error: CallFailed, *, longest: float) -> timedelta:
        if isinstance(error, NotSent) and error.retry_after is not None:
            return timedelta(seconds=error.retry_after)
        return backoff(one.failures, self.chance, first=1, longest=longest)
