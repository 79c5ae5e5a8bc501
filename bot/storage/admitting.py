"""What is stored of typed words once it is known whether their author may text, whoever holds the thread's claim."""

from collections.abc import Sequence

from msgspec.structs import replace

from bot.domain.thread import Thread
from bot.storage.attachments import carry, without_files
from bot.storage.engine import Transaction
from bot.storage.held import MESSAGE, PARENT, Held, Place, Terms, goes_on, let_go_or_say, owe, wipe
from bot.storage.sql import Sql


def admit_text(tx: Transaction, thread: Thread) -> None:
    """Have a conversation go on where a text was typed, now that its author is admitted, whoever holds the claim.

    Not before: a guest or an outsider would have what the customer answers come to where they read it.
    """
    its = {"id": thread.id, "fence": thread.fence}
    if not tx.ask(_IS_TEXT, **its).column():
        return
    for place in tx.ask(PARENT, thread_id=thread.id).of(Place):
        goes_on(tx, place)
    carry(tx, thread.message.id)
    tx.do(_GOES_ON, **its, author=thread.message.author, said_at=thread.message.said_at)


_IS_TEXT = Sql("""
    SELECT threads.id FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq
    WHERE threads.id = :id AND fence = :fence AND direction = 'out'
""")
# Unless somebody has begun another thread meanwhile. The customer may have written meanwhile, too.
_GOES_ON = Sql("""
    UPDATE conversations SET
        thread_id = (SELECT parent_id FROM threads WHERE id = :id), author = :author, author_at = :said_at,
        waiting_since = CASE WHEN waiting_since > :said_at THEN waiting_since END
    WHERE id = (SELECT conversation_id FROM threads WHERE id = :id AND fence = :fence) AND NOT EXISTS (
        SELECT 1 FROM threads AS later WHERE later.id = conversations.thread_id AND later.closed = ''
        AND later.seq > (SELECT seq FROM threads WHERE id = :id)
    )
""")


def name_words(tx: Transaction, thread: Thread, text: str, terms: Terms) -> None:
    """Store a drafted text with the names in it, whoever holds the claim; if it waits for nothing else, it goes.

    Not when the names came too late: then it is no more than other texts that could not be sent in time.
    """
    for message in tx.ask(_LOAD_CLAIMED, id=thread.message.id, fence=thread.fence).of(Held):
        tx.do(_NAMED, id=message.id, text=text)
        if message.held_until is None and tx.estimate - thread.message.said_at > terms.send_within:
            wipe(tx, message.id)
            owe(tx, message.id, message.author, "too_late")
        elif message.held_until is None:
            let_go_or_say(tx, replace(message, text=text), terms)


_LOAD_CLAIMED = Sql(f"""{MESSAGE}
    WHERE messages.id = :id AND threads.fence = :fence AND direction = 'held' AND origin = 'drafted'
""")
_NAMED = Sql("UPDATE messages SET text = :text, origin = 'typed' WHERE id = :id")


def forget_words(tx: Transaction, threads: Sequence[Thread]) -> None:
    """Keep nothing of what somebody typed who may not text, whoever holds the claims."""
    for thread in threads:
        tx.do(_FORGET, id=thread.message.id, thread_id=thread.id, fence=thread.fence)
        if tx.ask(_IS_CLAIMED, thread_id=thread.id, fence=thread.fence).column():
            without_files(tx, thread.message.id)
        tx.do(_FORGET_SENDS, message_id=thread.message.id, thread_id=thread.id, fence=thread.fence)


_CLAIMED = "EXISTS (SELECT 1 FROM threads WHERE threads.id = :thread_id AND fence = :fence)"
_IS_CLAIMED = Sql("SELECT id FROM threads WHERE id = :thread_id AND fence = :fence")
_FORGET = Sql(f"""
    UPDATE messages SET text = '', files = '', held_until = NULL,
        direction = CASE direction WHEN 'held' THEN 'note' ELSE direction END
    WHERE id = :id AND {_CLAIMED}
""")
_FORGET_SENDS = Sql(f"UPDATE sends SET text = '' WHERE message_id = :message_id AND {_CLAIMED}")
