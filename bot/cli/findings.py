"""What one check of `python -m bot doctor` found."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warning", "problem", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a diagnosis. says: what was found. todo: what to do, "" when nothing is."""

    name: str
    verdict: Verdict
    says: str
    todo: str = ""


def skipped(why: str, *names: str) -> list[Finding]:
    return [Finding(name, "skipped", why) for name in names]
