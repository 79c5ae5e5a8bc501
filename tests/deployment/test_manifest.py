"""The Slack manifest: well-formed, and in step with what the app registers, calls and says."""

import ast
import copy
import json
import re
import time
from collections.abc import Callable, Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jsonschema
import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import ASGIApp

from bot.app import create_app
from bot.slack.questions import CORRECT
from handlers.parsing import parse_command
from tests.conftest import CUSTOMER, LINE, SIGNING, Stage, settings_for, until
from tests.deployment import ROOT
from tests.samples import JPEG

SOURCE = (ROOT / "manifest.yml").read_text()
MANIFEST = yaml.safe_load(SOURCE)
COMMANDS = {command["command"]: command for command in MANIFEST["features"]["slash_commands"]}
FIRST = next(iter(COMMANDS.values()))
SCOPES = MANIFEST["oauth_config"]["scopes"]["bot"]
SETTINGS = MANIFEST["settings"]
EVENTS = SETTINGS["event_subscriptions"]["bot_events"]
SCHEMA = json.loads((Path(__file__).parent / "manifest_schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

NEEDS = {
    "auth_test": set(),
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "chat_delete": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "reactions_add": {"reactions:write"},
    "views_open": set(),
    "conversations_join": {"channels:join"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_history": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "files_info": {"files:read"},
    "files.getUploadURLExternal": {"files:write"},
    "files.completeUploadExternal": {"files:write"},
    "users_info": {"users:read"},
    "usergroups_list": {"usergroups:read"},
    "usergroups_users_list": {"usergroups:read"},
}
"""What each Web API method asks for, in every kind of conversation a thread can be in."""

INTERACTIVE = (
    *("action", "block_action", "attachment_action", "dialog_submission", "dialog_cancellation"),
    *("shortcut", "global_shortcut", "message_shortcut", "view_submission", "view_closed"),
    *("options", "block_suggestion", "dialog_suggestion"),
)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[Any]]:
    """What the real app registers at Bolt: kind of listener → constraints."""
    seen: dict[str, list[Any]] = {"command": [], "event": [], "message": [], "interactive": [], "view": []}

    def watch(name: str, kind: str) -> None:
        original: Callable[..., Any] = getattr(AsyncApp, name)

        def noting(app: AsyncApp, *constraints: Any, **options: Any) -> Any:
            seen[kind].append(constraints[0] if constraints else next(iter(options.values()), None))
            return original(app, *constraints, **options)

        monkeypatch.setattr(AsyncApp, name, noting)

    for name in ("command", "event", "message", "view"):
        watch(name, name)
    for name in INTERACTIVE:
        watch(name, "interactive")
    create_app(settings_for(tmp_path))
    return seen


def test_it_is_what_slack_accepts() -> None:
    VALIDATOR.check_schema(SCHEMA)
    assert [error.message for error in VALIDATOR.iter_errors(MANIFEST)] == []


def _broken(path: str, value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(MANIFEST)
    *way, last = path.split(".")
    place = manifest
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = value
    return manifest


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("unknown", {}),
        ("features.bot_user.nickname", "x"),
        ("settings.interactivity.request_url", "YOUR-APP/slack/events"),
        ("settings.interactivity", {}),
        ("settings.socket_mode_enabled", "no"),
        ("display_information.name", "x" * 36),
        ("display_information.description", "x" * 141),
        ("display_information.long_description", "x" * 174),
        ("features.bot_user.display_name", "x" * 81),
        ("features.slash_commands.0.command", "imessage"),
        ("features.slash_commands.0.command", "/" + "x" * 32),
        ("features.slash_commands.0.usage_hint", "x" * 1001),
        ("features.slash_commands", [{"command": "/imessage"}]),
        ("features.slash_commands", [FIRST] * 51),
        ("oauth_config.scopes.bot", ["chat:write", "chat:write"]),
        ("settings.event_subscriptions", {"bot_events": [f"event_{n}" for n in range(101)]}),
        ("_metadata.major_version", 1),
    ],
)
def test_the_schema_refuses_what_slack_refuses(path: str, value: Any) -> None:
    assert not VALIDATOR.is_valid(_broken(path, value))


async def test_every_command_in_the_manifest_is_answered_by_the_app_at_its_url(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path))
    for name, command in {**COMMANDS, "/unknown": FIRST}.items():
        fields = {"command": name, "text": "help", "team_id": "T1", "channel_id": "C1", "user_id": "U1"}
        answer = await _post_as_slack(app, command["url"], fields)
        assert (answer.status_code == 200) == (name in COMMANDS), f"{name}: {answer.status_code} {answer.text}"


