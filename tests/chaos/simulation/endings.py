"""What must be true once neighbours are honest, processes live and nothing is due any more."""

import re
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec.structs import replace

from bot.domain.delivery import Delivery
from bot.domain.send import Send
from bot.domain.thread import Step, Thread
from bot.slack import wording
from bot.storage.cards import load_cards
from bot.storage.rows import load_threads
from bot.storage.sqlite import SqliteTransaction
from tests.chaos.simulation.processes import WATCH_FOR_SPAN

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

_DATES = re.compile(r"<!date[^>]*>")


def check_rest(world: "World") -> None:
    """Check the whole world."""
    tx = SqliteTransaction(world.connection, lambda: world.stored_now)
    threads = load_threads(tx, [UUID(thread_id) for thread_id in world.watch.places])
    cards = load_cards(tx, [one.id for one in threads.values() if one.has_card and one.parent_id is None])
    threads |= {thread_id: replace(threads[thread_id], card=card) for thread_id, card in cards.items()}
    world.watch.answers.check_rest()
    world.watch.words.check_rest()
    world.watch.files.check_rest()
    for thread in threads.values():
        for send in thread.sends:
            _ended(world, send)
        if thread.next_step() is not Step.NOTHING:
            world.watch.broken(f"{thread.next_step()} is left to be done and is not due: {thread}")
        if thread.is_typed:
            world.watch.words.check_thread(thread)
        elif thread.closed:
            _told_aside(world, thread)
        else:
            _shown(world, thread)
        _nothing_astray(world, thread)


def _ended(world: "World", send: Send) -> None:
    over = (
        send.known.is_final
        or send.known.unconfirmed
        or (send.known.delivery is Delivery.UNCERTAIN and send.known.asked)
    )
    if not over:
        world.watch.broken(f"{send.id.hex} came to no end: {send}")
    texts = world.phone.of(send.id)
    if texts and not send.known.unconfirmed and send.known.delivery < min(texts[0].status, Delivery.FAILED):
        world.watch.broken(
            f"{send.id.hex} is {send.known.delivery.name} and not {texts[0].status.name}, as its phone is"
        )
    row = world.watch.rows[send.id.hex]
    if row.send_at or (row.poll_at and send.known.is_final):
        world.watch.broken(f"{send.id.hex} is over and still due: {row}")


def _told_aside(world: "World", thread: Thread) -> None:
    """Where no thread can be, its sender read a private line, unless that was refused as well."""
    if thread.message.inbound:
        return  # what it had to show stands elsewhere
    aside = f"note-{thread.id.hex}:closed"
    told = world.slack.told[thread.message.answer_url] or world.slack.told[aside] or aside in world.slack.refused
    if not told:
        world.watch.broken(f"nobody was told that the thread is closed: {thread}")


def _nothing_astray(world: "World", thread: Thread) -> None:
    """No reply stands in a channel, outside its thread, unless Slack did not let us take it away or look for it."""
    for post in world.slack.posts:
        name, _, number = post.id.partition("-")
        if name != thread.id.hex or post.deleted or number == "0" or post.thread_ts:
            continue
        if post.id not in world.slack.unreadable and post.ts not in world.slack.uneditable:
            world.watch.broken(f"{post.id} stands in {post.channel}, outside its thread")


def _shown(world: "World", thread: Thread) -> None:
    """The root says what is so, and each reply that was counted is there."""
    slack = world.slack
    there = {post.id: post for post in slack.posts if post.channel == thread.channel}
    root = there.get(f"{thread.id.hex}-0")
    if root is None:
        world.watch.broken(f"the thread's root is not there: {thread}")
    if not root.deleted and root.ts not in slack.uneditable:
        says, ought = root.text, wording.root(thread, watched_for=WATCH_FOR_SPAN, rule=world.rule).text
        if _DATES.sub("", says) != _DATES.sub("", ought):
            world.watch.broken(f"the root says {says!r} and ought to say {ought!r}")
    for number in range(1, thread.replies + 1):
        post_id = f"{thread.id.hex}-{number}"
        if post_id not in there and post_id not in slack.unreadable | world.watch.files.posts:
            world.watch.broken(f"reply {number} of {thread.replies} is not there: {thread}")
