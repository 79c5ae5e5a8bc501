"""What SQLite and PostgreSQL both have and SQLAlchemy names twice."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_for(table: Table) -> dict[str, sqlite.Insert | postgresql.Insert]:
    """Return for each dialect an INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return {"postgresql": postgresql.insert(table), "sqlite": sqlite.insert(table)}