async def _post_as_slack(
    app: ASGIApp, url: str, fields: dict[str, str], *, kind: str = "application/x-www-form-urlencoded"
) -> httpx.Response:
    body = json.dumps(fields) if kind == "application/json" else urlencode(fields)
    timestamp = str(int(time.time()))
    headers = {
        "content-type": kind,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": SignatureVerifier(SIGNING).generate_signature(timestamp=timestamp, body=body) or "",
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bot.example.com") as slack:
        return await slack.post(urlsplit(url).path, content=body, headers=headers)


def test_every_registered_command_is_in_the_manifest(registered: dict[str, list[Any]]) -> None:
    assert set(registered["command"]) == set(COMMANDS)


def test_interactivity_is_on_exactly_when_something_uses_it(registered: dict[str, list[Any]]) -> None:
    used = bool(registered["interactive"] or registered["view"])
    assert SETTINGS["interactivity"]["is_enabled"] == used
    assert ("request_url" in SETTINGS["interactivity"]) == used


def test_every_button_that_is_shown_is_registered_and_the_other_way_round(registered: dict[str, list[Any]]) -> None:
    assert set(registered["interactive"]) == _action_ids()


async def test_every_button_is_answered_by_the_app_at_the_manifests_url(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path))
    for action in (*_action_ids(), "unknown"):
        click = {"action_id": action, "block_id": "b", "type": "button", "value": "none of ours"}
        payload = {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"}, "actions": [click]}
        answer = await _post_as_slack(app, SETTINGS["interactivity"]["request_url"], {"payload": json.dumps(payload)})
        assert (answer.status_code == 200) == (action != "unknown"), f"{action}: {answer.status_code} {answer.text}"


def _action_ids() -> set[str]:
    """What every button that the code builds is called. There is one place that builds them."""
    assert [name for name, built in _built("action_id") if built.get("type") == "'button'"] == ["wording"]
    return {
        _value(module, call.args[1])
        for module, tree in _trees()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "button"
    }


def _built(key: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield module, fields for each part of a post or a form that the code builds with this key."""
    for module, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                fields = {name.value: ast.unparse(value) for name, value in pairs if isinstance(name, ast.Constant)}
                if key in fields:
                    yield module, fields


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for file in (ROOT / "bot/slack").glob("*.py"):
        yield file.stem, ast.parse(file.read_text())


def _value(module: str, expression: ast.expr) -> str:
    """Return what a name in a module of bot/slack stands for."""
    names = ast.unparse(expression).split(".")
    return str(reduce(getattr, names, import_module(f"bot.slack.{module}")))


def test_every_form_that_is_shown_is_registered_and_the_other_way_round(registered: dict[str, list[Any]]) -> None:
    assert set(registered["view"]) == _forms()


async def test_every_form_is_answered_by_the_app_at_the_manifests_url(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path))
    for form in (*_forms(), "unknown"):
        view = {"type": "modal", "callback_id": form, "private_metadata": "none of ours", "state": {"values": {}}}
        payload = {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"}, "view": view}
        answer = await _post_as_slack(app, SETTINGS["interactivity"]["request_url"], {"payload": json.dumps(payload)})
        assert (answer.status_code == 200) == (form != "unknown"), f"{form}: {answer.status_code} {answer.text}"


def _forms() -> set[str]:
    """What every form that the code builds is called."""
    found = {
        _value(module, ast.parse(fields["callback_id"], mode="eval").body) for module, fields in _built("callback_id")
    }
    assert found
    return found


def test_exactly_the_events_that_are_used_are_subscribed_to(registered: dict[str, list[Any]]) -> None:
    named = {_event(constraint) for constraint in registered["event"] if not isinstance(constraint, re.Pattern)}
    assert {event.partition(".")[0] for event in EVENTS} == named | ({"message"} if registered["message"] else set())


def _event(constraint: Any) -> str:
    return str(constraint["type"] if isinstance(constraint, dict) else constraint)


def test_messages_come_from_every_kind_of_conversation_whose_history_may_be_read() -> None:
    histories = {scope.partition(":")[0] for scope in SCOPES if scope.endswith(":history")}
    assert sorted(EVENTS) == sorted(f"message.{kind}" for kind in histories)


async def test_the_app_proves_that_the_events_url_is_its_own(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path))
    asked = {"type": "url_verification", "challenge": "of Slack", "token": "x"}
    answer = await _post_as_slack(app, SETTINGS["event_subscriptions"]["request_url"], asked, kind="application/json")
    assert (answer.status_code, answer.json()) == (200, {"challenge": "of Slack"})


def test_every_scope_is_needed_and_every_needed_scope_is_asked_for() -> None:
    called = set(_web_api_methods())
    assert called == set(NEEDS), "keep NEEDS in step with the calls in bot/slack"
    assert set(SCOPES) == {"commands"}.union(*NEEDS.values())


def _web_api_methods() -> Iterator[str]:
    """Every Web API method the code names, and any way around their names."""
    methods = {name for name in vars(AsyncWebClient) if "_" in name.strip("_")}
    for file in (*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in methods:
                yield node.attr
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "api_call":
                yield "api_call"  # call it through `calls.call`, and name the method
            if isinstance(node, ast.keyword) and node.arg == "api_method":
                yield str(getattr(node.value, "value", "api_method"))


def test_every_scope_and_every_event_says_why() -> None:
    for name in (*SCOPES, *EVENTS):
        assert re.search(rf"^ +- {re.escape(name)} # \S", SOURCE, re.MULTILINE), f"{name} has no comment"


async def test_these_scopes_are_enough_for_every_call_the_bot_makes(open_stage: Callable[..., Any]) -> None:
    """It looks people and places up, enters a public channel, finds posts whose answers were lost, links from thread to
    thread, removes a stray reply, asks about typed words, marks them, shows the form for a correction and copies files.
    """
    stage: Stage = await open_stage(allowed_users="S0FRONT", thread_replies="send", catch_up_interval=0.5)
    stage.slack.scopes = SCOPES
    await stage.text(channel="C0RANDOM")
    await until(lambda: "Delivered" in stage.shown("C0RANDOM"))
    stage.slack.faults.patch({"lose_answer": 2})
    await stage.text()
    await until(lambda: any("Delivered" in reply for reply in stage.replies()), within=20)
    typed = await stage.slack.reply("C0GENERAL", stage.root().ts, "Seven works")
    await until(lambda: "white_check_mark" in typed.reactions)
    await stage.slack.edit("C0GENERAL", typed.ts, "Eight works")
    await stage.slack.reply("C0GENERAL", stage.root().ts, "<!subteam^S0FRONT> do we have a table?")
    await until(lambda: any("first version" in one.text for one in stage.slack.ephemerals))
    [offer] = [one for one in stage.slack.ephemerals if "first version" in one.text]
    await stage.slack.click("C0GENERAL", offer.id, CORRECT)
    await stage.sendblue.customer_says(CUSTOMER, "", media=[("photo.jpg", JPEG)])
    await until(lambda: any(call.method == "files.info" for call in stage.slack.calls))
    stage.slack.faults.orphan_replies = True
    stage.slack.delete("C0RANDOM", stage.root("C0RANDOM").ts)
    await stage.sendblue.report(stage.bubbles()[0].handle, "READ")
    needed = {name.replace("_", ".") for name in NEEDS}
    await until(lambda: {call.method for call in stage.slack.calls} == needed, within=20)
    assert not [call.method for call in stage.slack.calls if "missing_scope" in str(call.answer)]


def test_the_bot_is_invited_by_the_name_it_has() -> None:
    said = {
        name
        for file in (*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py"), ROOT / "docs/deploy.md")
        for name in re.findall(r"/invite @([\w.-]+)", file.read_text())
    }
    assert said == {MANIFEST["features"]["bot_user"]["display_name"]}


def test_the_hint_can_be_typed() -> None:
    for example in FIRST["usage_hint"].split(" | "):
        parse_command(example, region="US", lines=[LINE])


def test_reports_can_go_to_direct_messages() -> None:
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"] is True


def test_what_would_change_how_slack_talks_to_the_app_is_off() -> None:
    switches = ("org_deploy_enabled", "socket_mode_enabled", "token_rotation_enabled")
    assert [SETTINGS[switch] for switch in switches] == [False, False, False]
    assert not FIRST["should_escape"]
