"""What machines ask."""

import asyncio
from datetime import timedelta

import pytest

from bot.errors import NotStored
from tests.conftest import Stage, until


async def test_a_running_house_is_up_and_ready(stage: Stage) -> None:
    assert (await stage.get("/healthz")).text == "ok\n"
    answer = await stage.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": {"announcing": "ok", "database": "ok", "scheduler": "ok", "sending": "ok"},
    }


async def test_it_is_not_ready_when_the_database_is_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stage.house is not None

    async def away(*_: object) -> None:
        raise NotStored("OperationalError")

    monkeypatch.setattr(stage.house.store, "read", away)
    answer = await stage.get("/readyz")
    assert answer.status_code == 503
    assert "cannot be read" in answer.json()["checks"]["database"]
    assert (await stage.get("/metrics")).status_code == 200


async def test_it_is_not_ready_when_nothing_writes_or_works_any_more(stage: Stage) -> None:
    house = stage.house
    assert house is not None
    await house.jobs.stop(grace=1)
    await house.duties[0].stop(grace=1)
    await asyncio.to_thread(house.store._writer.stop)
    checks = (await stage.get("/readyz")).json()["checks"]
    assert "writer has stopped" in checks["database"]
    assert "not running" in checks["announcing"]
    assert "not running" in checks["scheduler"]


async def test_a_scheduler_that_stopped_ticking_is_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house = stage.house
    assert house is not None
    real = house.clock
    monkeypatch.setattr(house.jobs, "_clock", lambda: real() + timedelta(minutes=5))
    assert "has not ticked" in house.jobs.problem


async def test_work_goes_on_after_the_database_was_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house = stage.house
    assert house is not None
    real = house.store.write

    async def away(*_: object, **__: object) -> None:
        raise NotStored("OperationalError")

    monkeypatch.setattr(house.store, "write", away)
    answer = await stage.text()
    assert answer.text.startswith("Not sent: I could not store your message")
    await until(lambda: house.duties[0].problem and house.duties[1].problem)
    monkeypatch.setattr(house.store, "write", real)
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert len(stage.bubbles()) == 1


async def test_a_surprise_in_one_job_stops_nothing_else(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house = stage.house
    assert house is not None
    real, times = house.announcing._notifier.post, []

    async def surprising(*arguments: object, **named: object) -> object:
        times.append(1)
        if len(times) == 1:
            raise ZeroDivisionError
        return await real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(house.announcing._notifier, "post", surprising)
    await stage.text()
    await until(lambda: times)
    await stage.text(channel="G0TEAM")
    await until(lambda: any("Delivered" in text for text in stage.replies("G0TEAM")))


async def test_metrics_are_prometheus_text_with_the_backlog(stage: Stage) -> None:
    stage.slack.faults.down = True
    await stage.text()
    answer = await stage.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'bluethread_due{kind="waiting"} 1.0' in answer.text
    assert "process_resident_memory_bytes" in answer.text
