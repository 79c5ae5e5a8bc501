"""Statements that run with every piece of news: put together once, then handed to the database's driver itself.

SQLAlchemy writes them and knows both engines' types. But handing a small statement over through it takes several times
as long as running it (see docs/performance.md), so that is done here, without it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Subquery,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

Row: TypeAlias = Sequence[Any]
Statement: TypeAlias = Executable | Mapping[str, Executable]
"""One for both engines, or one for each by the name of its dialect."""

_ROWS, _COUNT = "rows", "count"


class Prepared:
    """One statement. Its parameters are its `bindparam`s, by name."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._forms: dict[str, Form] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Row]:
        """Run it and return what it returns, if anything."""
        form = self._form(connection.dialect)
        return form.run(connection, form.bound(values))

    def column(self, connection: Connection, **values: Any) -> list[Any]:
        """Run it and return the first value of each row."""
        return [row[0] for row in self.rows(connection, **values)]

    def each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Run it with the values of each row; return what it returns. See `insert_each`, `update_each`."""
        form = self._form(connection.dialect)
        if form.takes_rows:
            return self.rows(connection, rows=rows, count=len(rows))
        if form.returns:
            return [found for row in rows for found in self.rows(connection, **row)]
        return form.run(connection, [form.bound(row) for row in rows], many=True)

    def _form(self, dialect: Dialect) -> "Form":
        form = self._forms.get(dialect.name)
        if form is None:
            statement = self._statement
            chosen = statement[dialect.name] if isinstance(statement, Mapping) else statement
            form = self._forms[dialect.name] = Form(chosen, dialect)
        return form


class Form:
    """A statement as one engine takes it, and what happens to values on their way in and out."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._places: list[str] | None = compiled.positiontup
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self.takes_rows = _ROWS in binds
        into = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()}
        self._into = [(name, change) for name, change in into.items() if change is not None]
        self._constants = {name: bind.value for name, bind in binds.items() if not bind.required}
        types: list[TypeEngine[Any]] = [found.type for found in statement.exported_columns]
        self.returns = bool(types)
        out_of = [type_.dialect_impl(dialect).result_processor(dialect, None) for type_ in types]
        self._out_of = [(place, change) for place, change in enumerate(out_of) if change is not None]

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Return parameters as the driver wants them."""
        found = {**self._constants, **values}
        for name, change in self._into:
            value = found[name]
            if value is not None:
                found[name] = change(value)
        return found if self._places is None else tuple(map(found.__getitem__, self._places))

    def run(self, connection: Connection, parameters: Any, *, many: bool = False) -> list[Row]:
        """Have the driver run it, and return rows as our types have them. Raises as SQLAlchemy would."""
        raw: Any = connection.connection.dbapi_connection
        try:
            cursor = raw.cursor()
            (cursor.executemany if many else cursor.execute)(self.sql, parameters)
            found = cursor.fetchall() if self.returns else []
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_usual(connection, raw, error) from error
        return [self._changed(list(row)) for row in found] if self._out_of else found

    def _changed(self, row: list[Any]) -> Row:
        for place, change in self._out_of:
            value = row[place]
            if value is not None:
                row[place] = change(value)
        return row


def _as_usual(connection: Connection, raw: Any, error: Any) -> Any:
    """A driver's error as SQLAlchemy's; a connection that is lost is not used again."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, raw, None)
    if lost:
        connection.invalidate(error)
    kind = dialect.loaded_dbapi.Error
    return DBAPIError.instance(None, None, error, kind, hide_parameters=True, connection_invalidated=lost)


def insert_for(table: Table) -> dict[str, sqlite.Insert | postgresql.Insert]:
    """Return for each dialect an INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return {"postgresql": postgresql.insert(table), "sqlite": sqlite.insert(table)}


def insert_each(table: Table, *returning: Column[Any]) -> Prepared:
    """Return an INSERT of many rows, each with all columns of its table; of none that is there already."""
    names = [column.name for column in table.c if column is not table.autoincrement_column]
    new, rows = insert_for(table), _rows(table, {name: name for name in names})
    each = {
        "sqlite": new["sqlite"].values({name: bindparam(name) for name in names}),
        "postgresql": new["postgresql"].from_select(names, select(*rows.c)),
    }
    once = {dialect: insert.on_conflict_do_nothing() for dialect, insert in each.items()}
    return Prepared({dialect: insert.returning(*returning) for dialect, insert in once.items()} if returning else once)


@cache
def update_each(table: Table, *columns: str) -> Prepared:
    """Return an UPDATE of these columns in many rows, each found by its `row_id`."""
    rows = _rows(table, {"row_id": "id"} | {name: name for name in columns})
    one_by_one = update(table).where(table.c.id == bindparam("row_id"))
    at_once = update(table).where(table.c.id == rows.c.row_id)
    return Prepared(
        {
            "sqlite": one_by_one.values({name: bindparam(name) for name in columns}),
            "postgresql": at_once.values({name: rows.c[name] for name in columns}),
        }
    )


def _rows(table: Table, columns: Mapping[str, str]) -> Subquery:
    """Rows in one parameter, as PostgreSQL takes them. columns: name there → of which column."""
    typed = [column(name, table.c[of].type) for name, of in columns.items()]
    rows = func.json_to_recordset(cast(bindparam(_ROWS, type_=_Rows), JSON)).table_valued(*typed)
    # With a limit it is known that they are few, and that an index is the way to their like.
    return select(rows.render_derived(with_types=True)).limit(bindparam(_COUNT)).subquery()


class _Rows(TypeDecorator[Sequence[Mapping[str, Any]]]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        del dialect
        return json.dumps(value, default=_plain)


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else str(value)


class among(FunctionElement[bool]):  # noqa: N801 - read as a function
    """Whether a column's value is one of those in the parameter `among`: one text however many they are."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column, bindparam("among", type_=_Any(column.type)))

    def self_group(self, against: Any = None) -> "among":
        """Stay as it is: SQLite would use no index for `(...) = 1`."""
        del against
        return self


@compiles(among)
def _in_array(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY({values})"


@compiles(among, "sqlite")
def _in_json(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both are SQL already


class _Any(TypeDecorator[Iterable[Any]]):
    """Any number of values in one parameter: JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, each: TypeEngine[Any]) -> None:
        super().__init__()
        self.each = each

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.each) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps([_spelled(one) for one in value])


def _spelled(value: object) -> object:
    return value.hex if isinstance(value, UUID) else value
