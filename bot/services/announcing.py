"""Making each Slack thread show what is known: open it, reply with news, keep the root's status line true.

One claim is one step is one call; whatever is learnt meanwhile waits in the database and is merged.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from msgspec.structs import replace

from bot import metrics
from bot.domain.backoff import Chance, backoff
from bot.domain.mark import mark_of
from bot.domain.rules import Durations, Replies
from bot.domain.thread import EDITING, UNKNOWN, Step, Thread
from bot.errors import CallFailed, NotSent, Refused, Uncertain
from bot.services.file_posts import FilePosts
from bot.services.permitting import Permitting
from bot.services.sending import Sending
from bot.services.tracking import Tracking
from bot.services.typed_roots import TypedRoots
from bot.services.worker import Job, Worker
from bot.slack import wording
from bot.slack.calls import NO_SCOPE, NOT_THE_PLACE, NOT_THERE
from bot.slack.notifier import Notifier, Place
from bot.storage.claims import Capacity
from bot.storage.store import Store
from bot.storage.threads import EDITS, MARKS, Outcome, Task, claim_threads, finish_and_claim, finish_threads

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=60)
_CALL = timedelta(seconds=16)  # longer than one takes
_PARENT_OPENS = timedelta(seconds=0.3)  # until it is worth looking whether a thread is open by now
_FILE_COMES = timedelta(seconds=2)  # until it is worth looking once more; the copy cuts it short
_PATIENT_FOR = 20  # such looks; then its root begins a thread, or is refused, and that is said
_LONGEST_PAUSE = 40  # seconds: with the looks below, everything moves a minute after Slack is well again
_LOOKS = 4  # with pauses that double; what is not found by then is not there


@dataclass(eq=False)
class Announcing:
    store: Store
    notifier: Notifier
    tracking: Tracking
    permitting: Permitting
    sending: Sending
    sender: Worker  # sends what may be sent once a thread is open
    typed: TypedRoots
    files: FilePosts
    rule: Replies  # of channels that have none of their own
    durations: Durations
    chance: Chance
    carry: asyncio.Event  # set when there may be files to copy
    notes: asyncio.Event  # set when there is something to tell somebody privately
    inbox: str  # the channel for what customers say where there is no other place; "": none
    settle: timedelta  # until an unanswered call to Slack shows; after ten times as long it is done, or never

    async def claim(self, capacity: int) -> tuple[list[Job], datetime | None]:
        claimed = await self.store.write(claim_threads, Capacity(capacity, _LEASE, self.durations.slack_post_interval))
        return [partial(self.perform, task) for task in claimed.items], claimed.soonest

    async def perform(self, task: Task) -> None:
        outcome = await self._outcome(task)
        stands = outcome.thread.posting is None and outcome.thread.replies == task.thread.posting
        if task.edits is not None and stands:  # the reply, so its root is brought up to date with the same claim
            outcome = await self._outcome(Task(Step.EDIT, outcome.thread))
        elif task.edits is not None:
            outcome = replace(outcome, unused_slots=(*outcome.unused_slots, (EDITS, task.edits)))
        if task.thread.unsent:
            capacity = self.sending.capacity(self.sender.free)
            _, claimed = await self.store.write_until_stored(finish_and_claim, (outcome, capacity))
            self.sender.begin(await self.sending.taken(claimed))
            self.tracking.send.set()  # to ask for more
        else:
            await self.store.write_until_stored(finish_threads, outcome)
        if outcome.note:
            self.notes.set()
        if outcome.named is not None:
            self.tracking.send.set()
        if outcome.admits:
            self.carry.set()  # its files

    async def _outcome(self, task: Task) -> Outcome:
        thread, step = task.thread, task.step
        slots = (task.slot,) if task.slot else ()
        if (without_call := self._without_call(thread, step)) is not None:
            return replace(without_call, unused_slots=slots)
        try:
            if step is Step.OPEN and not thread.message.inbound:
                await self.permitting.check(thread.message.author, thread.message.team)
        except Refused as error:
            return replace(await self._refused(thread, step, error), unused_slots=slots)
        except CallFailed as error:  # nothing was posted, whatever is known of the person
            return self._postponed(thread, step, error if isinstance(error, NotSent) else NotSent(error.code))
        steps = {
            Step.OPEN: self._open,
            Step.ADMIT: self.typed.admit,
            Step.REPLY: self._reply,
            Step.SHARE: self._show_files,
            Step.EDIT: self._edit,
            Step.MARK: self.typed.mark,
            Step.LOOK: self.files.look if thread.shares else self._look,
        }
        try:
            return await steps[step](thread)
        except NotSent as error:
            return self._postponed(thread, step, error)
        except Uncertain as error:
            return self._unanswered(thread, step, error)
        except Refused as error:
            return await self._refused(thread, step, error)

    def _without_call(self, thread: Thread, step: Step) -> Outcome | None:
        """Return what becomes of a step that needs no call, or of one whose time has not come; None: it needs one."""
        if step is Step.NOTHING:
            return Outcome(thread, shared=bool(thread.closed and thread.parent_id))
        if step is Step.WAIT:
            return Outcome(thread, again_in=_FILE_COMES, patient=True)
        if step is Step.OPEN and thread.waits and thread.failures < _PATIENT_FOR:  # its parent is about to be opened
            return Outcome(thread.undone(step), again_in=_PARENT_OPENS)
        if step is Step.MARK and mark_of(thread.message, thread.sends) in ("", thread.mark):
            return Outcome(thread.left_as_it_is(), shared=True)
        return None

    async def _open(self, thread: Thread) -> Outcome:
        post = await self._root(thread)
        try:
            posted = await self._post(thread, post)
        except Refused as error:
            if error.code != "not_in_channel" or not await self.notifier.join(thread.channel):
                raise
            posted = await self._post(thread, post)
        metrics.milestones.labels("opened").observe(self.store.age(thread.message.said_at).total_seconds())
        return await self._opened(thread, posted, shown_rev=thread.rev)

    async def _root(self, thread: Thread) -> wording.Post:
        address = ""
        if thread.card is not None and (thread.card.goes_on or thread.card.before):
            with suppress(CallFailed):  # then it names the channel alone
                address = await self.permitting.address()
        return wording.root(thread, watched_for=self.durations.watch_for, address=address, rule=self.rule)

    async def _opened(self, thread: Thread, place: Place, *, shown_rev: int) -> Outcome:
        """Return what is known once a root stands. One that does not stand in its thread, which is gone, begins one."""
        private = await self.permitting.is_private(place.channel)
        leads = thread.parent_id is not None and place.thread_ts is None
        begun = thread.on_its_own() if leads else thread
        opened = begun.opened(place.channel, place.ts, shown_rev=shown_rev, private=private)
        since = thread.posting_since if begun.parent_id is None else None
        return Outcome(opened, shared=thread.shares_a_card, leads=leads, stood_since=since)

    async def _reply(self, thread: Thread) -> Outcome:
        if thread.shows:
            post = wording.said(thread, now=self.store.clock())
        else:
            post = wording.reply(thread, watched_for=self.durations.watch_for)
        posted = await self._post(thread, post)
        if posted.thread_ts != thread.stands_in:  # as where the root was deleted: the words may stand in the channel
            return Outcome(thread, again_in=self.settle)
        if told := [send.known.since for send in thread.sends if send.telling.under_way]:
            metrics.announce_lag.observe(self.store.age(min(told)).total_seconds())
        return Outcome(thread.replied())

    async def _post(self, thread: Thread, post: wording.Post) -> Place:
        self._check_lease(thread)
        return await self.notifier.post(thread.channel, post, id=_post_id(thread), thread_ts=thread.stands_in)

    async def _show_files(self, thread: Thread) -> Outcome:
        self._check_lease(thread)
        return await self.files.show(thread)

    async def _edit(self, thread: Thread) -> Outcome:
        if thread.forgotten and thread.card is None:
            return Outcome(thread.left_as_it_is())
        post = await self._root(thread)
        self._check_lease(thread)
        await self.notifier.update(thread.channel, thread.root_ts or "", post)
        edited, shared = thread.edited(), thread.parent_id is not None
        if thread.private is None:  # Slack did not say, or nobody asked yet
            edited = replace(edited, private=await self.permitting.is_private(thread.channel))
        if thread.shown_rev != EDITING:
            return Outcome(edited, shared=shared)
        # The edit before may be made after this one.
        return Outcome(edited, again_in=10 * self.settle, patient=True, shared=shared)

    def _check_lease(self, thread: Thread) -> None:
        """Raise NotSent when we slept: somebody else may have looked for what we are about to do, or done it."""
        if thread.lease_until is not None and self.store.clock() + _CALL >= thread.lease_until:
            raise NotSent("slept")

    async def _look(self, thread: Thread) -> Outcome:
        """A post ended without an answer, or its process died: count it if it is there, else let it be posted."""
        found, gone = None, False
        try:
            found = await self._find(thread, thread.stands_in)
        except Refused as error:
            if error.code == "thread_not_found" and thread.posting == 0 and thread.thread_ts:
                return Outcome(thread.on_its_own(), leads=True)  # it may stand in the channel itself
            gone = error.code == "thread_not_found" and thread.posting != 0
            back = error.code == "not_in_channel" and await self.notifier.join(thread.channel)  # taken out meanwhile
            if not gone and not back:
                if thread.posting and await self._took_away(thread):
                    return self._unreachable(thread, "thread_not_found")
                raise
        log.info("post_looked_for", thread_id=thread.id, found=found is not None)
        if found is not None and thread.posting:
            return Outcome(thread.replied())
        if found is not None:  # what it shows may be old: it will be edited
            return await self._opened(thread, Place(thread.channel, found, thread.thread_ts), shown_rev=UNKNOWN)
        if thread.posting and await self._took_away(thread):
            return self._unreachable(thread, "thread_not_found")
        if thread.looked + 1 >= _LOOKS:
            return self._unreachable(thread, "thread_not_found") if gone else Outcome(thread.not_posted())
        return Outcome(thread.looked_in_vain(), again_in=self.settle * 2**thread.looked)

    async def _took_away(self, thread: Thread) -> bool:
        """Delete a reply that stands in the channel, since its root was deleted; return whether it did."""
        astray = await self._find(thread, None)
        if astray is not None:
            await self.notifier.delete(thread.channel, astray)
        return astray is not None

    async def _find(self, thread: Thread, thread_ts: str | None) -> str | None:
        age = self.store.age(thread.posting_since or thread.message.said_at)
        return await self.notifier.find(thread.channel, id=_post_id(thread), age=age, thread_ts=thread_ts)

    def _postponed(self, thread: Thread, step: Step, error: NotSent) -> Outcome:
        """Certainly not done. A busy Slack names the time; it concerns the whole channel, or all edits."""
        wait = self._pause(thread, error)
        key = {Step.EDIT: EDITS, Step.MARK: MARKS, Step.OPEN: thread.channel, Step.REPLY: thread.channel}.get(step)
        if key is None or error.retry_after is None:
            return Outcome(thread.undone(step), again_in=wait)
        return Outcome(thread.undone(step), closed_slot=(key, wait))

    def _unanswered(self, thread: Thread, step: Step, error: Uncertain) -> Outcome:
        """Perhaps done. A post keeps its note, so the next step is to look for it."""
        log.warning("slack_unanswered", thread_id=thread.id, step=step.name, code=error.code)
        return Outcome(thread.unanswered(step), again_in=max(self.settle, self._pause(thread, error)))

    async def _refused(self, thread: Thread, step: Step, error: Refused) -> Outcome:
        log.warning("slack_refused", thread_id=thread.id, step=step.name, code=error.code)
        mendable = error.code in NOT_THE_PLACE and not (error.code in NO_SCOPE and step is Step.LOOK)
        waiting = thread.message.inbound and thread.root_ts is None  # there is no other place for it
        if waiting and step is Step.LOOK and not mendable and error.code not in NOT_THERE:
            return Outcome(thread.not_posted())  # history may not be read: twice beats never
        if mendable or waiting:
            return Outcome(thread.undone(step), again_in=self._pause(thread, error))
        match step:
            case Step.LOOK if thread.shares:
                return self._unreachable(thread, error.code)
            case Step.OPEN if error.code == "thread_not_found" and thread.thread_ts:
                return Outcome(replace(thread.on_its_own(), posting=None), leads=True)
            case Step.OPEN:
                return await self._no_place(thread, error.code)
            case Step.LOOK if thread.posting == 0:
                seen = error.code in NOT_THERE and not thread.channel.startswith(("U", "W"))
                return await self._no_place(thread, error.code if seen else "thread_unknown")
            case Step.LOOK if error.code not in NOT_THERE:
                # History may not be read: a missing line of ours beats a doubled one, but not a customer's.
                return Outcome(thread.not_posted() if thread.shows else thread.replied())
            case Step.LOOK | Step.REPLY | Step.SHARE:
                return self._unreachable(thread, error.code)
            case _:
                return Outcome(thread.left_as_it_is())

    def _pause(self, thread: Thread, error: CallFailed) -> timedelta:
        if isinstance(error, NotSent) and error.retry_after is not None:
            return timedelta(seconds=error.retry_after)
        return backoff(thread.failures, self.chance, first=1, longest=_LONGEST_PAUSE)

    async def _no_place(self, thread: Thread, code: str) -> Outcome:
        """The thread cannot be opened here, so nothing may be sent. For a DM of two people the bot's own DM will do."""
        if thread.channel.startswith("D") and code == "channel_not_found" and not thread.moved:
            return Outcome(thread.moved_to_author(), note="moved", shared=thread.shares_a_card)
        await self.tracking.fail_unsent(thread.sends, code)
        return self._closed(thread, code)

    def _unreachable(self, thread: Thread, code: str) -> Outcome:
        """Nothing can be said in the thread any more: say it directly to its author, at last privately."""
        if thread.moved or thread.is_typed or thread.message.inbound:
            return self._closed(thread, code)
        return Outcome(thread.moved_to_author(), shared=thread.shares_a_card, goes_on_in=self.inbox)

    def _closed(self, thread: Thread, code: str) -> Outcome:
        note = "" if thread.message.inbound else "closed"
        return Outcome(thread.closed_for(code), note=note, shared=thread.shares_a_card, goes_on_in=self.inbox)


def _post_id(thread: Thread) -> str:
    return f"{thread.id.hex}-{thread.posting}"
