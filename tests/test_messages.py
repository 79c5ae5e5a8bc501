"""`python -m bot messages`: looking back, beside a running service."""

import asyncio
import csv
import io
import json
import os
import pty
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from msgspec.structs import asdict

from bot.cli import main
from bot.cli.exporting import COLUMNS, _whole_file, cell
from bot.cli.messages import elapsed, moment
from bot.cli.output import printable
from bot.domain.delivery import Delivery, Service
from bot.domain.message import Origin
from bot.domain.send import Send
from bot.errors import UsageError
from bot.storage.database import open_database
from bot.storage.engine import Transaction
from bot.storage.history import PAGE
from bot.storage.intake import accept_many
from bot.storage.schema import migrate
from tests.conftest import CUSTOMER, LINE, Stage, until
from tests.making import a_new_message, a_send
from tests.statements import Sql

PROJECT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("environment")


_BECAME = Sql(
    "{update sends: accepted_at, since, delivery, service, handle, handle_from, error_code, error_text, picture_lost, "
    "unconfirmed, asked, decision, decided_by, decided_at, told, attempts, attempted_at}"
)


def _what_became_of(one: Send) -> dict[str, Any]:
    made, schedule = one.decision, one.schedule
    decided = {"decision": made.choice, "decided_by": made.by, "decided_at": made.at} if made else _UNDECIDED
    tried = {"attempts": schedule.attempts, "attempted_at": schedule.attempted_at, "told": one.telling.told}
    return {"id": one.id, "accepted_at": one.words.accepted_at, **asdict(one.known), "since": NOON, **decided, **tried}


_UNDECIDED = {"decision": "", "decided_by": "", "decided_at": None}


@pytest.fixture
def fill(database_url: str) -> Callable[..., list[Send]]:
    """Store messages of one send each: for each given set of changes, a second apart unless it says when."""

    def filled(*all_changes: dict[str, Any]) -> list[Send]:
        database = open_database(database_url)
        migrate(database)
        made = [a_send(**(_usual(uuid4(), n) | changes)) for n, changes in enumerate(all_changes)]

        def store(tx: Transaction) -> None:
            origins = [Origin(str(one.id), "T1", "C0GENERAL", "U0ANA") for one in made]
            accept_many(tx, [a_new_message(origin, one) for origin, one in zip(origins, made, strict=True)])
            tx.each(_BECAME, [_what_became_of(one) for one in made])
            tx.do(Sql("UPDATE threads SET due_at = NULL"))  # nothing more to do about it

        database.write(store)
        database.close()
        return made

    return filled


def _usual(thread_id: Any, n: int) -> dict[str, Any]:
    at = NOON + timedelta(seconds=n)
    return {
        "id": uuid4(),
        "thread_id": thread_id,
        "recipient": CUSTOMER,
        "line": LINE,
        "text": f"Text {n}",
        "accepted_at": at,
        "since": at,
    }


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["messages", *arguments])
    return result.exit_code, result.output


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


both_engines = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def test_of_no_database_there_is_a_sentence_and_of_a_new_one_no_messages(fill: Callable[..., list[Send]]) -> None:
    code, said = run()
    assert (code, "run `python -m bot migrate` first" in said) == (1, True)
    fill()
    assert run() == (0, "No messages.\n")
    assert run("--json") == (0, "[]\n")
    assert run("--csv", "-") == (0, ",".join(COLUMNS) + "\n")


@pytest.mark.parametrize("wrong", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_message_is_a_sentence(wrong: str, fill: Callable[..., list[Send]]) -> None:
    fill()
    code, said = run(wrong)
    assert code == 1
    assert "`python -m bot messages` lists them" in said


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["--since", "yesterday"], "--since takes a span such as 2h or 7d"),
        (["--since", "99999999999d"], "--since takes a span such as 2h or 7d"),
        (["--number", "12"], "--number is not a phone number"),
        (["--open", "--failed"], "--open and --failed cannot be combined"),
        (["--csv", "-", "--json"], "--csv writes all messages"),
        (["--csv", "/"], "/ is not a file"),
        (["--csv", "/nowhere/x.csv"], "/nowhere/x.csv cannot be written (No such file or directory)"),
        (["00000000-0000-0000-0000-000000000000", "--open"], "give an id alone"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(typed: list[str], sentence: str, fill: Callable[..., list[Send]]) -> None:
    fill()
    code, said = run(*typed)
    assert code == 1
    assert said.startswith(f"Bluethread: {sentence}")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2h", NOON - timedelta(hours=2)),
        ("7d", NOON - timedelta(days=7)),
        ("90 m", NOON - timedelta(minutes=90)),
        ("1W", NOON - timedelta(weeks=1)),
        ("2026-11-20", NOON - timedelta(days=1, hours=12)),
        ("2026-11-21T11:30", NOON - timedelta(minutes=30)),
        ("2026-11-21 12:00+01:00", NOON - timedelta(hours=1)),
        ("2026-11-21T11:59:30Z", NOON - timedelta(seconds=30)),
    ],
)
def test_since_is_a_span_or_a_time_in_utc_unless_it_says_otherwise(typed: str, meant: datetime) -> None:
    assert moment(typed, NOON) == meant


