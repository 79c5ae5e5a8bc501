"""`python -m bot doctor`, the real command between the pretend Slack and Sendblue: it names what is wrong."""

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route

from bot.cli import main
from bot.cli.doctor import NEEDS_SETTINGS, Finding, show
from bot.services.reaching import Identity
from bot.slack import notifier
from bot.storage.database import identity, open_database
from bot.storage.keys import end_turn, take_turn
from bot.storage.sqlite import sqlite3
from sandbox.serving import serving
from tests.conftest import CALLBACK, CUSTOMER, KEY, LINE, OTHER_LINE, SECRET, SIGNING, TOKEN, Stage, free_port, until
from tests.statements import asking, by_writer, doing

PROJECT = Path(__file__).resolve().parents[1]
MANIFEST = yaml.safe_load((PROJECT / "manifest.yml").read_text())
HOOK_SECRET = "webhook-secret-1"
STRANGER = "+14155550123"
BOTH = ("account webhook", "receive webhook")
STORED = ("backlog", "inbox", "callbacks", "answers", "blocked lines", "signature")
SECRETS = (TOKEN, SIGNING, KEY, SECRET, CALLBACK, HOOK_SECRET)

Run = Callable[..., Awaitable[tuple[int, str]]]
Doctor = Callable[..., Awaitable[dict[str, Finding]]]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets a stage's settings as the environment, changed as asked."""

    def applied(stage: Stage, **changes: str) -> None:
        given = stage.settings.model_dump(exclude_defaults=True)
        values = {name: getattr(value, "get_secret_value", lambda v=value: v)() for name, value in given.items()}
        for name, value in (values | changes).items():
            monkeypatch.setenv(name.upper(), str(value))

    return applied


@pytest.fixture
async def well(open_stage: Callable[..., Any]) -> Stage:
    """A stage at which nothing is wrong."""
    stage: Stage = await open_stage(sendblue_webhook_secret=HOOK_SECRET, inbox_channel="C0RANDOM")
    stage.slack.scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
    for kind in ("outbound", "receive"):
        hook = {"url": f"{stage.settings.public_url}/sendblue/webhook", "secret": HOOK_SECRET}
        await registered(stage, hook, kind=kind)
    return stage


async def registered(stage: Stage, *hooks: Any, kind: str = "outbound", **more: str) -> list[Any]:
    """Add webhooks, as somebody with the keys; return those of the type there are."""
    async with httpx.AsyncClient(base_url=stage.settings.sendblue_api_url) as api:
        api.headers.update({"sb-api-key-id": KEY, "sb-api-secret-key": SECRET})
        body = {"webhooks": list(hooks), "type": kind, **more}
        answer = await api.post("/api/account/webhooks", json=body)
        return list(answer.json()["webhooks"][kind])


@asynccontextmanager
async def relay(stage: Stage, *, times: int = 1, answer: int = 200) -> AsyncIterator[str]:
    """A way to Sendblue on which each POST arrives `times` times and is answered with another HTTP status."""

    async def passed_on(request: Any) -> PlainTextResponse:
        said, status = "{}", answer
        body = json.loads(await request.body() or b"null")
        headers = {name: value for name, value in request.headers.items() if name.startswith("sb-")}
        async with httpx.AsyncClient(base_url=stage.settings.sendblue_api_url, headers=headers) as api:
            for _ in range(times if request.method == "POST" else 1):
                got = await api.request(request.method, request.url.path, json=body)
                said, status = got.text, answer if request.method == "POST" else got.status_code
        return PlainTextResponse(said, status)

    async with serving(Starlette(routes=[Route("/{path:path}", passed_on, methods=["GET", "POST"])])) as url:
        yield url


@asynccontextmanager
async def meeting(stage: Stage, count: int) -> AsyncIterator[str]:
    """A way to Sendblue on which so many who ask what is registered get their first answers at the same moment."""
    waiting = asyncio.Barrier(count)

    async def passed_on(request: Any) -> PlainTextResponse:
        body = json.loads(await request.body() or b"null")
        headers = {name: value for name, value in request.headers.items() if name.startswith("sb-")}
        async with httpx.AsyncClient(base_url=stage.settings.sendblue_api_url, headers=headers) as api:
            got = await api.request(request.method, request.url.path, json=body)
        nonlocal met
        if request.method == "GET" and request.url.path.endswith("/webhooks") and met < count:
            met += 1
            await waiting.wait()
        return PlainTextResponse(got.text, got.status_code)

    met = 0
    async with serving(Starlette(routes=[Route("/{path:path}", passed_on, methods=["GET", "POST"])])) as url:
        yield url


