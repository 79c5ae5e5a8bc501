"""`python -m bot messages`: what customers wrote stands among what was sent to them."""

import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.domain.message import Inbound
from bot.storage.database import open_database
from bot.storage.forgetting import forget_many
from bot.storage.history import PAGE
from bot.storage.inbound import Arrival, take_many
from bot.storage.schema import migrate
from tests.conftest import CUSTOMER, LINE, Stage, until
from tests.statements import doing
from tests.test_messages import run, table

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET, DOOR, STRANGER = "webhook-secret", "/sendblue/webhook", "+14155550123"
Take = Callable[..., None]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def take(database_url: str) -> Take:
    """Store what customers say, a second apart unless it says when."""

    def taken(*all_changes: dict[str, Any], inbox: str = "C0INBOX") -> None:
        database = open_database(database_url)
        migrate(database)
        usual = {"line": LINE, "customer": CUSTOMER, "text": "Hi", "files": ()}
        items = [
            Arrival(
                Inbound(**usual | {"handle": uuid4().hex, "at": NOON + timedelta(seconds=n)} | changes),
                inbox,
                by_webhook=True,
            )
            for n, changes in enumerate(all_changes)
        ]
        for start in range(0, len(items), PAGE):
            database.write(lambda tx, start=start: take_many(tx, items[start : start + PAGE]))  # type: ignore[misc]
        database.close()

    return taken


@pytest.fixture
async def talking(open_stage: Callable[..., Any], environment: dict[str, str]) -> Stage:
    """A stage whose customer was texted once, and whose answers reach the webhook."""
    stage: Stage = await open_stage(sendblue_webhook_secret=SECRET, inbox_channel="C0RANDOM")
    stage.sendblue.webhook_url = f"{stage.settings.public_url}{DOOR}"
    stage.sendblue.webhook_secret = SECRET
    await stage.text()
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    return stage


async def shown(stage: Stage, text: str) -> None:
    """Wait until this stands in the thread, and until that is stored."""
    await until(lambda: any(text in reply for reply in stage.replies()))
    await until(lambda: all(one["over"] for one in listed() if one["direction"] == "in"))


def listed(*options: str) -> list[dict[str, Any]]:
    code, said = run("--json", *options)
    assert code == 0
    found: list[dict[str, Any]] = json.loads(said)
    return found


async def test_both_ways_stand_in_one_list_each_with_its_direction(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "Eight works")
    await shown(talking, "Eight works")
    await talking.text("See you then")
    assert [(one["direction"], one["text"]) for one in listed()] == [
        ("out", "See you then"),
        ("in", "Eight works"),
        ("out", "Table at eight?"),
    ]
    lines = run()[1].splitlines()
    assert f"  from {CUSTOMER}" in lines[2]
    assert lines[2].endswith("  shown")
    assert f"  to   {CUSTOMER}" in lines[3]