@pytest.mark.parametrize(
    "typed", ["", "h", "-2h", "2h30", "0x7d", "2026-13-01", "١٢", "0000-00-00", "0001-01-01T00:00+05:00"]
)
def test_what_is_neither_span_nor_time_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="--since takes"):
        moment(typed, NOON)


@both_engines
def test_conditions_narrow_the_list_together(fill: Callable[..., list[Send]]) -> None:
    fill(
        {"text": "old", "accepted_at": NOON - timedelta(days=400)},
        {"text": "failed", "delivery": Delivery.FAILED, "error_code": "4002"},
        {"text": "under way", "delivery": Delivery.SENT},
        {"text": "the end for SMS", "delivery": Delivery.SENT, "service": Service.SMS},
        {"text": "watched to the end", "delivery": Delivery.SENT, "unconfirmed": True},
        {"text": "elsewhere", "recipient": "+14155550000", "delivery": Delivery.FAILED},
    )

    def texts(*conditions: str) -> list[str]:
        code, said = run("--json", *conditions)
        assert code == 0
        return [one["text"] for one in json.loads(said)]

    assert texts()[-1] == "old"
    assert texts("--open") == ["under way", "old"]
    assert texts("--failed") == ["elsewhere", "failed"]
    assert texts("--failed", "--number", "(415) 555-2671") == ["failed"]
    assert texts("--open", "--since", "2026-01-01") == ["under way"]
    assert texts("--limit", "1") == ["elsewhere"]
    assert run("--limit", "5")[1].endswith("There are more: these are the newest 5 (--limit).\n")
    assert "There are more" not in run("--limit", "6")[1]


async def test_a_message_tells_its_whole_story(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.text("First")
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    await stage.callback({"message_handle": stage.bubbles()[0].handle, "status": "SENT"})
    [listed] = json.loads(run("--json")[1])
    code, said = run(listed["id"])
    assert code == 0
    assert all(len(line) <= 100 for line in said.splitlines())
    head, moments, told = said.strip().split("\n\n")
    assert "“First”" in head
    assert "status     DELIVERED (iMessage), since 20" in head
    told_in_order = [line[27:] for line in moments.splitlines()[1:]]
    assert told_in_order == [
        "accepted and stored",
        "thread opened in C0GENERAL, by Slack's clock",
        "asked Sendblue to send it",
        "the answer says QUEUED as iMessage: now QUEUED",
        "a callback says SENT as iMessage: now SENT",
        "a callback says DELIVERED as iMessage: now DELIVERED",
        "a callback says SENT: nothing new, stays DELIVERED",
    ]
    assert told.startswith("Posted in the thread: ")
    assert "delivered" in told
    monkeypatch.chdir(PROJECT)
    moments = json.loads(run(listed["id"], "--json")[1])["timeline"]
    assert [one["word"] for one in moments if one["word"]] == ["QUEUED", "SENT", "DELIVERED", "SENT"]
    assert moments[0]["seconds"] == 0


def test_what_others_wrote_can_do_nothing_to_the_terminal(fill: Callable[..., list[Send]]) -> None:
    [send] = fill({"text": "\x1b]0;owned\x07 a\nb \u202eesrever"})
    _, said = run(str(send.id))
    assert "“ ]0;owned  a b  esrever”" in said
    assert printable("é 👩‍🍳 “ok”") == "é 👩‍🍳 “ok”"


UNSAFE = "".join(map(chr, (*range(1, 0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F))))
UNSAFE += "\u2066\u2067\u2068\u2069"


def test_json_is_exact_and_csv_readable_without_a_control_character(fill: Callable[..., list[Send]]) -> None:
    text = f"{UNSAFE} é 👩‍🍳"
    [send] = fill({"text": text, "error_text": text})
    for arguments in (["--json"], [str(send.id), "--json"]):
        said = run(*arguments)[1]
        assert set(UNSAFE) & set(said) == {"\n"}
        found = json.loads(said)
        assert (found[0] if isinstance(found, list) else found)["text"] == text
    said = run("--csv", "-")[1]
    assert set(UNSAFE) & set(said) <= {"\r", "\n"}
    [row] = table(said)
    assert (row["text"].split(), row["text"].count("\n")) == (["é", "👩‍🍳"], 2)
    assert row["error_text"] == row["text"]


def test_json_is_exact_in_an_old_locale_too(fill: Callable[..., list[Send]]) -> None:
    fill({"text": "é “👩‍🍳”"})
    command = [sys.executable, "-m", "bot", "messages", "--json"]
    old = os.environ | {"PYTHONIOENCODING": "latin-1"}
    assert json.loads(subprocess.check_output(command, cwd=PROJECT, env=old))[0]["text"] == "é “👩‍🍳”"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0, "+0.00 s"), (9.99, "+9.99 s"), (9.999, "+10 s"), (59.4, "+59 s"), (303, "+5 min 03 s")),
        *((7500, "+2 h 05 min"), (276_000, "+3 d 4 h"), (-0.3, "-0.30 s")),
    ],
)
def test_elapsed_time_is_said_in_units_of_its_size(seconds: float, said: str) -> None:
    assert elapsed(timedelta(seconds=seconds)) == said