@pytest.fixture
def run(environment: Callable[..., None]) -> Run:
    """Run the command as the stage's operator, beside the running stage; return exit code and standard output."""

    async def ran(stage: Stage, *options: str, **changes: str) -> tuple[int, str]:
        environment(stage, **changes)
        result = await asyncio.to_thread(CliRunner().invoke, main, ["doctor", *options])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        for secret in SECRETS:
            assert secret not in result.output, "a secret was printed"
        numbers = set(re.findall(r"\+?\d{10,}", result.output))
        assert numbers <= {LINE, OTHER_LINE, CUSTOMER}, "a number was printed"
        return result.exit_code, result.stdout

    return ran


@pytest.fixture
def doctor(run: Run) -> Doctor:
    """The same with --json; return name → finding, and see that the exit code fits."""

    async def asked(stage: Stage, *options: str, **changes: str) -> dict[str, Finding]:
        code, said = await run(stage, "--json", *options, **changes)
        found = {one["name"]: Finding(**one) for one in json.loads(said)}
        assert tuple(found) == ("settings", *NEEDS_SETTINGS)
        assert code == any(one.verdict == "problem" for one in found.values())
        for one in found.values():
            assert bool(one.todo) == (one.verdict in ("warning", "problem")), one
        return found

    return asked


def wrong(found: dict[str, Finding]) -> dict[str, str]:
    return {name: one.verdict for name, one in found.items() if one.verdict != "ok"}


async def test_where_nothing_is_wrong_nothing_is_said_to_be(well: Stage, doctor: Doctor) -> None:
    assert wrong(await doctor(well)) == {}


async def test_at_no_terminal_there_is_a_line_for_each_with_a_word_beside_the_sign(well: Stage, run: Run) -> None:
    code, said = await run(well, slack_bot_token="xoxb-another")
    assert code == 1
    assert re.search(r"^✓ ok +database +SQLite ", said, re.MULTILINE)
    assert re.search(r"^✗ problem +Slack token +Slack refuses SLACK_BOT_TOKEN \(invalid_auth\)$", said, re.MULTILINE)
    assert re.search(r"^ +→ copy the Bot User OAuth Token ", said, re.MULTILINE)
    assert re.search(r"^– skipped +Slack scopes ", said, re.MULTILINE)
    assert said.endswith("16 ok, 1 problem, 2 skipped\n")


def test_at_a_terminal_no_name_can_break_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    show(
        [Finding("Slack token", "ok", "installed in [red]A\x1b[2Jcme"), Finding("x", "problem", "y", "z")],
        as_json=False,
    )
    said = terminal.getvalue()
    assert "[red]A [2Jcme" in said
    assert "✗ problem" in said