async def test_an_answer_tells_its_times_where_it_stands_and_what_came_with_it(talking: Stage) -> None:
    url = "https://storage.googleapis.com/inbound/1/IMG_0042.heic?token=secret"
    await talking.sendblue.customer_says(CUSTOMER, "Eight works", media_url=url)
    await shown(talking, "IMG_0042")
    [one, _] = listed()
    code, said = run(one["id"])
    assert code == 0
    fields = {line[2:13].strip(): line[13:] for line in said.splitlines()[1:]}
    assert fields["from"] == f"{CUSTOMER}, line {LINE}"
    assert fields["text"] == "“Eight works”"
    assert fields["file"] == "IMG_0042.heic"
    assert fields["status"] == "shown"
    assert fields["place"] == f"C0GENERAL, in the thread {talking.root().ts}"
    written = datetime.strptime(fields["written"], "%Y-%m-%d %H:%M:%S UTC, by Sendblue's clock").replace(tzinfo=UTC)
    stored = datetime.strptime(fields["stored"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    assert abs(stored - written) < timedelta(seconds=10)
    assert "token" not in said + run(one["id"], "--json")[1] + run("--csv", "-")[1]
    again = json.loads(run(one["id"], "--json")[1])
    assert again.items() >= one.items()
    assert (again["thread_ts"], again["files"]) == (talking.root().ts, "IMG_0042.heic")


async def test_an_edit_and_what_it_was_before_name_each_other(talking: Stage) -> None:
    body = {"message_handle": "h-1", "is_outbound": False, "from_number": CUSTOMER, "sendblue_number": LINE}
    for words in ("Eight works", "Nine works"):
        await talking.callback(body | {"content": words}, path=DOOR, headers={"sb-signing-secret": SECRET})
    await shown(talking, "Nine works")
    after, before = listed()[:2]
    assert {after["handle"], before["handle"]} == {"h-1"}
    assert f"“edited: Nine works” ({after['id']})" in run(before["id"])[1]
    assert f"“Eight works” ({before['id']})" in run(after["id"])[1]


async def test_a_message_that_opts_out_says_so_and_who_undid_it(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "STOP")
    await shown(talking, "Opted out")
    [stop, _] = listed()
    assert (stop["text"], stop["notice"]) == ("STOP", "stopped")
    assert "status     shown, opted out" in run(stop["id"])[1]
    reply = talking.slack.replies("C0GENERAL", talking.root().ts)[-1]
    [button] = [element for block in reply.blocks for element in block.get("elements", []) if "action_id" in element]
    await talking.slack.click("C0GENERAL", reply.ts, button["action_id"], button["value"])
    await shown(talking, "they asked to continue")
    assert "noted that they asked to continue" in run(stop["id"])[1]
    [undone] = json.loads(run(stop["id"], "--json")[1])["others"]
    assert (undone["direction"], undone["notice"], undone["author"]) == ("note", "undone", "U0ANA")


def test_what_no_channel_shows_yet_is_open(take: Take, environment: dict[str, str]) -> None:
    take({"text": "Hello?"}, {"text": "Anybody?"}, inbox="")
    assert [one["text"] for one in listed("--open")] == ["Anybody?", "Hello?"]
    assert {one["over"] for one in listed()} == {False}
    said = run(listed()[0]["id"])[1]
    assert "status     not shown yet" in said
    assert "place      none yet: set INBOX_CHANNEL" in said


async def test_what_is_shown_is_not_open(talking: Stage) -> None:
    await talking.sendblue.customer_says(STRANGER, "Do you have a table?")
    await until(lambda: talking.roots("C0RANDOM"))
    await talking.sendblue.customer_says(STRANGER, "For two")
    await until(lambda: talking.replies("C0RANDOM"))
    await until(lambda: [one["over"] for one in listed("--number", STRANGER)] == [True, True])
    assert listed("--open", "--number", STRANGER) == []


def test_conditions_are_about_both_ways(take: Take, environment: dict[str, str]) -> None:
    take({"text": "old", "at": NOON - timedelta(days=40)}, {"text": "new"}, {"text": "other", "customer": STRANGER})
    assert [one["text"] for one in listed("--number", CUSTOMER)] == ["new", "old"]
    assert [one["text"] for one in listed("--since", "2026-11-01")] == ["other", "new"]
    assert [one["text"] for one in listed("--limit", "1")] == ["other"]
    assert listed("--failed") == []


@pytest.mark.parametrize("who", ["72345", "AMAZON", "ana@example.com"])
def test_who_writes_from_no_phone_is_found_as_well(take: Take, environment: dict[str, str], who: str) -> None:
    take({"customer": who}, {})
    assert [one["customer"] for one in listed("--number", who)] == [who]


def test_forgotten_words_stay_forgotten_with_who_said_them(
    take: Take, environment: dict[str, str], database_url: str
) -> None:
    old = {"text": "old secret", "at": NOON - timedelta(days=40), "files": ("https://a.example/cat.jpg",)}
    take(old, {"text": "new"})
    database = open_database(database_url)
    database.write(doing("UPDATE threads SET due_at = NULL"))
    age = database.clock() - NOON + timedelta(days=30)
    assert database.write(lambda tx: forget_many(tx, [age])) == [1]
    database.close()
    [new, gone] = listed()
    assert (new["text"], new["customer"]) == ("new", CUSTOMER)
    assert (gone["text"], gone["customer"], gone["files"]) == ("", "", "")
    assert [one["text"] for one in listed("--number", CUSTOMER)] == ["new"]
    said = run(gone["id"])[1]
    assert "from       a deleted number" in said
    assert "text       deleted" in said
    assert CUSTOMER not in said + run(gone["id"], "--json")[1]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_export_has_each_answer_once_in_order_and_takes_no_more_memory_when_there_are_more(
    take: Take, environment: dict[str, str], tmp_path: Path
) -> None:
    peaks = []
    for count in range(1, 4):
        take(*({"at": NOON + timedelta(seconds=n // 700)} for n in range(PAGE)))
        tracemalloc.start()
        assert run("--csv", "all.csv")[0] == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        rows = table((tmp_path / "all.csv").read_text())
        assert len({row["id"] for row in rows}) == len(rows) == PAGE * count
        assert [row["accepted_at"] for row in rows] == sorted(row["accepted_at"] for row in rows)
    assert peaks[2] < peaks[1] * 1.2
