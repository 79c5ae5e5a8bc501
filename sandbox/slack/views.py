"""Modals: dialogs that the app opens in front of one person. Source: docs, "Modals" and views.open."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping

from sandbox.board import Board
from sandbox.slack.blocks import block_problems, text_problems
from sandbox.slack.hands import Hands, gesture, new_trigger_id
from sandbox.slack.params import text_of
from sandbox.slack.records import CommandAnswer, SlackRefusalError, View
from sandbox.slack.workspace import APP_ID, BOT_ID, TEAM
from sandbox.traffic import Json

TRIGGER_LIFETIME = 3.0
"""Seconds in which a gesture's `trigger_id` opens a dialog, once."""
MOST_BLOCKS = 100
LONGEST_VALUE = 3000
LONGEST_METADATA = 3000


class Views:
    """Opens dialogs, and hands in what somebody wrote in them."""

    def __init__(self, board: Board, hands: Hands) -> None:
        self._board = board
        self._hands = hands
        self._triggers: dict[str, tuple[str, float]] = {}
        self._exchanged: set[str] = set()
        self.open_ones: dict[str, View] = {}

    def trigger(self, user: str) -> str:
        """Return the `trigger_id` of a gesture that somebody makes now."""
        name, now = new_trigger_id(), time.monotonic()
        self._triggers = {known: made for known, made in self._triggers.items() if now - made[1] < 60}
        self._triggers[name] = (user, now)
        return name

    def open(self, params: Json) -> Json:
        """views.open."""
        user = self._exchange(text_of(params.get("trigger_id")))
        content = params.get("view")
        problems = list(_problems(content)) if isinstance(content, dict) else ["missing required field: view"]
        if not isinstance(content, dict) or problems:
            raise SlackRefusalError("invalid_arguments", *problems)
        view = View(f"V{secrets.token_hex(5).upper()}", _new_hash(), user, _with_ids(content))
        self.open_ones[view.id] = view
        self._show(view)
        return {"ok": True, "view": _as_api(view)}

    async def submit(self, view: View, values: Mapping[str, str]) -> CommandAnswer:
        """Press the dialog's button. values: what was written, by `block_id`; other inputs stay as they were filled.

        Raises:
            ValueError: Slack would not even ask the app; a sentence for the person.
        """
        state = _state(view, values)
        payload = gesture("view_submission", view.user, self.trigger(view.user))
        payload |= {"view": _as_api(view) | {"state": {"values": state}}, "response_urls": []}
        answer = await self._hands.send_form({"payload": json.dumps(payload)})
        if answer.failure is None:
            self._take(view, answer.body if isinstance(answer.body, dict) else {})
        return answer

    async def dismiss(self, view: View) -> None:
        """Close the dialog without handing it in; the app hears of it if it asked to."""
        self._close(view)
        if view.content.get("notify_on_close"):
            payload = gesture("view_closed", view.user, "") | {"view": _as_api(view), "is_cleared": False}
            del payload["trigger_id"]
            await self._hands.send_form({"payload": json.dumps(payload)})

    def _exchange(self, trigger_id: str) -> str:
        """Take a `trigger_id` and return whose gesture it was."""
        if trigger_id in self._exchanged:
            raise SlackRefusalError("exchanged_trigger_id")
        if trigger_id not in self._triggers:
            raise SlackRefusalError("invalid_trigger_id")
        user, made = self._triggers[trigger_id]
        if time.monotonic() - made > TRIGGER_LIFETIME:
            raise SlackRefusalError("expired_trigger_id")
        self._exchanged.add(trigger_id)
        return user

    def _take(self, view: View, answer: Json) -> None:
        """Do what the app answered: complain, show something else, or nothing more."""
        action, content = answer.get("response_action"), answer.get("view")
        if action == "errors":
            named = {block["block_id"] for block in view.inputs()}
            view.errors = {block: str(said) for block, said in answer.get("errors", {}).items() if block in named}
            self._show(view)
        elif action == "update" and isinstance(content, dict) and not list(_problems(content)):
            view.content, view.errors, view.hash = _with_ids(content), {}, _new_hash()
            self._show(view)
        else:
            self._close(view)

    def _close(self, view: View) -> None:
        self.open_ones.pop(view.id, None)
        self._board.say("view", view.event() | {"gone": True})

    def _show(self, view: View) -> None:
        self._board.say("view", view.event())


def _new_hash() -> str:
    return f"{time.time():.6f}.{secrets.token_hex(4)}"


def _problems(view: Json) -> Iterator[str]:
    if view.get("type") != "modal":
        yield f"unsupported type: {view.get('type')} [json-pointer:/view/type]"
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        yield "missing required field: blocks [json-pointer:/view]"
        return
    asks = any(block.get("type") == "input" for block in blocks)
    for name, needed in (("title", True), ("submit", asks), ("close", False)):
        if needed or name in view:
            for problem in text_problems(view.get(name), 24, only="plain_text"):
                yield f"{problem} [json-pointer:/view/{name}]"
    for name, most in (("private_metadata", LONGEST_METADATA), ("callback_id", 255)):
        if len(text_of(view.get(name))) > most:
            yield f"{name} must be less than {most + 1} characters [json-pointer:/view/{name}]"
    yield from block_problems(blocks, MOST_BLOCKS)


def _with_ids(content: Json) -> Json:
    """Return a view's content, with an id for each block and input that came without one."""
    blocks = [{"block_id": f"b{number}"} | block for number, block in enumerate(content["blocks"])]
    for block in blocks:
        if isinstance(block.get("element"), dict):
            block["element"] = {"action_id": "a0"} | block["element"]
    return content | {"blocks": blocks}


def _state(view: View, values: Mapping[str, str]) -> Json:
    """Return what a dialog holds, as a submission names it."""
    state: Json = {}
    for block in view.inputs():
        element, name = block["element"], block["block_id"]
        value = values.get(name, element.get("initial_value"))
        if not value and not block.get("optional"):
            raise ValueError("Please complete this required field.")
        if len(value or "") > element.get("max_length", LONGEST_VALUE):
            raise ValueError("This is too long.")
        state[name] = {element["action_id"]: {"type": element["type"], "value": value or None}}
    return state


def _as_api(view: View) -> Json:
    """Return a view as the Web API and payloads spell it."""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        **view.content,
        "id": view.id,
        "team_id": TEAM["id"],
        "state": {"values": {}},
        "hash": view.hash,
        "root_view_id": view.id,
        "previous_view_id": None,
        "app_id": APP_ID,
        "app_installed_team_id": TEAM["id"],
        "bot_id": BOT_ID,
    }
