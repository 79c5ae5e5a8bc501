"""Making each Slack thread show what is known: open it, reply with news, keep the root's status line true.

One claim is one step is one call. What is about to be posted is noted before the call, so a post that ended without
an answer is looked for, not repeated; whatever is learnt meanwhile waits in the database and is merged.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import metrics
from bot.domain.backoff import Chance, backoff
from bot.domain.delivery import Delivery
from bot.domain.thread import EDITING, UNKNOWN, Step, Thread
from bot.errors import CallFailed, NotSent, Refused, Uncertain
from bot.services.duty import Job
from bot.services.permitting import Permitting
from bot.services.tracking import Tracking
from bot.slack import answers, wording
from bot.slack.notifier import Notifier, Place
from bot.storage.announcements import EDITS, Finish, Task, claim_threads, finish_threads
from bot.storage.claims import Ask
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=60)
_CALL = timedelta(seconds=16)  # longer than one takes
_LONGEST_PAUSE = 40  # seconds: with the looks below, everything moves a minute after Slack is well again
_LOOKS = 4  # with pauses that double; what is not found by then is not there
_ANSWER_TRIES = 2  # where hooks.slack.com cannot be reached, a direct message says it within a minute
_NOT_THERE = frozenset({"not_in_channel", "channel_not_found"})
_OURS_TO_MEND = frozenset(
    {
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
        *("org_login_required", "team_access_not_granted", "access_denied", "no_permission"),
    }
)
"""Refusals that concern our token, not the place: everything waits until somebody mends it."""
_MAY_NOT_LOOK = frozenset({"missing_scope", "no_permission", "access_denied"})
"""Of looking alone: posts go on without it."""


class Announcing:
    """Does the steps of threads.

    interval: seconds between two posts in one channel. watched_for: seconds a message is followed. sendable: rung
    when a step is done, after which messages may go. settle: seconds until an unanswered post can be found;
    after ten times as many, what was asked for is done, or never.
    """

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        tracking: Tracking,
        permitting: Permitting,
        sendable: asyncio.Event,
        *,
        interval: float,
        watched_for: float,
        chance: Chance,
        settle: float,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._tracking = tracking
        self._permitting = permitting
        self._sendable = sendable
        self._interval = timedelta(seconds=interval)
        self._watched_for = timedelta(seconds=watched_for)
        self._chance = chance
        self._settle, self._latest = timedelta(seconds=settle), timedelta(seconds=10 * settle)
        self._steps = {
            Step.OPEN: self._open,
            Step.REPLY: self._reply,
            Step.EDIT: self._edit,
            Step.ASIDE: self._aside,
            Step.LOOK: self._look,
        }

    async def claim(self, room: int) -> tuple[list[Job], datetime | None]:
        """Take the steps that are due and whose slot is free."""
        claimed = await self._store.write(claim_threads, Ask(room, _LEASE, self._interval))
        return [partial(self.perform, task) for task in claimed.items], claimed.soonest

    async def perform(self, task: Task) -> None:
        """Do one claimed step and record its outcome, whichever it is."""
        thread, step = task.thread, task.step
        if step is Step.NOTHING:
            finish = Finish(thread, {})
        else:
            try:
                finish = await self._steps[step](thread)
            except NotSent as error:
                finish = self._postponed(thread, step, error)
            except Uncertain as error:
                finish = self._unanswered(thread, step, error)
            except Refused as error:
                finish = await self._refused(thread, step, error)
        await self._store.insist(finish_threads, finish)
        if any(message.delivery is Delivery.ACCEPTED for message in thread.messages):
            self._sendable.set()

    async def _open(self, thread: Thread) -> Finish:
        try:
            await self._permitting.check(thread.sender, thread.team)
        except Uncertain as error:
            raise NotSent(error.code) from error  # nothing was posted, whatever it is about
        except Refused as error:
            taken = (thread.channel, (thread.posting_since or thread.created_at) + self._interval)
            return replace(await self._refused(thread, Step.OPEN, error), unused_slot=taken)
        post = wording.root(thread, watched_for=self._watched_for)
        try:
            posted = await self._post(thread, post)
        except Refused as error:
            if error.code != "not_in_channel" or not await self._joined(thread):
                raise
            posted = await self._post(thread, post)
        metrics.milestones.labels("opened").observe(self._store.age(thread.created_at).total_seconds())
        return self._opened(thread, posted.channel, posted.ts, shown_rev=thread.rev)

    async def _joined(self, thread: Thread) -> bool:
        """Enter the channel; a public one lets us in by ourselves."""
        try:
            await self._notifier.join(thread.channel)
        except Refused:
            return False
        return True

    async def _post(self, thread: Thread, post: wording.Post) -> Place:
        self._check_lease(thread)
        return await self._notifier.post(thread.channel, post, id=_post_id(thread), thread_ts=thread.root_ts)

    def _check_lease(self, thread: Thread) -> None:
        """Raise NotSent when we slept: somebody else may have looked for what we are about to do, or done it."""
        if thread.lease_until is not None and self._store.clock() + _CALL >= thread.lease_until:
            raise NotSent("slept")

    def _opened(self, thread: Thread, channel: str, ts: str, *, shown_rev: int) -> Finish:
        changes = {"root_ts": ts, "channel": channel, "posting": None, "shown_rev": shown_rev, "failures": 0}
        return Finish(thread, changes, told=True)

    async def _reply(self, thread: Thread) -> Finish:
        post = wording.reply(thread, watched_for=self._watched_for)
        posted = await self._post(thread, post)
        if posted.thread_ts != thread.root_ts:  # as where the root was deleted: the words may stand in the channel
            return Finish(thread, {}, again_at=self._store.clock())
        metrics.announce_lag.observe(
            max(self._store.age(message.since).total_seconds() for message in thread.messages if message.telling)
        )
        return self._replied(thread)

    def _unreachable(self, thread: Thread, code: str) -> Finish:
        """Nothing can be said in the thread any more: say it directly to the sender, at last privately."""
        if not thread.moved:
            return Finish(thread, _moved_to_sender(thread))
        return Finish(thread, {"posting": None, "closed": code[:80], "aside": "closed"})

    def _replied(self, thread: Thread) -> Finish:
        return Finish(thread, {"replies": thread.posting, "posting": None, "failures": 0}, told=True)

    async def _edit(self, thread: Thread) -> Finish:
        if not thread.lead.recipient:  # we have forgotten the words; the root still has them
            return Finish(thread, {"shown_rev": thread.rev})
        post = wording.root(thread, watched_for=self._watched_for)
        self._check_lease(thread)
        await self._notifier.update(thread.channel, thread.root_ts or "", post)
        if thread.shown_rev == EDITING:  # the edit before may be made after this one
            changes = {"shown_rev": UNKNOWN, "failures": 0}
            return Finish(thread, changes, again_at=self._store.clock() + self._latest)
        return Finish(thread, {"shown_rev": thread.rev, "failures": 0})

    async def _aside(self, thread: Thread) -> Finish:
        """Tell the sender privately: through the command's own answer while that works, else as a direct message."""
        text = answers.aside(thread, watched_for=self._watched_for)
        try:
            await self._notifier.answer(thread.answer_url, text)
        except (Refused, NotSent) as error:
            if isinstance(error, NotSent) and thread.failures < _ANSWER_TRIES:
                raise
            elsewhere = wording.Post(answers.elsewhere(thread, text), [])
            await self._notifier.post(thread.sender, elsewhere, id=f"{thread.id.hex}-aside")
        return Finish(thread, {"aside": "", "failures": 0})

    async def _look(self, thread: Thread) -> Finish:
        """A post ended without an answer, or its process died: adopt it if it is there, else let it be posted."""
        found, gone = await self._found(thread)
        log.info("post_looked_for", thread_id=str(thread.id), found=found is not None)
        if found is not None and thread.posting == 0:
            return self._opened(thread, thread.channel, found, shown_rev=UNKNOWN)  # what it shows may be old: edit it
        if found is not None:
            return self._replied(thread)
        if thread.posting and (astray := await self._find(thread, None)) is not None:
            await self._notifier.delete(thread.channel, astray)  # a reply without a thread: its root was deleted
            return self._unreachable(thread, "thread_not_found")
        if thread.looked + 1 >= _LOOKS:
            changes: dict[str, object] = {"posting": None, "looked": 0}
            return self._unreachable(thread, "thread_not_found") if gone else Finish(thread, changes)
        pause = self._settle * 2**thread.looked
        return Finish(thread, {"looked": thread.looked + 1}, again_at=self._store.clock() + pause)

    async def _found(self, thread: Thread) -> tuple[str | None, bool]:
        """Return the ts of what was being posted, where it should stand; and whether its thread is gone."""
        try:
            return await self._find(thread, thread.root_ts if thread.posting else None), False
        except Refused as error:
            if error.code == "thread_not_found" and thread.posting:
                return None, True
            if error.code == "not_in_channel" and await self._joined(thread):  # we were taken out of it meanwhile
                return None, False
            raise

    async def _find(self, thread: Thread, thread_ts: str | None) -> str | None:
        age = self._store.age(thread.posting_since or thread.created_at)
        return await self._notifier.find(thread.channel, id=_post_id(thread), age=age, thread_ts=thread_ts)

    def _postponed(self, thread: Thread, step: Step, error: NotSent) -> Finish:
        """Certainly not done. A busy Slack names the time; it concerns the whole channel, or all edits."""
        at = self._retry_at(thread, error)
        key = {Step.EDIT: EDITS, Step.OPEN: thread.channel, Step.REPLY: thread.channel}.get(step)
        slot = (key, at) if key is not None and error.retry_after is not None else None
        return Finish(thread, _undone(thread, step), again_at=self._store.clock() if slot else at, closed_slot=slot)

    def _unanswered(self, thread: Thread, step: Step, error: Uncertain) -> Finish:
        """Perhaps done. A post keeps its note, so the next step is to look for it."""
        log.warning("slack_unanswered", thread_id=str(thread.id), step=step.name, code=error.code)
        at = self._store.clock() + self._settle
        return Finish(thread, {"failures": thread.failures + 1}, again_at=max(at, self._retry_at(thread, error)))

    async def _refused(self, thread: Thread, step: Step, error: Refused) -> Finish:
        log.warning("slack_refused", thread_id=str(thread.id), step=step.name, code=error.code)
        if error.code in _OURS_TO_MEND - (_MAY_NOT_LOOK if step is Step.LOOK else frozenset()):
            return Finish(thread, _undone(thread, step), again_at=self._retry_at(thread, error))
        match step:
            case Step.OPEN:
                return await self._no_place(thread, error.code)
            case Step.LOOK if thread.posting == 0:
                seen = error.code in _NOT_THERE and not thread.channel.startswith(("U", "W"))
                return await self._no_place(thread, error.code if seen else "thread_unknown")
            case Step.LOOK if error.code not in _NOT_THERE:
                return self._replied(thread)  # history may not be read: a missing line beats a doubled one
            case Step.LOOK | Step.REPLY:
                return self._unreachable(thread, error.code)
            case Step.EDIT:  # a root that cannot be edited is left as it is; replies tell
                return Finish(thread, {"shown_rev": thread.rev})
            case _:  # the sender can be reached no way at all
                log.error("sender_out_of_reach", thread_id=str(thread.id), code=error.code)
                return Finish(thread, {"aside": ""})

    async def _no_place(self, thread: Thread, code: str) -> Finish:
        """The thread cannot be opened here, so nothing may leave. Between two people, the bot's own DM will do."""
        between_people = thread.channel.startswith("D") and code == "channel_not_found"
        if between_people and not thread.moved:
            return Finish(thread, _moved_to_sender(thread) | {"aside": "moved"})
        await self._tracking.give_up(thread.messages, code, at=self._store.clock())
        return Finish(thread, {"posting": None, "closed": code[:80], "aside": "closed"})

    def _retry_at(self, thread: Thread, error: CallFailed) -> datetime:
        wait = backoff(thread.failures, self._chance, first=1, longest=_LONGEST_PAUSE)
        if isinstance(error, NotSent) and error.retry_after is not None:
            wait = timedelta(seconds=error.retry_after)
        return self._store.clock() + wait


def _undone(thread: Thread, step: Step) -> dict[str, object]:
    """It was certainly not done: what was noted before it is taken back. Looking changes no note."""
    noted: dict[Step, dict[str, object]] = {Step.LOOK: {}, Step.EDIT: {"shown_rev": thread.shown_rev}}
    return {"failures": thread.failures + 1} | noted.get(step, {"posting": None})


def _moved_to_sender(thread: Thread) -> dict[str, object]:
    """A user id as channel makes Slack open the bot's own DM with them."""
    return {"channel": thread.sender, "root_ts": None, "replies": 0, "posting": None, "failures": 0}


def _post_id(thread: Thread) -> str:
    return f"{thread.id.hex}-{thread.posting}"
