"""Who may text customers, and from where."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """channels, users, groups: Slack ids (`C…`/`G…`/`D…`, `U…`/`W…`, `S…`); all empty: everybody, everywhere."""

    channels: Collection[str] = ()
    users: Collection[str] = ()
    groups: Collection[str] = ()
    guests: bool = False
