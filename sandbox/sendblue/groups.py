"""The group chat of the demo: one of our lines and a few people."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.traffic import Json


@dataclass(frozen=True, slots=True)
class Group:
    """A group chat on the phones. `people` are its members' numbers, without ours."""

    id: str
    name: str
    people: tuple[str, ...]

    def event(self) -> Json:
        """Return it as the page reads it."""
        return {"id": self.id, "name": self.name, "people": list(self.people)}

    def fields(self, line: str) -> Mapping[str, object]:
        """Return what a message says of the group it was written in. Source: a captured webhook."""
        return {"group_id": self.id, "group_display_name": self.name, "participants": [*self.people, line]}


GROUP = Group("7c1f5a52-3f0e-4a3c-9d55-5f1f6c6f2b11", "Friday dinner", ("+14155553101", "+14155553102", "+14155553103"))
