"""The table of the benchmarks says what was measured, and its page what the two forms measure."""

import json
import re
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from subprocess import PIPE

import httpx
import pytest

from benchmarks.__main__ import MEASURES
from benchmarks.callback_requests import STATUSES, callback, handle, root_ts, send_id
from benchmarks.command_requests import commands
from benchmarks.databases import Sql, seed, sqlite
from benchmarks.figures import HEAD, Figure, Goal, Measured, percentile, slope, table
from benchmarks.inbound_requests import customer, record, webhooks
from benchmarks.page import between_marks
from benchmarks.reply_requests import NOTE, TERMS, TEXT, replies
from benchmarks.scale import QUICK, WHOLE
from benchmarks.servers import Server
from benchmarks.settings import environment
from benchmarks.waiting import QUESTIONS, without_index
from bot.sendblue.inbound import inbound_of
from bot.storage.database import open_database
from bot.storage.inbound import Arrival, take_many
from bot.storage.replies import Typed, take_replies
from bot.storage.schema import migrate
from handlers.typed import read_event
from sandbox.serving import serving
from tests.conftest import free_port

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "performance.md").read_text()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_ratio_is_taken_round_by_round_because_both_sides_shared_each_rounds_weather():
    ours, floor = Measured((2.0, 8.0, 3.0), "ms"), Measured((1.0, 2.0, 3.0), "ms")
    assert ours.over(floor).rounds == (2.0, 4.0, 1.0)
    assert ours.over(floor).median == 2.0


def test_where_one_side_has_one_value_every_round_is_compared_with_it():
    assert Measured((2.0, 3.0), "s").over(Measured((2.0,), "s")).rounds == (1.0, 1.5)


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal(">=", 0.5), True),
        (Goal(">=", 0.51), False),
        (Goal("<=", 0.5), True),
        (Goal("<=", 0.49), False),
        (Goal("<=", 10, "ours"), False),
        (Goal("<=", 50, "ours"), True),
        (Goal("<=", 0.4, plus=10), True),
        (Goal("<=", 0.39, plus=10), False),
    ],
)
def test_a_goal_is_met_by_the_median_up_to_its_bound(goal: Goal, met: bool):
    figure = Figure("f", Measured((10.0, 50.0, 90.0), "/s"), Measured((100.0, 100.0, 100.0), "/s"), goal=goal)
    assert figure.met is met


def test_without_a_goal_nothing_is_said_to_be_met():
    assert Figure("f", Measured((1.0,), "s")).met is None


def test_a_goal_for_a_ratio_needs_somebody_to_compare_with():
    with pytest.raises(ValueError, match="needs a floor or a peer"):
        _ = Figure("f", Measured((1.0,), "s"), goal=Goal("<=", 1)).met


def test_a_row_shows_medians_with_their_spread_and_a_missed_goal_stands_out():
    figure = Figure(
        "intake", Measured((900.0, 1000.0, 1200.0), "/s"), None, Measured((500.0,) * 3, "/s"), Goal(">=", 6), "each"
    )
    head, line, row = table([figure]).splitlines()
    assert cells(head) == list(HEAD)
    assert set(line) == {"|", "-"}
    assert cells(row) == ["intake", "1,000/s (900–1,200)", "", "500/s each", "2× (1.8–2.4)", "≥ 6×", "**no**"]
    assert len(head) == len(line) == len(row)


def test_a_goal_may_allow_for_more_than_a_multiple_of_the_floor():
    floor = Measured((4.0, 5.0), "ms")
    figure = Figure("p99", Measured((9.0, 16.0), "ms"), floor, goal=Goal("<=", 2, plus=5), against="bare")
    assert cells(table([figure]).splitlines()[2])[-2:] == ["≤ 2× + 5 ms", "yes"]


def test_a_percentile_is_a_value_that_was_seen():
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.0, 0.2, 0.5, 0.99, 1.0)] == [1.0, 1.0, 3.0, 5.0, 5.0]


def test_the_99th_of_a_hundred_leaves_one_above():
    assert percentile([float(value) for value in range(1, 101)], 0.99) == 99.0


def test_a_slope_is_what_each_step_adds():
    assert slope([(0, 10), (1, 12), (2, 14)]) == pytest.approx(2)
    assert slope([(0, 10), (1, 12), (2, 10)]) == pytest.approx(0)


def test_every_command_is_a_gesture_of_its_own():
    triggers = [re.search(rb"trigger_id=([^&]+)", request)[1] for request in commands(50)]
    assert len(set(triggers)) == 50


def test_a_command_says_where_and_by_whom_it_was_typed():
    [request] = commands(1, "C0OTHER", "U0OTHER")
    assert b"channel_id=C0OTHER&" in request
    assert b"user_id=U0OTHER&" in request


def test_the_peak_of_a_process_is_seen_after_it_is_over_and_can_be_forgotten(tmp_path: Path):
    work = "bytearray(64 << 20); print(); input()"
    with subprocess.Popen([sys.executable, "-c", work], stdin=PIPE, stdout=PIPE) as process:
        process.stdout.readline()
        server = Server(0, process, tmp_path)
        assert server.peak > server.memory + 60
        assert server.worked > 0
        server.forget_peak()
        assert server.peak < server.memory + 10
        process.communicate(b"\n")


