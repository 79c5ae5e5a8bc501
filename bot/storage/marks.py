"""What a mark on typed words cannot say, and is said in words."""

from collections.abc import Sequence

from msgspec.structs import replace

from bot.domain.ids import new_id
from bot.domain.message import Notice
from bot.domain.thread import Step, Thread
from bot.storage.engine import Transaction
from bot.storage.inbound import NEW_SAID
from bot.storage.rows import load_sends
from bot.storage.sql import Sql
from bot.storage.waking import wake


def speak(tx: Transaction, threads: Sequence[Thread]) -> None:
    """Have replies say how typed texts do, since they cannot be marked."""
    sends = load_sends(tx, [send.id for thread in threads for send in thread.sends], lock=True)
    spoken = [replace(send, words=replace(send.words, quiet=False)) for send in sends.values()]
    tx.each(_SPEAKS, [{"id": one.id, "quiet": False, "owed": one.news} for one in spoken])
    wake(tx, [one.thread_id for one in spoken if one.news], Step.REPLY)


_SPEAKS = Sql("{update sends: quiet, owed}")


def tell_of_sms(tx: Transaction, thread: Thread) -> None:
    """Say once in a conversation that what was typed went as SMS, of which less is known."""
    if thread.parent_id is None:
        return
    about = {"id": new_id(tx.now), "thread_id": thread.parent_id, "conversation_id": thread.message.conversation_id}
    said = {"direction": "note", "author": thread.message.author, "text": "", "files": "", "said_at": tx.estimate}
    key = f"sms:{thread.message.conversation_id.hex}"
    row = about | said | {"seq": -1, "key": key, "to_show": True, "notice": Notice.SMS, "calls": ""}
    if tx.each(NEW_SAID, [row]).column():
        wake(tx, [thread.parent_id], Step.REPLY)