async def test_an_old_locale_gets_the_words(well: Stage, environment: Callable[..., None]) -> None:
    environment(well)
    there = os.environ | {"PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "bot", "doctor"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=PROJECT, env=there, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "? ok       database" in done.stdout


async def test_settings_that_are_wrong_are_findings_one_for_each(well: Stage, run: Run) -> None:
    code, said = await run(well, "--json", public_url="nonsense", port="high")
    found = [Finding(**one) for one in json.loads(said)]
    assert code == 1
    assert [one.says.partition(":")[0] for one in found if one.verdict == "problem"] == ["PUBLIC_URL", "PORT"]
    assert [one.name for one in found if one.verdict == "skipped"] == list(NEEDS_SETTINGS)


async def test_an_env_file_that_cannot_be_read_is_a_finding(well: Stage, run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LOG_LEVEL=\xff\xfe")
    code, said = await run(well)
    assert code == 1
    assert ".env: is not UTF-8 text" in said


@pytest.mark.parametrize("wrong", [{"callback_secret": "short"}, {"all_proxy": "socks5://127.0.0.1:1"}])
async def test_what_the_start_refuses_is_a_problem(well: Stage, doctor: Doctor, wrong: dict[str, str]) -> None:
    found = await doctor(well, **wrong)
    assert found["settings"].verdict == "problem"
    assert found["settings"].says.startswith(next(iter(wrong)).upper())


async def test_a_refused_token_skips_what_only_it_can_tell(well: Stage, doctor: Doctor) -> None:
    found = await doctor(well, slack_bot_token="xoxb-another")
    assert wrong(found) == {"Slack token": "problem", "Slack scopes": "skipped", "bot name": "skipped"}


@pytest.mark.parametrize("fault", ["down", "html_502"])
async def test_a_slack_that_is_down_is_told_from_a_wrong_token(well: Stage, doctor: Doctor, fault: str) -> None:
    setattr(well.slack.faults, fault, True)
    found = await doctor(well)
    assert found["Slack token"].says.startswith("Slack gives no answer")
    assert found["clock"].verdict == "skipped"


async def test_a_missing_scope_is_a_problem_and_one_too_many_a_warning(well: Stage, doctor: Doctor) -> None:
    asked = list(well.slack.scopes)
    well.slack.scopes = [scope for scope in asked if scope != "im:history"]
    found = await doctor(well)
    assert wrong(found) == {"Slack scopes": "problem"}
    assert found["Slack scopes"].says == "missing: im:history"
    assert "reinstall the app" in found["Slack scopes"].todo
    well.slack.scopes = [*asked, "emoji:read"]
    found = await doctor(well)
    assert wrong(found) == {"Slack scopes": "warning"}
    assert "emoji:read" in found["Slack scopes"].says


async def test_a_bot_of_another_name_is_warned_of(well: Stage, doctor: Doctor) -> None:
    well.slack.bot_name = "bluethread2"
    found = await doctor(well)
    assert wrong(found) == {"bot name": "warning"}
    assert "@bluethread2" in found["bot name"].says


async def test_refused_keys_skip_what_only_they_can_tell(well: Stage, doctor: Doctor) -> None:
    found = await doctor(well, sendblue_api_secret_key="another")
    skipped = dict.fromkeys(("lines", "account webhook", "receive webhook"), "skipped")
    assert wrong(found) == {"Sendblue keys": "problem"} | skipped


async def test_a_sendblue_that_is_down_is_told_from_wrong_keys(well: Stage, doctor: Doctor) -> None:
    well.sendblue.faults.down = True
    assert "gives no answer (http_503)" in (await doctor(well))["Sendblue keys"].says


async def test_a_line_of_another_account_is_a_problem(well: Stage, doctor: Doctor) -> None:
    well.sendblue.lines.remove(LINE)
    found = await doctor(well, sendblue_from_number=f"{LINE},{OTHER_LINE}")
    assert wrong(found) == {"lines": "problem"}
    assert found["lines"].says.endswith(LINE)


async def test_a_line_that_is_not_online_is_warned_of(well: Stage, doctor: Doctor) -> None:
    well.sendblue.line_states[OTHER_LINE] = "DEGRADED"
    found = await doctor(well)
    assert wrong(found) == {"lines": "warning"}
    assert f"{OTHER_LINE} is DEGRADED" in found["lines"].says


STRANGE = [
    {},
    [],
    {"numbers": None, "data": 1, "webhooks": []},
    {"numbers": [None, 1, {}], "data": [None, {}, {"sendblue_number": 1}, {"sendblue_number": LINE, "status": None}]},
    {
        "webhooks": {
            "outbound": [None, 1, {}, {"url": 1}, {"url": "https://[broken"}],
            "globalSecret": 1,
            "receive": "x",
        }
    },
]


@pytest.mark.parametrize("strange", STRANGE, ids=range(len(STRANGE)))
async def test_answers_nobody_has_documented_are_warnings(well: Stage, doctor: Doctor, strange: Any) -> None:
    async with serving(Starlette(routes=[Route("/{path:path}", lambda _: JSONResponse(strange))])) as url:
        found = await doctor(well, sendblue_api_url=url)
    assert set(wrong(found).values()) <= {"warning", "problem"}
    assert found["account webhook"].verdict == found["receive webhook"].verdict == "warning"
    assert found["Sendblue keys"].verdict in ("ok", "warning")


@pytest.mark.parametrize("strange", [[], {}, "ok", {"ok": True}, {"ok": False}, {"ok": True, "user": 1, "team": []}])
async def test_answers_slack_would_not_give_are_no_traceback(well: Stage, doctor: Doctor, strange: Any) -> None:
    route = Route("/{path:path}", lambda _: JSONResponse(strange), methods=["POST"])
    async with serving(Starlette(routes=[route])) as url:
        assert (await doctor(well, slack_api_url=url))["Slack token"].verdict == "problem"


async def test_a_host_that_cannot_be_is_no_traceback(well: Stage, doctor: Doctor) -> None:
    found = await doctor(well, public_url=f"https://{'x' * 70}.example")
    assert found["settings"].says.startswith("PUBLIC_URL: ")


async def test_when_the_bot_is_not_started_it_says_how_to(well: Stage, doctor: Doctor) -> None:
    await well.stop()
    found = await doctor(well)
    assert wrong(found) == {"PUBLIC_URL": "problem"}
    assert "nothing listens there" in found["PUBLIC_URL"].says
    assert "python -m bot serve" in found["PUBLIC_URL"].todo


async def test_a_bot_with_another_secret_behind_public_url_is_noticed(well: Stage, doctor: Doctor) -> None:
    found = await doctor(well, callback_secret="another-callback-secret")
    assert wrong(found) == {"PUBLIC_URL": "problem"}
    assert "another Bluethread" in found["PUBLIC_URL"].says


async def test_a_bot_with_another_database_behind_public_url_is_noticed(
    well: Stage, doctor: Doctor, tmp_path: Path, environment: Callable[..., None]
) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    environment(well, database_url=other)
    assert (await asyncio.to_thread(CliRunner().invoke, main, ["migrate"])).exit_code == 0
    found = await doctor(well, database_url=other)
    assert wrong(found) == {"PUBLIC_URL": "problem"}
    assert "another database" in found["PUBLIC_URL"].says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (PlainTextResponse("ok\n"), "something else answers there (HTTP 200)"),
        (PlainTextResponse(f"ok\n{'0' * 64}\n{'0' * 64}\n"), "another Bluethread"),
        (PlainTextResponse("no such app", 404), "something else answers there (HTTP 404)"),
        (RedirectResponse("https://bot.example.com/"), "something else answers there (HTTP 307)"),
        (PlainTextResponse("nobody behind", 502), "cannot be reached: HTTP 502"),
    ],
)
async def test_whatever_else_answers_at_public_url_is_not_taken_for_the_bot(
    well: Stage, doctor: Doctor, answer: Any, says: str
) -> None:
    async with serving(Starlette(routes=[Route("/healthz", lambda _: answer)])) as url:
        found = await doctor(well, public_url=url)
    assert found["PUBLIC_URL"].verdict == "problem"
    assert says in found["PUBLIC_URL"].says


