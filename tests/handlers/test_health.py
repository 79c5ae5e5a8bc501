"""What machines ask."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import metrics
from bot.errors import CallFailed, NotSent, NotStored, Refused, Uncertain
from bot.storage.pacing import close_slots
from tests.conftest import LINE, Stage, until
from tests.deployment import ROOT
from tests.statements import by_writer, doing


async def test_a_running_house_is_up_and_ready(stage: Stage) -> None:
    assert (await stage.get("/healthz")).text == "ok\n"
    await until(lambda: sum(call.method == "GET /api/v2/messages" for call in stage.sendblue.calls) >= 4)
    await asyncio.sleep(0.1)  # the two lists of both lines are read, and that is stored
    answer = await stage.get("/readyz")
    assert answer.status_code == 200
    duties = ("announcing", "carrying", "doubting", "noting", "polling", "reading back", "receiving", "sending")
    checks = (*duties, "database", "scheduler", "schema")
    assert answer.json() == {
        "ready": True,
        "checks": dict.fromkeys(checks, "ok"),
        "facts": {
            "due": {
                **dict.fromkeys(("announce", "carry", "catch_up", "doubt", "note", "poll", "read_back", "send"), 0),
            },
            "seconds_behind": {},
            "last_callback_age_seconds": None,
            "callbacks_missing": False,
            "answers_missing": False,
            "unshown": 0,
            "oldest_unshown_seconds": None,
            "customers_without_channel": 0,
        },
    }


async def test_it_is_not_ready_when_the_database_is_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stage.app is not None

    async def away(*_: object, **__: object) -> None:
        raise NotStored("OperationalError")

    monkeypatch.setattr(stage.app.store, "read", away)
    answer = await stage.get("/readyz")
    assert answer.status_code == 503
    assert "cannot be read" in answer.json()["checks"]["database"]
    monkeypatch.setattr(stage.app.store, "write", away)
    answer = await stage.get("/readyz")
    assert answer.status_code == 503
    assert "does not store anything" in answer.json()["checks"]["database"]
    assert "facts" not in answer.json()
    assert (await stage.get("/metrics")).status_code == 200


async def test_it_is_not_ready_when_nothing_writes_or_works_any_more(stage: Stage) -> None:
    app = stage.app
    assert app is not None
    await app.jobs.stop(grace=1)
    await app.workers[0].stop(grace=1)
    await asyncio.to_thread(app.store._writer.stop, 10)
    checks = (await stage.get("/readyz")).json()["checks"]
    assert "writer has stopped" in checks["database"]
    assert "not running" in checks["announcing"]
    assert "not running" in checks["scheduler"]


async def test_a_scheduler_that_stopped_ticking_is_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    app = stage.app
    assert app is not None
    real = app.clock
    monkeypatch.setattr(app.jobs, "clock", lambda: real() + timedelta(minutes=5))
    assert "has not run" in app.jobs.problem


async def test_work_goes_on_after_the_database_was_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    app = stage.app
    assert app is not None
    real = app.store.write

    async def away(*_: object, **__: object) -> None:
        raise NotStored("OperationalError")

    monkeypatch.setattr(app.store, "write", away)
    answer = await stage.text()
    assert answer.text.startswith("Not sent: I could not store your message")
    await until(lambda: app.workers[0].problem and app.workers[1].problem)
    monkeypatch.setattr(app.store, "write", real)
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert len(stage.bubbles()) == 1


async def test_a_surprise_in_one_job_stops_nothing_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    app = stage.app
    assert app is not None
    real, times = app.notifier.post, []

    async def surprising(*arguments: object, **named: object) -> object:
        times.append(1)
        if len(times) == 1:
            raise ZeroDivisionError
        return await real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(app.notifier, "post", surprising)
    await stage.text()
    await until(lambda: times)
    await stage.text(to="+14155550132", channel="G0TEAM")
    await until(lambda: any("Delivered" in text for text in stage.replies("G0TEAM")))
    assert "duty_failed" in logged()


async def test_metrics_are_prometheus_text_with_the_backlog(stage: Stage) -> None:
    stage.slack.faults.down = True
    await stage.text()
    answer = await stage.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'bluethread_open_sends{delivery="accepted"} 1.0' in answer.text
    assert "process_resident_memory_bytes" in answer.text


async def test_what_happens_is_counted(stage: Stage) -> None:
    def of(text: str) -> dict[str, float]:
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    before = of((await stage.get("/metrics")).text)
    await stage.text()
    await stage.slack.type("/imessage help")
    await stage.slack.type("/imessage nonsense")
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    await stage.callback(b"{")
    await asyncio.sleep(0.1)
    after = of((await stage.get("/metrics")).text)
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    once = (
        'bluethread_commands_total{result="accepted"}',
        'bluethread_commands_total{result="help"}',
        'bluethread_commands_total{result="refused"}',
        'bluethread_sends_total{outcome="taken"}',
        'bluethread_reports_total{new="yes",source="send",status="queued"}',
        'bluethread_reports_total{new="yes",source="callback",status="delivered"}',
        'bluethread_milestone_seconds_count{milestone="opened"}',
        'bluethread_milestone_seconds_count{milestone="queued"}',
        'bluethread_milestone_seconds_count{milestone="delivered"}',
        'bluethread_calls_total{method="send-message",neighbour="sendblue",result="ok"}',
        'bluethread_requests_total{door="callback",status="400"}',
    )
    assert {name: grown[name] for name in once} == dict.fromkeys(once, 1)
    assert grown['bluethread_calls_total{method="chat.postMessage",neighbour="slack",result="ok"}'] >= 2
    assert grown["bluethread_announce_lag_seconds_count"] >= 1
    assert grown["bluethread_commit_batch_size_count"] >= 5
    assert after["bluethread_last_callback_age_seconds"] < 10


async def test_metrics_keep_numbers_names_and_texts_to_themselves(stage: Stage) -> None:
    await stage.text("Zebra at eight?")
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    text = (await stage.get("/metrics")).text
    assert not any(
        private in text for private in ("Zebra", "4155552671", "C0GENERAL", "U0ANA", stage.bubbles()[0].handle)
    )


async def test_metrics_want_their_token_where_there_is_one(open_stage: Callable[..., Any]) -> None:
    stage: Stage = await open_stage(metrics_token="open-sesame")
    assert (await stage.get("/metrics")).status_code == 401
    for given, status in (("Bearer open-sesame", 200), ("Bearer open", 401), ("Bearer ö".encode(), 401)):
        async with httpx.AsyncClient(verify=False) as http:
            answer = await http.get(f"{stage.url}/metrics", headers={"authorization": given})
        assert answer.status_code == status
    assert (await stage.get("/readyz")).status_code == 200


async def test_work_that_stands_still_though_it_is_due_is_noticed(stage: Stage) -> None:
    app = stage.app
    assert app is not None
    await app.workers[1].stop(grace=1)
    app.workers[1]._loop = asyncio.create_task(asyncio.sleep(60))  # alive, and doing nothing
    await stage.text()
    await until(stage.shown)
    assert (await stage.get("/readyz")).status_code == 200
    hour_ago = app.clock() - timedelta(hours=1)
    await app.store.write(by_writer(doing("UPDATE sends SET send_at = :hour_ago", hour_ago=hour_ago)), None)
    app.workers[1].busy_at = hour_ago
    answer = await stage.get("/readyz")
    assert answer.status_code == 503
    assert "no process does it" in answer.json()["checks"]["sending"]
    assert answer.json()["facts"]["seconds_behind"]["send"] > 3500
    app.workers[1]._loop.cancel()


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_process_that_leaves_the_work_to_others_notices_that_nobody_does_it(
    open_stage: Callable[..., Any],
) -> None:
    stage: Stage = await open_stage(web_also_works=False)
    app = stage.app
    assert app is not None
    await stage.text()
    assert (await stage.get("/readyz")).status_code == 200
    hour_ago = app.clock() - timedelta(hours=1)
    await app.store.write(by_writer(doing("UPDATE threads SET due_at = :hour_ago", hour_ago=hour_ago)), None)
    app.workers[0].busy_at = hour_ago
    answer = await stage.get("/readyz")
    assert answer.status_code == 503
    assert "no process does it" in answer.json()["checks"]["announcing"]


async def test_work_that_waits_for_its_slot_does_not_stand_still(stage: Stage) -> None:
    app = stage.app
    assert app is not None
    await app.workers[1].stop(grace=1)
    app.workers[1]._loop = asyncio.create_task(asyncio.sleep(60))
    await stage.text()
    await until(stage.shown)
    now = app.clock()
    app.workers[1].busy_at = now - timedelta(hours=1)

    long_due = doing("UPDATE sends SET send_at = :hour_ago", hour_ago=now - timedelta(hours=1))
    await app.store.write(by_writer(long_due), None)
    await app.store.write(by_writer(lambda tx: close_slots(tx, {LINE: now + timedelta(minutes=1)})), None)
    assert (await stage.get("/readyz")).status_code == 200
    assert 'bluethread_waiting_for_slot{kind="send"} 1.0' in (await stage.get("/metrics")).text
    app.workers[1]._loop.cancel()


@pytest.mark.parametrize(
    ("error", "result"),
    [
        *((None, "ok"), (Refused("is_archived"), "refused"), (NotSent("timeout"), "not_sent")),
        *((Uncertain("timeout"), "uncertain"), (asyncio.CancelledError(), "uncertain")),
    ],
)
def test_a_call_is_counted_by_how_it_ended_and_one_cut_short_is_not_ok(error: Any, result: str) -> None:
    def counted() -> dict[str, float]:
        named = {
            each: metrics.calls.labels("slack", "a.test", each) for each in ("ok", "refused", "not_sent", "uncertain")
        }
        return {each: counter._value.get() for each, counter in named.items()}

    before = counted()
    with suppress(CallFailed, asyncio.CancelledError), metrics.call("slack", "a.test"):
        if error is not None:
            raise error
    assert {each: after - before[each] for each, after in counted().items() if after > before[each]} == {result: 1}


def test_several_processes_on_one_host_are_counted_together(tmp_path: Path) -> None:
    count = "from bot import metrics; metrics.commands.labels('accepted').inc(2)"
    show = "from bot import metrics; print(metrics.exposition([]).decode())"
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environment, cwd=ROOT, check=True)
    shown = subprocess.run(
        [sys.executable, "-c", show], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert 'bluethread_commands_total{result="accepted"} 4.0' in shown
    assert "process_resident_memory_bytes" in shown