@both_engines
def test_an_export_has_every_message_once_oldest_first_across_pages(fill: Callable[..., list[Send]]) -> None:
    # Many share an instant, as those of one commit do, and pages end in the middle of them.
    made = fill(*({"accepted_at": NOON + timedelta(seconds=n // 700), "part": n % 3 + 1} for n in range(PAGE * 2 + 1)))
    code, said = run("--csv", "-")
    assert code == 0
    rows = table(said)
    assert len(rows) == len(made)
    assert {row["id"] for row in rows} == {str(one.id) for one in made}
    assert [(row["accepted_at"], row["part"]) for row in rows] == sorted((r["accepted_at"], r["part"]) for r in rows)
    listed = json.loads(run("--json", "--limit", str(PAGE * 3))[1])
    assert [one["id"] for one in listed] == [row["id"] for row in reversed(rows)]


def test_an_export_of_few_among_many_has_those_few(fill: Callable[..., list[Send]]) -> None:
    made = fill(*({"delivery": Delivery.FAILED if n % PAGE == 7 else Delivery.READ} for n in range(PAGE * 3)))
    rows = table(run("--failed", "--csv", "-")[1])
    assert [row["id"] for row in rows] == [str(made[n].id) for n in (7, PAGE + 7, 2 * PAGE + 7)]


def test_an_export_takes_no_more_memory_when_there_is_more(fill: Callable[..., list[Send]], tmp_path: Path) -> None:
    peaks = []
    for _ in range(3):
        fill(*({} for _ in range(PAGE)))
        tracemalloc.start()
        assert run("--csv", str(tmp_path / "all.csv"))[0] == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(table((tmp_path / "all.csv").read_text())) == PAGE * 3
    assert peaks[2] < peaks[1] * 1.2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("\t=cmd|' /C calc'!A0", "' =cmd|' /C calc'!A0"),
        ("\n=1+1", "'\n=1+1"),
        ("+SUM(A1)", "'+SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        (CUSTOMER, CUSTOMER),
        ("Table at eight?", "Table at eight?"),
        (True, "true"),
    ],
)
def test_what_a_spreadsheet_would_run_is_only_text(text: object, shown: str) -> None:
    assert cell(text) == shown


def test_line_breaks_quotes_and_emoji_survive_the_table(fill: Callable[..., list[Send]], tmp_path: Path) -> None:
    text = 'He said "eight",\nor 👩‍🍳\r\nnine'
    fill({"text": text})
    assert run("--csv", "x.csv") == (0, "1 row written to x.csv.\n")
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["text"] == text.replace("\r\n", "\n")
    assert (row["recipient"], row["author"], row["channel"]) == (CUSTOMER, "U0ANA", "C0GENERAL")
    assert (tmp_path / "x.csv").stat().st_mode & 0o077 == 0


def _interrupted(target: Path) -> None:
    with _whole_file(str(target)) as output:
        output.write("half")
        output.flush()
        raise KeyboardInterrupt


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_text("yesterday's")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(target)
    assert target.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_may_have_any_name_that_the_disk_takes(fill: Callable[..., list[Send]], tmp_path: Path) -> None:
    fill({})
    target = tmp_path / f"{'x' * 251}.csv"
    assert run("--csv", str(target))[0] == 0
    assert len(table(target.read_text())) == 1


@pytest.mark.parametrize("watched", [True, False])
def test_a_progress_bar_is_shown_to_whoever_watches_and_to_nobody_else(
    watched: bool, fill: Callable[..., list[Send]], tmp_path: Path
) -> None:
    fill({}, {})
    ours, theirs = pty.openpty() if watched else os.pipe()
    command = [sys.executable, "-m", "bot", "messages", "--csv", str(tmp_path / "x.csv")]
    with os.fdopen(ours, "rb", 0) as screen:
        with os.fdopen(theirs, "wb") as stderr:
            subprocess.run(command, cwd=PROJECT, env=os.environ | {"TERM": "xterm"}, stderr=stderr, check=True)
        shown = screen.read(100_000).decode()
    assert ("Looking through messages" in shown) is watched
    assert "2 rows written to" in shown


async def test_reading_neither_needs_the_lock_nor_keeps_the_service_from_writing(
    stage: Stage, fill: Callable[..., list[Send]]
) -> None:
    await stage.stop()
    fill(*({"delivery": Delivery.READ} for _ in range(PAGE * 6)))
    await stage.start(int(stage.settings.public_url.rpartition(":")[2]))
    export = asyncio.create_task(asyncio.to_thread(run, "--csv", "all.csv"))
    answers = 0
    while not export.done() or answers < 20:
        assert (await stage.text(f"Text {answers}")).text.startswith("Got it")
        answers += 1
    assert export.result()[0] == 0
    assert len(table(Path("all.csv").read_text())) >= PAGE * 6