async def test_the_bot_is_known_by_any_path_to_its_file_and_plain_healthz_stays_as_it_was(
    well: Stage, doctor: Doctor, tmp_path: Path
) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "bluethread.db")
    assert wrong(await doctor(well, database_url=f"sqlite:///{tmp_path / 'link.db'}")) == {}
    for query in ("", "?nonce=", "?nonce=short", f"?nonce={'x' * 65}", "?nonce=spaces%20are%20not%20allowed", "?x=1"):
        assert (await well.get(f"/healthz{query}")).text == "ok\n", query


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgres://a:b@host/name", "postgresql+psycopg://c:d@HOST:5432/name?sslmode=require", True),
        ("postgres://a:b@host/name", "postgres://a:b@host/other", False),
        ("postgres://a:b@host/name", "postgres://a:b@another/name", False),
        ("postgres://a:b@host/name", "postgres://a:b@host:5433/name", False),
        ("sqlite:///not-there.db", "sqlite:///nor-there.db", False),
    ],
)
def test_a_postgresql_is_known_by_its_address_and_name_whoever_logs_in(one: str, other: str, same: bool) -> None:
    assert (identity(one) == identity(other)) == same


@pytest.mark.parametrize(("installed", "says"), [(True, "copied as JPEG, too"), (False, "make install HEIC=1")])
async def test_it_says_whether_heic_pictures_are_copied_as_jpeg_too(
    monkeypatch: pytest.MonkeyPatch, well: Stage, doctor: Doctor, installed: bool, says: str
) -> None:
    monkeypatch.setattr("bot.files.heic.available", lambda: installed)
    found = await doctor(well)
    assert wrong(found) == {}, "either is well"
    assert says in found["HEIC"].says


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(-20, "ok"), (60, "warning"), (-60, "warning"), (200, "problem"), (-200, "problem")]
)
async def test_a_clock_that_goes_wrong_is_noticed(well: Stage, doctor: Doctor, ahead: int, verdict: str) -> None:
    well.slack.clock_ahead = ahead
    found = await doctor(well)
    assert found["clock"].verdict == verdict
    if verdict != "ok":
        assert f"{'behind' if ahead > 0 else 'ahead of'} Slack" in found["clock"].says


async def test_a_refused_token_does_not_hide_the_clock(well: Stage, doctor: Doctor) -> None:
    well.slack.clock_ahead = 200
    assert (await doctor(well, slack_bot_token="xoxb-another"))["clock"].verdict == "problem"


async def test_without_a_database_file_it_says_what_makes_one(open_stage: Callable[..., Any], doctor: Doctor) -> None:
    stage = await open_stage(running=False)
    Path(stage.settings.database_url.removeprefix("sqlite:///")).unlink()
    found = await doctor(stage)
    assert found["database"].verdict == "problem"
    assert "serve` creates it" in found["database"].todo
    assert {found[name].verdict for name in ("schema", *STORED)} == {"skipped"}
    assert not Path(stage.settings.database_url.removeprefix("sqlite:///")).exists()


