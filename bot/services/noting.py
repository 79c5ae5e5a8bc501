"""Telling one person what is for them alone: as an answer to their command or click, else as a direct message."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from msgspec import Struct

from bot.domain.backoff import Chance, backoff
from bot.domain.rules import Durations, Replies
from bot.errors import CallFailed, NotSent, Refused
from bot.services.permitting import NOT_PERMITTED, Permitting
from bot.services.worker import Job
from bot.slack import answers, questions
from bot.slack.calls import NOT_THE_PLACE
from bot.slack.markup import permalink
from bot.slack.notifier import Notifier, Place
from bot.slack.wording import Post
from bot.storage.claims import Capacity
from bot.storage.held import Terms
from bot.storage.private_notes import PrivateNote, Tried, claim_notes, finish_notes
from bot.storage.replies import HeldWords, held_words
from bot.storage.rows import load_sends
from bot.storage.shown import load_shown
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=60)
_LONGEST_PAUSE = 40  # seconds, as for threads
_ANSWER_TRIES = 2  # where hooks.slack.com cannot be reached, a direct message says it within a minute


class Said(Struct, frozen=True):
    """What is said, and how: in a thread to one person, as an answer to a command or a click, or to a whole channel."""

    post: Post
    elsewhere: Post = Post("", [])  # the same in a direct message, where nobody sees what it is about
    place: Place | None = None
    replaces: bool = False  # what they clicked on
    aloud: bool = False


@dataclass(eq=False)
class Noting:
    store: Store
    notifier: Notifier
    permitting: Permitting
    terms: Terms  # of what is typed
    durations: Durations
    chance: Chance

    async def claim(self, capacity: int) -> tuple[list[Job], datetime | None]:
        claimed = await self.store.write(claim_notes, Capacity(capacity, _LEASE))
        return [partial(self.tell, note) for note in claimed.items], claimed.soonest

    async def tell(self, note: PrivateNote) -> None:
        """Say it. A try that ended without an answer is repeated: a private line twice harms nobody."""
        again_at = None
        try:
            await self._say(note)
        except CallFailed as error:
            if isinstance(error, Refused) and error.code not in NOT_THE_PLACE:  # they can be reached no way at all
                log.error("sender_out_of_reach", about=note.about_id, code=error.code)  # noqa: TRY400 - expected
            else:
                again_at = self.store.clock() + self._pause(note, error)
        await self.store.write_until_stored(finish_notes, Tried(note, again_at))

    def _pause(self, note: PrivateNote, failed: CallFailed) -> timedelta:
        if isinstance(failed, NotSent) and failed.retry_after is not None:
            return timedelta(seconds=failed.retry_after)
        return backoff(note.failures, self.chance, first=1, longest=_LONGEST_PAUSE)

    async def _say(self, note: PrivateNote) -> None:
        said = await self._words(note)
        if said is None:
            return
        if said.aloud:
            if not (note.fence > 1 and await self._stands(note)):
                await self.notifier.post(note.person, said.post, id=_post_id(note))
            return
        try:
            if said.place is not None:
                await self.notifier.whisper(said.place.channel, note.person, said.post, thread_ts=said.place.thread_ts)
            else:
                await self.notifier.answer(note.answer_url, said.post.text, replaces=said.replaces)
        except CallFailed as error:
            if not isinstance(error, Refused) and note.failures < _ANSWER_TRIES:
                raise
            await self.notifier.post(note.person, said.elsewhere, id=_post_id(note))

    async def _stands(self, note: PrivateNote) -> bool:
        """Whether a post that ended without an answer is there."""
        with suppress(Refused):
            age = timedelta(hours=1)
            return await self.notifier.find(note.person, id=_post_id(note), age=age, thread_ts=None) is not None
        return False

    async def _words(self, note: PrivateNote) -> Said | None:
        """Return what is to be said; None: no more."""
        kind, _, what = note.says.partition(":")
        if kind == "rule":
            rule, _, by = what.partition(":")
            return Said(questions.rule_set(Replies(rule), by), aloud=True)
        if kind == "reply":
            return await self._about_reply(note, what)
        if kind == "click":
            text = questions.of_reply(what)
            shown = "" if what in questions.MARKED else text  # the mark on the words says it
            return Said(Post(shown, []), elsewhere=Post(answers.about_click(text), []), replaces=what != "not_yours")
        if note.says in ("moved", "closed"):
            thread = await self.store.read(lambda tx: load_shown(tx, note.about_id))
            if thread is None:
                return None
            text = answers.private_note(thread, note.says, watched_for=self.durations.watch_for)
            return Said(Post(text, []), elsewhere=Post(answers.elsewhere(thread, text), []))
        if note.says == "in_vain":
            sends = await self.store.read(lambda tx: load_sends(tx, [note.about_id]))
            text = answers.in_vain(sends.get(note.about_id))
        else:
            text = answers.not_permitted(note.says)
        return Said(Post(text, []), elsewhere=Post(answers.about_click(text), []))

    async def _about_reply(self, note: PrivateNote, says: str) -> Said | None:
        """Return what the author of typed words is told of them. Why nothing can be sent is for those who may text."""
        about = await self.store.read(lambda tx: held_words(tx, note.about_id))
        if about is None or (says in ("question", "edited_late") and about.direction != "held"):  # decided, or over
            return None
        if says == "question" and about.origin == "drafted":  # edited meanwhile: another question follows
            return None
        if says == "expired":
            post = Post(questions.expired(about.channel, await self._link(about)), [])
            return Said(post, elsewhere=post)  # there is nothing to answer to, so it is a direct message
        post = self._asked(note.about_id.hex, says, about)
        if says not in NOT_PERMITTED:
            try:
                await self.permitting.check(note.person, *about.team.split())
            except Refused as error:
                if error.code not in NOT_PERMITTED:
                    raise
                post = Post(questions.of_reply(error.code), [])
        place = Place(about.channel, "", about.thread_ts)
        return Said(post, elsewhere=questions.from_afar(post, about.channel), place=place)

    async def _link(self, about: HeldWords) -> str:
        """Return the address of somebody's words, "" where it is not known."""
        with suppress(CallFailed):  # then the channel's name has to do
            address = await self.permitting.address()
            return permalink(address, about.channel, about.ts) if address and about.ts else ""
        return ""

    def _asked(self, message_id: str, says: str, about: HeldWords) -> Post:
        match says:
            case "question":
                rule = about.rule or self.terms.rule
                why = "" if rule is Replies.ASK and about.held_why == "names" else about.held_why or ""
                files = about.files.splitlines()
                return questions.question(message_id, about.text, files, about.customer, rule, why=why)
            case "edited_late":
                return questions.late_edit(message_id)
            case _:
                return Post(questions.of_reply(says), [])


def _post_id(note: PrivateNote) -> str:
    return f"note-{note.key}"