async def test_the_floor_of_copying_puts_every_file_where_it_belongs(monkeypatch: pytest.MonkeyPatch):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = environment(f"{url}/sendblue", "") | {"SLACK_API_URL": f"{url}/slack/api/"}
    for name, value in (settings | {"PORT": str(port), "FILE_SIZE": "100000"}).items():
        monkeypatch.setenv(name, value)
    neighbours, bare = (import_module(f"benchmarks.floors.{name}") for name in ("file_neighbours", "pass_on"))
    async with serving(neighbours.app, port), serving(bare.app) as floor_url, httpx.AsyncClient() as http:
        for way in ("in", "out"):
            made = await http.post(f"{url}/make", json={"way": way, "count": 6})
            await http.post(f"{floor_url}/copy", json={"way": way, "urls": made.json()})
        assert [call.status for call in neighbours._slack.transfers if call.method == "upload"] == [200] * 6
        sent = [call for call in neighbours._sendblue.calls if call.method == "POST /api/upload-file"]
        assert [call.status for call in sent] == [200] * 6
        sizes = {call.params["content_length"] for call in neighbours._slack.transfers if call.method == "upload"}
        assert sizes == {"100000"}


def test_each_callback_goes_to_its_own_message():
    requests = [callback(number, STATUSES[0]) for number in range(20)]
    for number, request in enumerate(requests):
        assert f"/sendblue/status/{send_id(number).hex}/".encode() in request
        assert f'"{handle(number)}"'.encode() in request
    assert len({request.split()[1] for request in requests}) == 20


def test_whatever_asks_what_is_due_uses_an_index_and_what_does_not_is_found_out(tmp_path: Path):
    with sqlite(tmp_path) as new:
        url = new()
    seed(url, 20, due=5, polled=5)
    database = open_database(url)
    slow = Sql("SELECT count(*) AS many FROM sends WHERE text = :text")
    found = {name: without_index(database, question) for name, question in QUESTIONS.items()}
    found["slow"] = without_index(database, lambda tx: tx.ask(slow, text="").value())
    database.close()
    assert found == {name: [] for name in QUESTIONS} | {"slow": ["SCAN sends"]}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_seeded_message_is_the_one_that_its_callbacks_are_about(database_url: str):
    database = open_database(database_url)
    migrate(database)
    seed(database_url, 12)
    stored = Sql("SELECT sends.id, handle, root_ts FROM sends JOIN threads ON threads.id = thread_id ORDER BY sends.id")
    rows = database.read(lambda tx: list(tx.ask(stored)))
    database.close()
    assert [tuple(row) for row in rows] == [(send_id(number), handle(number), root_ts(number)) for number in range(12)]


def test_what_a_seeded_customer_writes_goes_into_the_thread_of_its_number(tmp_path: Path):
    with sqlite(tmp_path) as new:
        url = new()
    seed(url, 12)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    said = [inbound_of(record(100 + number, number, written_at=now), now=now, region="US") for number in range(12)]
    database = open_database(url)
    database.write(lambda tx: take_many(tx, [Arrival(one, inbox="") for one in said]))
    shown = Sql("SELECT thread_id FROM messages WHERE to_show ORDER BY seq, thread_id")
    found = database.read(lambda tx: tx.ask(shown).column())
    database.close()
    assert [one.customer for one in said] == [customer(number) for number in range(12)]
    assert found == [send_id(number) for number in range(12)]


def test_every_webhook_brings_a_message_of_its_own():
    handles = [re.search(rb'"message_handle": "([^"]+)"', request)[1] for request in webhooks(0, 50, customers=5)]
    assert len(set(handles)) == 50


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_what_is_typed_in_a_seeded_thread_becomes_a_text_or_a_note(database_url: str):
    database = open_database(database_url)
    migrate(database)
    seed(database_url, 12, channels=5)
    heeds = {}
    for text in (TEXT, NOTE):
        bodies = [request.partition(b"\r\n\r\n")[2] for request in replies(24, text, threads=12, channels=5)]
        items = [Typed(read_event(json.loads(body)), TERMS) for body in bodies]
        heeds[text] = database.write(partial(take_replies, items=items))
    database.close()
    assert heeds == {TEXT: ["going"] * 24, NOTE: ["kept"] * 24}


def test_results_replace_only_what_stands_between_their_marks():
    page = "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n"
    assert between_marks(page, "figures", "new\n") == "before\n<!-- figures -->\nnew\n<!-- /figures -->\nafter\n"


def test_a_page_without_marks_is_left_alone():
    with pytest.raises(ValueError, match="no marks"):
        between_marks("text", "figures", "new")


def test_the_page_says_how_much_each_form_measures():
    inside = PAGE.split("<!-- scale -->")[1].split("<!-- /scale -->")[0].strip().splitlines()[2:]
    shown = {cells(line)[0].strip("`"): cells(line)[1:3] for line in inside}
    real = {field.name: [told(getattr(form, field.name)) for form in (WHOLE, QUICK)] for field in fields(WHOLE)}
    assert shown == real


def told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:,}"


def test_the_page_names_every_measure():
    for name in MEASURES:
        assert f"`{name}`" in PAGE, name
