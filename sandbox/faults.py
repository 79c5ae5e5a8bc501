"""Fault switches: plain attributes that tell those who wait when one of them is flipped."""

import asyncio
import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sandbox.traffic import Json


class Switches:
    """Base of a dataclass of switches, each with a default that means "no fault"."""

    _watchers: list[Callable[[], None]]
    _flipped: asyncio.Event

    def __post_init__(self) -> None:
        object.__setattr__(self, "_watchers", [])
        object.__setattr__(self, "_flipped", asyncio.Event())

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if hasattr(self, "_flipped"):
            self._announce()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after every change."""
        self._watchers.append(watcher)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds; it is looked at after every change."""
        while not condition():
            await self._flipped.wait()

    def state(self) -> Json:
        """Return every switch and its position, ready for JSON."""
        return {field.name: copy.deepcopy(getattr(self, field.name)) for field in self._fields()}

    def reset(self) -> None:
        """Switch every fault off."""
        self.patch(type(self)().state())

    def patch(self, partial: Mapping[str, object]) -> None:
        """Set some switches.

        Raises:
            ValueError: an unknown switch or a value of another kind, in a sentence; nothing was set.
        """
        settings = {name: self._checked(name, value) for name, value in partial.items()}
        for name, value in settings.items():
            object.__setattr__(self, name, value)
        self._announce()

    def _checked(self, name: str, value: object) -> object:
        known = {field.name: getattr(type(self)(), field.name) for field in self._fields()}
        if name not in known:
            raise ValueError(f"There is no switch named {name!r}. There are: {', '.join(known)}.")
        return _like(known[name], value, name)

    def _fields(self) -> tuple[Any, ...]:
        return fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass

    def _announce(self) -> None:
        self._flipped.set()
        object.__setattr__(self, "_flipped", asyncio.Event())
        for watcher in self._watchers:
            watcher()


class Remembered:
    """Switches flipped through this can be put back, each to where it was before its first flip."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._before: Json = {}

    def flip(self, positions: Mapping[str, object]) -> None:
        """Set some switches; errors as of `Switches.patch`."""
        before = self._switches.state()
        self._switches.patch(positions)
        self._before = {name: before[name] for name in positions} | self._before

    def put_aside(self) -> None:
        """Switch off whatever is on."""
        off, now = type(self._switches)().state(), self._switches.state()
        self.flip({name: value for name, value in off.items() if now[name] != value})

    def put_back(self) -> None:
        """Undo every flip."""
        self._switches.patch(self._before)
        self.forget()

    def forget(self) -> None:
        """Leave the switches as they are now."""
        self._before = {}


def _like(default: object, value: object, name: str) -> object:
    """Return `value` in the type of `default`, or say what it should have been."""
    if isinstance(default, bool | str) and isinstance(value, type(default)):
        return value
    if isinstance(default, dict) and isinstance(value, dict):
        return {str(key): str(word) for key, word in value.items() if word}
    if isinstance(default, list) and isinstance(value, list):
        return [_scripted(pair, name) for pair in value]
    if type(default) in (int, float) and isinstance(value, int | float) and not isinstance(value, bool):
        if value >= 0 and math.isfinite(value):
            return float(value) if isinstance(default, float) else int(value)
        raise ValueError(f"{name} must be a number that is not negative.")
    raise ValueError(f"{name} must be a {_WORDS[type(default)]}.")


def _scripted(pair: object, name: str) -> tuple[int, object]:
    if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], int):
        return pair[0], pair[1]
    raise ValueError(f"{name} must be a list of [HTTP status, body] pairs.")


_WORDS: Mapping[type, str] = {
    bool: "true or false",
    str: "word in quotes, empty for off",
    dict: "map of words",
    list: "list",
    int: "number",
    float: "number",
}
