"""What a bug to be planted is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bug:
    """plant: makes it, while entered. says: how the promise it breaks is worded. seed: found it last; tried first."""

    plant: Callable[[], AbstractContextManager[Any]]
    says: str
    seed: int
