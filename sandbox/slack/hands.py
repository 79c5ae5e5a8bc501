"""The user's hands: what Slack sends to the bot when somebody types, clicks or writes."""

import json
import secrets
import time
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from sandbox.courier import Courier, Delivered
from sandbox.slack.records import Channel, CommandAnswer, Ephemeral, SlackMessage
from sandbox.slack.workspace import APP_ID, BOT_USER, PEOPLE, STRANGERS, TEAM, team_of
from sandbox.traffic import Json

PATIENCE = 3.0
"""Seconds Slack waits for an answer. Source: docs, "Implementing slash commands"."""

_FORM = "application/x-www-form-urlencoded"


class Hands:
    """Signs requests and carries them to the bot. `url` is the bot's `/slack/events`."""

    def __init__(self, courier: Courier, signing_secret: str) -> None:
        self._courier = courier
        self._signer = SignatureVerifier(signing_secret)
        self.url = ""

    async def send(self, body: str, content_type: str, headers: Mapping[str, str] | None) -> CommandAnswer:
        """POST a signed body; `headers` replace or add to what is sent."""
        signed = self._signed(body, content_type) | dict(headers or {})
        return _understood(await self._courier.post(self.url, body, signed, PATIENCE))

    async def send_form(self, fields: Json, headers: Mapping[str, str] | None = None) -> CommandAnswer:
        """POST a signed form."""
        return await self.send(urlencode(fields), _FORM, headers)

    async def send_json(self, body: Json, headers: Mapping[str, str] | None = None) -> CommandAnswer:
        """POST signed JSON."""
        return await self.send(json.dumps(body), "application/json", headers)

    def _signed(self, body: str, content_type: str) -> dict[str, str]:
        timestamp = str(int(time.time()))
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": self._signer.generate_signature(timestamp=timestamp, body=body) or "",
        }


def new_trigger_id() -> str:
    """Return a name for one gesture, unlike any other."""
    return f"{int(time.time() * 1000)}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"


def command_fields(typed: str, channel: Channel, user: str, response_url: str, trigger_id: str) -> Json:
    """Return the form fields of a slash command; `typed` begins with "/", and any space or line end ends its name."""
    command, *text = typed.split(maxsplit=1)
    return {
        "team_id": TEAM["id"],
        "team_domain": TEAM["domain"],
        "channel_id": channel.id,
        "channel_name": channel.command_name,
        "user_id": user,
        "user_name": PEOPLE[user].lower(),
        "command": command,
        "text": "".join(text).strip(),
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def gesture(kind: str, user: str, trigger_id: str) -> Json:
    """Return what the payload of every gesture has."""
    return {
        "type": kind,
        "user": {"id": user, "username": PEOPLE[user].lower(), "name": PEOPLE[user], "team_id": team_of(user)},
        "api_app_id": APP_ID,
        "trigger_id": trigger_id,
        "team": {"id": TEAM["id"], "domain": TEAM["domain"]},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def click_payload(channel: Channel, message: SlackMessage | Ephemeral, action: Json, response_url: str) -> Json:
    """Return the payload of a button click on a message, to be added to what every gesture has."""
    ts = message.id if isinstance(message, Ephemeral) else message.ts
    container: Json = {
        "type": "message",
        "message_ts": ts,
        "channel_id": channel.id,
        "is_ephemeral": isinstance(message, Ephemeral),
    }
    payload: Json = {
        "container": container,
        "channel": {"id": channel.id, "name": channel.command_name},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [action],
    }
    if isinstance(message, SlackMessage):
        shown = {"type": "message", "user": message.user, "ts": ts, "text": message.text}
        payload["message"] = shown | {"bot_id": message.bot_id, "blocks": message.blocks}
        if message.thread_ts:
            payload["message"]["thread_ts"] = message.thread_ts
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    return payload


def action_of(blocks: list[Json], action_id: str, value: str | None) -> Json:
    """Return the action of a click on the button named `action_id`.

    A button that is not there gives an action all the same: the message may have changed while
    somebody's finger was on its way, and requests can be forged.
    """
    action: Json = {"type": "button", "action_id": action_id, "block_id": "gone"}
    for block in blocks:
        for element in [*block.get("elements", ()), block.get("accessory")]:
            if isinstance(element, dict) and element.get("action_id") == action_id:
                kept = {name: element[name] for name in ("type", "text", "value") if name in element}
                action |= {"block_id": block.get("block_id", "b0"), **kept}
    if value is not None:
        action["value"] = value
    return action | {"action_ts": f"{time.time():.6f}"}


def event_envelope(event: Json) -> Json:
    """Wrap an event; the same event always gets the same `event_id`, as Slack's retries do."""
    name = sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:12].upper()
    return {
        "type": "event_callback",
        "team_id": TEAM["id"],
        "api_app_id": APP_ID,
        "event": event,
        "event_id": f"Ev{name}",
        "event_time": int(time.time()),
        "authorizations": [{"enterprise_id": None, "team_id": TEAM["id"], "user_id": BOT_USER, "is_bot": True}],
        "is_ext_shared_channel": event.get("message", event).get("user") in STRANGERS,
        "context_team_id": TEAM["id"],
        "context_enterprise_id": None,
    }


def _understood(delivered: Delivered) -> CommandAnswer:
    """Read an answer the way Slack does: 2xx with nothing, with text, or with a message."""
    body: Json | str = delivered.text
    if "json" in delivered.content_type:
        try:
            decoded = json.loads(delivered.text)
        except ValueError:
            decoded = None
        body = decoded if isinstance(decoded, dict) else body
    text = str(body.get("text", "")) if isinstance(body, dict) else body
    if delivered.timed_out:
        return CommandAnswer(0, text, body, delivered.seconds, "operation_timeout")
    if delivered.status is None or not 200 <= delivered.status < 300:
        return CommandAnswer(delivered.status or 0, text, body, delivered.seconds, "dispatch_failed")
    return CommandAnswer(delivered.status, text, body, delivered.seconds)
