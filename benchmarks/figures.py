"""Rounds → medians, ratios, goals, one table. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measured:
    """One quantity, once per round. unit: "ms", "/s", "s", "MiB", "×" or a word after a count."""

    rounds: tuple[float, ...]
    unit: str = "×"

    @property
    def median(self) -> float:
        """The middle round."""
        return median(self.rounds)

    def over(self, base: "Measured") -> "Measured":
        """Return this as a ratio to what was measured beside it: round by round where both have as many."""
        if len(self.rounds) == len(base.rounds):
            return Measured(tuple(ours / theirs for ours, theirs in zip(self.rounds, base.rounds, strict=True)))
        return Measured(tuple(ours / base.median for ours in self.rounds))

    def less(self, amount: float) -> "Measured":
        """Return this with so much taken off each round."""
        return Measured(tuple(value - amount for value in self.rounds), self.unit)

    def __str__(self) -> str:
        """`2.1 ms (1.9–2.4)`: the median, the least and the most."""
        unit = self.unit if self.unit in ("×", "/s") else f" {self.unit}"
        spread = f" ({_short(min(self.rounds))}–{_short(max(self.rounds))})" if len(set(self.rounds)) > 1 else ""
        return f"{_short(self.median)}{unit}{spread}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached, by the ratio or, where the promise is a plain amount, by ours itself.

    plus: ours may be so much above the bound times the floor, in its own unit.
    """

    relation: Literal["<=", ">="]
    bound: float
    of: Literal["ratio", "ours"] = "ratio"
    plus: float = 0

    def met_by(self, value: Measured) -> bool:
        """Whether the median keeps it."""
        return value.median <= self.bound if self.relation == "<=" else value.median >= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, against whom. Neither floor nor peer where the goal is a plain amount."""

    name: str
    ours: Measured
    floor: Measured | None = None
    peer: Measured | None = None
    goal: Goal | None = None
    against: str = ""  # who the floor or the peer is

    @property
    def ratio(self) -> Measured | None:
        """Ours over the floor, else over the peer."""
        return None if self._base is None else self.ours.over(self._base)

    @property
    def _base(self) -> Measured | None:
        return self.floor or self.peer

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where none was set."""
        if self.goal is None:
            return None
        if self.goal.of == "ours":
            return self.goal.met_by(self.ours)
        if self._base is None:
            raise ValueError(f"{self.name}: a goal for a ratio needs a floor or a peer")
        return self.goal.met_by(self.ours.less(self.goal.plus).over(self._base))


HEAD = ("figure", "ours", "floor", "peer", "ratio", "goal", "met")


def table(figures: Sequence[Figure]) -> str:
    """Return all rows as one Markdown table, its columns padded so that a terminal shows it well, too."""
    rows = [HEAD, *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share (0 to 1) of all do not exceed: the nearest rank, never an invented value."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered), -int(-share * len(ordered) // 1)) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the least-squares slope of y over x."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def _row(figure: Figure) -> tuple[str, ...]:
    sides = [f"{side} {figure.against}".rstrip() if side is not None else "" for side in (figure.floor, figure.peer)]
    ratio = "" if figure.ratio is None else str(figure.ratio)
    verdict = {None: "", True: "yes", False: "**no**"}[figure.met]
    return figure.name, str(figure.ours), *sides, ratio, _goal(figure), verdict


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    unit = "×" if figure.goal.of == "ratio" else figure.ours.unit
    sign = "≤" if figure.goal.relation == "<=" else "≥"
    more = f" + {figure.goal.plus:g} {figure.ours.unit}" if figure.goal.plus else ""
    return f"{sign} {figure.goal.bound:g}{unit if unit in ('×', '/s') else f' {unit}'}{more}"


def _short(value: float) -> str:
    """Three digits that matter, thousands in full."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
