"""Who holds what in a simulated world, and when each slot was used: nobody takes what another holds."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

_LONGEST_SHUT = timedelta(seconds=61)


class Claims:
    """Leases and slots, by the true clock."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.held: dict[str, tuple[int, datetime]] = {}  # id → fence and end of the lease of the claim at work
        self._fences: dict[str, int] = {}
        self.used: dict[str, datetime] = {}  # slot → its last use
        self._shut: dict[str, datetime] = {}  # slot → until when a neighbour said to wait

    def slots_set(self) -> None:
        """Somebody has set the clock by which slots go."""
        self.used.clear()
        self._shut.clear()

    def takes(self, id: str, fence: int, lease: timedelta) -> None:  # noqa: A002
        now = self._world.now
        if id in self.held and now < self.held[id][1]:
            self._world.watch.broken(f"{id} is claimed while somebody holds it")
        if fence <= self._fences.get(id, 0):
            self._world.watch.broken(f"{id} is claimed without raising its fence")
        self.held[id], self._fences[id] = (fence, now + lease), fence

    def taken_away(self, id: str) -> None:  # noqa: A002
        """Whoever is at it is not any more."""
        self.held.pop(id, None)
        self._fences[id] = self._fences.get(id, 0) + 1

    def gives_back(self, id: str, fence: int, held: bool) -> None:  # noqa: A002
        if held != (self._fences[id] == fence):
            self._world.watch.broken(f"{id} is finished by somebody whose claim is over")
        if held:
            self.held.pop(id, None)

    def uses(self, key: str, interval: timedelta) -> None:
        now = self._world.now
        if key in self.used and now - self.used[key] < interval * 0.9:  # it may count from when it became free
            self._world.watch.broken(f"{key} is used twice within {interval}")
        if now < self._shut.get(key, now):
            self._world.watch.broken(f"{key} is used before {self._shut[key]}")
        self.used[key] = now

    def shuts(self, key: str, wait: timedelta) -> None:
        until = self._world.now + wait
        self._shut[key] = max(until, self._shut.get(key, until))
