"""Whose a handle of Sendblue's is. The list only suggests; what comes on a send's own address decides."""

from collections.abc import Iterable
from typing import TypeAlias
from uuid import UUID

from msgspec.structs import replace

from bot.domain.delivery import HandleFrom, News
from bot.domain.known import Report
from bot.domain.send import Send, Telling
from bot.storage.engine import Transaction
from bot.storage.rows import load_sends
from bot.storage.sql import Sql

Sends: TypeAlias = dict[UUID, Send]  # by id

_OWNERS = Sql("SELECT handle, id FROM sends WHERE handle {among handles}")
_NO_HANDLE = Sql("UPDATE sends SET handle = NULL WHERE id = :id")


def owners_of(tx: Transaction, handles: Iterable[str]) -> dict[str, UUID]:
    """Return handle → its send, for those that have one."""
    wanted = list(handles)
    return {row.handle: row.id for row in tx.ask(_OWNERS, handles=wanted)} if wanted else {}


def settled(
    tx: Transaction, send: Send, report: Report, owners: dict[str, UUID], before: Sends, after: Sends
) -> Send | None:
    """Return the send a report with a handle is merged into; None when the report is about another text.

    A report on a send's own address takes the handle back from whoever got it from the list, and replaces what the list
    had suggested for this one.
    """
    handle, own = report.handle or "", report.handle_from is HandleFrom.OWN
    owner_id = owners.setdefault(handle, send.id)
    if owner_id != send.id:
        if not own or not _loses_handle(tx, owner_id, before, after):
            return None
        owners[handle] = send.id
    if send.known.handle in (None, handle):
        return send
    if not own or send.known.handle_from is not HandleFrom.LIST:
        return None
    send = send.without_the_lists_word()
    return replace(send, known=replace(send.known, handle=handle, handle_from=HandleFrom.CORRECTED))


def _loses_handle(tx: Transaction, owner_id: UUID, before: Sends, after: Sends) -> bool:
    """Put a send in doubt again if it has its handle from the list alone; return whether it had."""
    if owner_id not in before:
        before |= load_sends(tx, [owner_id], lock=True)
        after[owner_id] = before[owner_id]
    owner = after[owner_id]
    if owner.known.handle_from is not HandleFrom.LIST:
        return False
    anew = Telling(News.NONE, owner.telling.under_way)  # all of it is to be said again
    after[owner_id] = replace(owner.without_the_lists_word(), telling=anew)
    tx.do(_NO_HANDLE, id=owner_id)  # at once: a handle is unique, and another send takes it now
    return True