async def test_a_folder_where_the_file_should_be_is_no_file(
    open_stage: Callable[..., Any], doctor: Doctor, tmp_path: Path
) -> None:
    (tmp_path / "bluethread.db").mkdir()
    found = (await doctor(await open_stage(running=False)))["database"]
    assert (found.verdict, found.todo) == ("problem", "correct DATABASE_URL")
    assert found.says.endswith("bluethread.db is no file")


async def test_a_database_without_a_schema_needs_migrating(
    open_stage: Callable[..., Any], doctor: Doctor, tmp_path: Path
) -> None:
    (tmp_path / "bluethread.db").touch()
    found = await doctor(await open_stage(running=False))
    assert (found["database"].verdict, found["schema"].verdict) == ("ok", "problem")
    assert found["schema"].todo == "run `python -m bot migrate`"


async def test_a_file_that_is_no_database_is_a_problem(
    open_stage: Callable[..., Any], doctor: Doctor, tmp_path: Path
) -> None:
    (tmp_path / "bluethread.db").write_text("these are not the bytes of a database " * 100)
    found = (await doctor(await open_stage(running=False)))["database"]
    assert (found.verdict, found.todo) == ("problem", "restore a backup (docs/deploy.md, Back up)")
    assert found.says.endswith("is damaged or is not a SQLite database")


async def test_a_database_newer_than_the_code_is_a_problem(well: Stage, doctor: Doctor) -> None:
    app = well.app
    assert app is not None
    await app.store.write(by_writer(doing("UPDATE alembic_version SET version_num = '9999'")), None)
    found = await doctor(well)
    skipped = dict.fromkeys(STORED, "skipped")
    assert wrong(found) == {"schema": "problem"} | skipped
    assert "newer" in found["schema"].says


async def test_work_that_nobody_does_is_noticed(well: Stage, doctor: Doctor) -> None:
    well.slack.faults.down = True
    await well.text()
    await until(lambda: well.slack.calls)
    await well.stop()
    with sqlite3.connect(well.settings.database_url.removeprefix("sqlite:///")) as file:
        file.execute("UPDATE threads SET due_at = '2020-01-01 00:00:00.000000'")
        file.execute("DELETE FROM pacing")  # or its channel's slot has only just become free
    file.close()
    well.slack.faults.down = False
    found = await doctor(well)
    assert found["backlog"].verdict == "warning"
    assert "announce 1" in found["backlog"].says


async def test_callbacks_that_do_not_arrive_are_noticed(well: Stage, doctor: Doctor) -> None:
    well.sendblue.faults.lose_callbacks = True
    await well.text()
    await until(lambda: any("Delivered" in text for text in well.replies()))
    assert wrong(await doctor(well)) == {"callbacks": "warning"}


async def test_whether_sendblue_signs_is_said(well: Stage, doctor: Doctor) -> None:
    assert "signed nothing" in (await doctor(well))["signature"].says
    body = {"message_handle": "h", "is_outbound": False, "from_number": CUSTOMER, "sendblue_number": LINE}
    headers = {"sb-signing-secret": HOOK_SECRET, "x-sendblue-signature": "t=1,v1=0"}
    assert (await well.callback(body, path="/sendblue/webhook", headers=headers)).status_code == 200
    found = (await doctor(well))["signature"]
    assert found.verdict == "ok"
    assert re.search(r"signs what it sends to the webhook: seen first at 20\d\d-", found.says)


async def test_the_channel_for_customers_whom_nobody_has_texted_is_named(well: Stage, doctor: Doctor) -> None:
    assert (await doctor(well))["inbox"].says.endswith(" appear in C0RANDOM")
    found = await doctor(well, inbox_channel="", alert_channel="C0GENERAL")
    assert (found["inbox"].verdict, found["inbox"].says.split()[-1]) == ("ok", "C0GENERAL")


async def test_without_a_channel_for_them_there_is_a_warning(well: Stage, doctor: Doctor) -> None:
    found = await doctor(well, inbox_channel="")
    assert wrong(found) == {"inbox": "warning"}
    assert "wait" not in found["inbox"].says
    assert "set INBOX_CHANNEL" in found["inbox"].todo


async def test_customers_who_wait_for_a_channel_are_counted(open_stage: Callable[..., Any], doctor: Doctor) -> None:
    stage: Stage = await open_stage(sendblue_webhook_secret=HOOK_SECRET)
    stage.sendblue.webhook_url = f"{stage.settings.public_url}/sendblue/webhook"
    stage.sendblue.webhook_secret = HOOK_SECRET
    for customer in (STRANGER, STRANGER, CUSTOMER):
        assert await stage.sendblue.customer_says(customer, "Do you have a table?") == 200
    found = (await doctor(stage))["inbox"]
    assert found.verdict == "warning"
    assert found.says.endswith("; 2 of them wait for a channel")
    found = (await doctor(stage, inbox_channel="C0RANDOM"))["inbox"]  # before a restart the bot does not know of it
    assert (found.verdict, found.todo) == ("warning", "restart the bot: it shows them when it starts")


