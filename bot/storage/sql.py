"""One text for each statement, for both engines, and how its rows are read.

Parameters are written `:name`. What the engines spell differently is written in braces:

- `{among ids}`: is one of the list in the parameter `:ids`
- `{lock}`, `{lock of threads skip locked}`: PostgreSQL's FOR UPDATE. SQLite has no row locks and needs none: its
  transactions begin as the only writer.
- `{hold}`: the same, while others may still refer to the row, as every change of a thread does to its conversation
- `{values row.key, 'out', :now}`: what an INSERT stores for each of as many rows as `Transaction.each` is given
- `{update sends: told, owed}`: these columns of as many rows, each found by its `id`
- `{digest customer}`: what stands in the database for a number that may be forgotten: a hash with the database's key
- `{from id, told}` and `row.told`: the same where more is to be said of them; SQLite takes row after row

Where a parameter's value may decide how SQLite does a thing, it compiles the statement anew for each value. So what
runs all the time casts what a LIMIT takes, and what is compared as the condition of a partial index compares it.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, IntEnum, IntFlag
from functools import cache
from typing import Any, ClassVar

from bot.domain.attachment import Stage
from bot.domain.delivery import Delivery, HandleFrom, News, Service
from bot.domain.message import Notice
from bot.domain.rules import Replies
from bot.domain.thread import Lane

Change = Callable[[Any], Any]  # what happens to a value on its way out, unless it is NULL
Read = Callable[[Sequence[Any]], Any]  # takes a row as the driver has it; its values then have their columns' names

CODED: Mapping[str, type[Enum]] = {
    "delivery": Delivery,
    "service": Service,
    "handle_from": HandleFrom,
    "told": News,
    "owed": News,
    "under_way": News,
    "lane": Lane,
    "notice": Notice,
    "its_notice": Notice,
    "rule": Replies,
    "stage": Stage,
}
"""Column → whose code is stored in it."""

_TRUTHS = {
    "picture_lost",
    "unconfirmed",
    "asked",
    "standing",
    "opened",
    "patient",
    "parked",
    "to_show",
    "showing",
    "inbound",
    "quiet",
    "waits",
    "has_card",
    "is_current",
    "answers",
    "private",
    "current_private",
    "learnt",
    "wanted",
    "by_sms",
}
_NUMBERS = {
    *("seq", "next_seq", "place", "part", "parts", "try_number", "attempts", "polls", "fence", "failures"),
    *("replies", "rev", "shown_rev", "posting", "looked", "news_lane"),
}

PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_ROW = re.compile(r"\brow\.(\w+)")
_KEY = "(SELECT value FROM keys WHERE name = 'opt_outs')"
_MACRO = re.compile(r"\{(among|lock|hold|values|update|from|digest) ?(?:(\w+): )?([^}]*)\}")


@cache
def type_of(column: str) -> str:
    """Return PostgreSQL's type of what a column holds: its name tells. A test compares this with the schema."""
    if column == "id" or column.endswith("_id"):
        return "uuid"
    if column in ("at", "last") or column.endswith(("_at", "since", "until")):
        return "timestamptz"
    if column in CODED:
        return "int" if issubclass(CODED[column], IntEnum | IntFlag) else "text"
    return "bool" if column in _TRUTHS else "int" if column in _NUMBERS else "text"


class Sql:
    """A statement. sqlite: its twin, where the engines differ in more than the macros."""

    every: ClassVar[list["Sql"]] = []  # for the test that has both engines prepare them

    def __init__(self, text: str, *, sqlite: str = "") -> None:
        self.postgresql = PARAMETER.sub(r"%(\1)s", _MACRO.sub(_for_postgresql, text))
        self.sqlite = _ROW.sub(r":\1", _MACRO.sub(_for_sqlite, sqlite or text))
        self.returns_rows = "RETURNING" in self.sqlite or self.sqlite.lstrip().startswith("SELECT")
        self.changes = re.search(r"INSERT |UPDATE |DELETE ", _MACRO.sub("", text) + self.sqlite) is not None
        self.every.append(self)


def reads(names: tuple[str, ...], kinds: Mapping[str, Change]) -> Read:
    """Return how rows with these columns are read: a column's name says what is in it. kinds: type → its change."""
    row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc] # mypy wants fields that are known before
    changes = [cache(CODED[name]) if name in CODED else kinds.get(type_of(name)) for name in names]
    changed = [(place, change) for place, change in enumerate(changes) if change is not None]

    def read(given: Sequence[Any]) -> Any:
        values = list(given)
        for place, change in changed:
            if values[place] is not None:
                values[place] = change(values[place])
        return row._make(values)

    return read


def _for_postgresql(macro: re.Match[str]) -> str:
    name, table, what = macro.groups()
    if name == "lock":
        return f"FOR UPDATE {what}"
    if name == "hold":
        return "FOR NO KEY UPDATE"
    if name == "among":
        return f"= ANY(%({what})s)"
    if name == "digest":
        return f"encode(sha256(convert_to({_KEY} || {what}, 'UTF8')), 'hex')"
    if name == "values":
        return f"SELECT {what} {_from_rows(list(dict.fromkeys(_ROW.findall(macro.string))))}"
    columns = re.findall(r"\w+", what)
    if name == "from":
        return _from_rows(columns)
    changes = ", ".join(f"{column} = row.{column}" for column in columns)
    return f"UPDATE {table} SET {changes} {_from_rows(['id', *columns])} WHERE {table}.id = row.id"


def _from_rows(columns: Sequence[str]) -> str:
    lists = ", ".join(f"%({column})s::{type_of(column)}[]" for column in columns)
    return f"FROM unnest({lists}) AS row({', '.join(columns)})"


def _for_sqlite(macro: re.Match[str]) -> str:
    name, table, what = macro.groups()
    if name in ("lock", "hold", "from"):
        return ""
    if name == "among":
        return f"IN (SELECT value FROM json_each(:{what}))"
    if name == "digest":
        return f"digest({_KEY} || {what})"
    if name == "values":  # of an INSERT … SELECT it would first copy each page that it changes
        return f"VALUES ({what})"
    changes = ", ".join(f"{column} = :{column}" for column in re.findall(r"\w+", what))
    return f"UPDATE {table} SET {changes} WHERE id = :id"
