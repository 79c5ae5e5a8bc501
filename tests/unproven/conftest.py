"""Everything here happens on SQLite, and in a hurry: there are many positions, and most of each would be waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.backoff import backoff
from tests.conftest import Stage

InEach = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come after a tenth of their time."""

    def soon(*tries: Any, **bounds: float) -> timedelta:
        return backoff(*tries, **bounds) / 10

    monkeypatch.setattr("bot.services.announcing.backoff", soon)
    monkeypatch.setattr("bot.services.sending.backoff", soon)
    monkeypatch.setattr("bot.services.carrying.backoff", soon)


@pytest.fixture
async def open_stage(open_stage: Callable[..., Any]) -> Callable[..., Any]:
    """Open a stage whose bot asks often."""

    async def opened(**changes: Any) -> Stage:
        often = {"repoll_interval": 0.1, "stale_after": 0.2, "sendblue_timeout": 0.8}
        return await open_stage(**(often | changes))

    return opened


@pytest.fixture
def in_each(open_stage: Callable[..., Any], tmp_path: Path) -> InEach:
    """Play one scene in several positions, four at a time, each on a stage of its own; an error names its position."""
    slots = asyncio.Semaphore(4)

    async def played(positions: Iterable[Any], scene: Callable[..., Awaitable[None]], **settings: Any) -> None:
        async def one(number: int, position: Any) -> None:
            async with slots:
                stage = await open_stage(database_url=f"sqlite:///{tmp_path / str(number)}.db", **settings)
                try:
                    await scene(stage, position)
                except Exception as error:
                    error.add_note(f"in the position {position!r}")
                    raise
                finally:
                    await stage.stop()

        async with asyncio.TaskGroup() as group:
            for number, position in enumerate(positions):
                group.create_task(one(number, position))

    return played