class TestOnPostgresql:
    """The same app on the other engine."""

    @pytest.fixture
    def engine(self) -> str:
        return "postgresql"

    async def test_all_is_well_there_too(self, well: Stage, doctor: Doctor) -> None:
        found = await doctor(well)
        assert wrong(found) == {}
        assert found["database"].says.startswith("PostgreSQL ")
        assert "the database" in found["clock"].says

    async def test_a_database_that_is_away_is_a_problem_without_its_password(self, well: Stage, doctor: Doctor) -> None:
        url = f"postgres://someone:S3CRET-PASSWORD@127.0.0.1:{free_port()}/name"
        found = await doctor(well, database_url=url)
        assert found["database"].verdict == "problem"
        assert not any("S3CRET" in one.says + one.todo for one in found.values())

    async def test_a_missing_schema_is_told(self, well: Stage, doctor: Doctor) -> None:
        url = well.settings.database_url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM alembic_version")
        assert "restore the backup" in (await doctor(well))["schema"].todo


class TestTheAccountsWebhook:
    """What is registered at Sendblue for our address, and `--fix`."""

    @pytest.fixture
    async def bare(self, open_stage: Callable[..., Any]) -> Stage:
        """A stage with somebody else's webhook, and none of ours."""
        secrets = f"{HOOK_SECRET},older-webhook-secret"
        stage: Stage = await open_stage(sendblue_webhook_secret=secrets, inbox_channel="C0RANDOM")
        stage.slack.scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
        await registered(stage, "https://crm.example.com/hook")
        await registered(stage, "https://crm.example.com/hook", kind="receive")
        return stage

    @pytest.fixture
    def ours(self, bare: Stage) -> str:
        return f"{bare.settings.public_url}/sendblue/webhook"

    async def test_without_one_there_is_a_warning_and_nothing_is_changed(self, bare: Stage, doctor: Doctor) -> None:
        before = len(bare.sendblue.calls)
        found = await doctor(bare)
        assert wrong(found) == dict.fromkeys(BOTH, "warning")
        assert all("doctor --fix" in found[name].todo for name in BOTH)
        assert "found by asking, up to 60 s later" in found["receive webhook"].says
        assert not [call for call in bare.sendblue.calls[before:] if not call.method.startswith("GET")]

    async def test_fix_registers_it_once_however_often_it_is_run(self, bare: Stage, doctor: Doctor, ours: str) -> None:
        found = await doctor(bare, "--fix")
        assert wrong(found) == {}
        assert all("registered now" in found[name].says for name in BOTH)
        assert wrong(await doctor(bare, "--fix")) == {}
        for kind in ("outbound", "receive"):
            hooks = await registered(bare, kind=kind)
            assert hooks == ["https://crm.example.com/hook", {"url": ours, "secret": HOOK_SECRET}]

    async def test_fix_adds_the_one_that_is_missing_and_leaves_every_other(
        self, bare: Stage, doctor: Doctor, ours: str
    ) -> None:
        kept = {"url": ours, "secret": HOOK_SECRET, "sendblue_numbers": [LINE]}
        await registered(bare, kept)
        await registered(bare, "https://crm.example.com/hook", kept, kind="a_newer_type")
        before = len(bare.sendblue.calls)
        found = await doctor(bare, "--fix")
        assert wrong(found) == {}
        assert [name for name in BOTH if "registered now" in found[name].says] == ["receive webhook"]
        changes = [call.method for call in bare.sendblue.calls[before:] if not call.method.startswith("GET")]
        assert len(changes) == 1, changes
        assert changes[0].startswith("POST"), changes
        assert await registered(bare) == ["https://crm.example.com/hook", kept]
        assert await registered(bare, kind="a_newer_type") == ["https://crm.example.com/hook", kept]
        assert len(await registered(bare, kind="receive")) == 2

    async def test_fix_finds_its_own_however_it_is_spelled(self, bare: Stage, doctor: Doctor, ours: str) -> None:
        spelled = {"url": ours.replace("http://", "https://") + "/", "secret": "older-webhook-secret"}
        for kind in ("outbound", "receive"):
            await registered(bare, spelled, kind=kind)
        assert wrong(await doctor(bare, "--fix")) == {}
        assert len(await registered(bare)) == 2
        assert len(await registered(bare, kind="receive")) == 2

    async def test_one_that_got_registered_although_its_answer_was_lost_is_not_registered_again(
        self, bare: Stage, doctor: Doctor
    ) -> None:
        async with relay(bare, answer=502) as url:
            assert wrong(await doctor(bare, "--fix", sendblue_api_url=url)) == {}
            assert wrong(await doctor(bare, "--fix", sendblue_api_url=url)) == {}
        assert len(await registered(bare)) == 2
        assert len(await registered(bare, kind="receive")) == 2

    async def test_one_that_somebody_registered_at_the_same_moment_is_noticed(
        self, bare: Stage, doctor: Doctor
    ) -> None:
        async with relay(bare, times=2) as url:
            found = await doctor(bare, "--fix", sendblue_api_url=url)
        assert wrong(found) == {"account webhook": "warning", "receive webhook": "problem"}
        assert all("2 times" in found[name].says for name in BOTH)

    @pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
    async def test_two_at_once_register_it_once(
        self, bare: Stage, environment: Callable[..., None], ours: str, engine: str
    ) -> None:
        async with meeting(bare, 2) as url:
            environment(bare, sendblue_api_url=url, sendblue_timeout="20")  # one may start much later
            command = [sys.executable, "-m", "bot", "doctor", "--fix", "--json"]
            both = [asyncio.to_thread(subprocess.run, command, cwd=PROJECT, capture_output=True) for _ in range(2)]
            found = [{one["name"]: one for one in json.loads(done.stdout)} for done in await asyncio.gather(*both)]
        for name, kind in zip(BOTH, ("outbound", "receive"), strict=True):
            assert [one[name]["verdict"] for one in found] == ["ok", "ok"]
            assert sum("registered now" in one[name]["says"] for one in found) == 1
            hooks = await registered(bare, kind=kind)
            assert hooks == ["https://crm.example.com/hook", {"url": ours, "secret": HOOK_SECRET}]
        database = open_database(bare.settings.database_url)
        assert database.read(asking("SELECT name FROM keys")) == [("opt_outs",)]  # nothing is left of it
        database.close()

    @pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
    async def test_one_that_died_holds_the_next_up_until_its_lease_ends(
        self, bare: Stage, doctor: Doctor, engine: str
    ) -> None:
        database = open_database(bare.settings.database_url)
        names = ["register:outbound", "register:receive"]
        dead = database.write(lambda tx: [take_turn(tx, name, timedelta(seconds=2)) for name in names])
        assert all(dead)
        began = time.monotonic()
        found = await doctor(bare, "--fix")
        assert time.monotonic() - began > 1.5
        assert all("registered now" in found[name].says for name in BOTH)
        database.write(lambda tx: end_turn(tx, names[0], dead[0]))  # late, and no longer its own
        database.close()

    async def test_without_a_database_nothing_is_registered(self, bare: Stage, doctor: Doctor, tmp_path: Path) -> None:
        found = await doctor(bare, "--fix", database_url=f"sqlite:///{tmp_path / 'none.db'}")
        for name, kind in zip(BOTH, ("outbound", "receive"), strict=True):
            assert found[name].verdict == "problem"
            assert "is not registered: the database cannot note who registers it" in found[name].says
            assert await registered(bare, kind=kind) == ["https://crm.example.com/hook"]
        assert not (tmp_path / "none.db").exists()

    async def test_one_that_is_not_listed_afterwards_is_a_problem(self, bare: Stage, doctor: Doctor) -> None:
        async with relay(bare, times=0) as url:
            assert wrong(await doctor(bare, "--fix", sendblue_api_url=url)) == dict.fromkeys(BOTH, "problem")

    async def test_a_refusal_is_told(self, bare: Stage, doctor: Doctor) -> None:
        async with relay(bare, times=0, answer=403) as url:
            found = await doctor(bare, "--fix", sendblue_api_url=url)
        says = "Sendblue refuses to list or register webhooks (http_403)"
        assert all(says in found[name].says for name in BOTH)
        assert wrong(found) == dict.fromkeys(BOTH, "problem")

    async def test_fix_needs_a_secret_and_says_so(self, bare: Stage, doctor: Doctor) -> None:
        found = await doctor(bare, "--fix", sendblue_webhook_secret="")
        for name, kind in zip(BOTH, ("outbound", "receive"), strict=True):
            assert found[name].verdict == "problem"
            assert "set SENDBLUE_WEBHOOK_SECRET" in found[name].todo
            assert len(await registered(bare, kind=kind)) == 1

    async def test_what_is_registered_twice_is_noticed(self, well: Stage, doctor: Doctor) -> None:
        url = f"{well.settings.public_url}/sendblue/webhook/"
        await registered(well, {"url": url, "secret": HOOK_SECRET})
        for options in ((), ("--fix",)):
            found = await doctor(well, *options)
            assert wrong(found) == {"account webhook": "warning"}
            assert "2 times" in found["account webhook"].says
        assert len(await registered(well)) == 2

    async def test_one_without_a_secret_is_a_problem_unless_the_account_has_ours(
        self, bare: Stage, doctor: Doctor, ours: str
    ) -> None:
        await registered(bare, {"url": ours, "secret": HOOK_SECRET}, kind="receive")
        await registered(bare, ours)
        found = await doctor(bare, "--fix")
        assert wrong(found) == {"account webhook": "problem"}
        assert "without a secret" in found["account webhook"].says
        await registered(bare, globalSecret="a-strangers-secret")
        assert (await doctor(bare))["account webhook"].verdict == "warning"
        await registered(bare, globalSecret=HOOK_SECRET)
        assert wrong(await doctor(bare)) == {}

    async def test_one_that_we_have_no_secret_for_is_a_problem(self, bare: Stage, doctor: Doctor, ours: str) -> None:
        for name, kind in zip(BOTH, ("outbound", "receive"), strict=True):
            await registered(bare, {"url": ours, "secret": HOOK_SECRET}, kind=kind)
            found = (await doctor(bare, sendblue_webhook_secret=""))[name]
            assert found.verdict == "problem"
            assert "404" in found.says

    async def test_customers_are_heard_without_any(self, bare: Stage, doctor: Doctor) -> None:
        found = await doctor(bare, sendblue_webhook_secret="", catch_up_interval="45")
        assert wrong(found) == {}
        assert "answers come by asking alone, every 45 s" in found["receive webhook"].says

    @pytest.mark.parametrize("options", [(), ("--fix",)])
    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"secret": HOOK_SECRET}, "2 times"),
            ({"secret": "a-strangers-secret"}, "with another secret"),
            ({}, "without a secret"),
        ],
    )
    async def test_one_that_keeps_customers_answers_out_or_brings_them_twice_is_a_problem(
        self, well: Stage, doctor: Doctor, more: dict[str, str], says: str, options: tuple[str, ...]
    ) -> None:
        await registered(well, {"url": f"{well.settings.public_url}/sendblue/webhook/"} | more, kind="receive")
        found = await doctor(well, *options)
        assert wrong(found) == {"receive webhook": "problem"}
        assert says in found["receive webhook"].says
        assert "dashboard" in found["receive webhook"].todo
        assert len(await registered(well, kind="receive")) == 2

    async def test_somebody_elses_is_none_of_ours(self, bare: Stage, doctor: Doctor, ours: str) -> None:
        await registered(bare, {"url": ours, "secret": HOOK_SECRET})
        assert wrong(await doctor(bare)) == {"receive webhook": "warning"}


def test_what_the_app_must_be_is_what_the_manifest_asks_for() -> None:
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == notifier.SCOPES
    assert MANIFEST["features"]["bot_user"]["display_name"] == notifier.NAME


def test_the_page_names_every_line() -> None:
    page = (PROJECT / "docs/operate.md").read_text().split("<!-- findings -->")[1].split("<!-- /findings -->")[0]
    named = [row.split("|")[1].strip() for row in page.strip().splitlines()[2:]]
    assert named == ["settings", *NEEDS_SETTINGS]


def test_help_says_what_the_exit_code_means() -> None:
    said = CliRunner().invoke(main, ["doctor", "--help"]).output
    assert "Ends with 1 when there is a problem" in said


def test_two_bots_recognise_themselves_alone() -> None:
    bot, nonce = Identity("secret-1", lambda: b"db"), "n" * 32
    assert bot.recognise(f"ok\n{bot.prove(nonce)}", nonce) == "this bot"
    assert bot.recognise(f"ok\n{bot.prove('m' * 32)}", nonce) == "another secret"
    assert bot.recognise(f"ok\n{Identity('secret-2', lambda: b'db').prove(nonce)}", nonce) == "another secret"
    assert bot.recognise(f"ok\n{Identity('secret-1', lambda: b'other').prove(nonce)}", nonce) == "another database"


async def test_a_database_url_that_cannot_be_read_is_a_finding(well: Stage, run: Run) -> None:
    code, said = await run(well, "--json", database_url="postgres://u:secret@h/n?sslmod=require")
    found = json.loads(said)
    assert code == 1
    assert [one["name"] for one in found if one["verdict"] == "problem"] == ["settings"]
    assert "secret" not in said
