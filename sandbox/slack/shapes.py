"""Messages as the Web API and its events spell them. Pure. Source: docs, "message event" and its subtypes."""

from sandbox.slack.file_records import file_spelled
from sandbox.slack.records import Channel, SlackMessage
from sandbox.slack.workspace import APP_ID, BOT_USER, STRANGERS, team_of
from sandbox.traffic import Json

TOMBSTONE: Json = {
    "type": "message",
    "subtype": "tombstone",
    "text": "This message was deleted.",
    "user": "USLACKBOT",
    "hidden": True,
}
"""What stands in the place of a deleted message that has replies; its `ts` is left out here."""


def as_api(message: SlackMessage, *, all_metadata: bool = False) -> Json:
    """Return a message as the Web API spells it; of metadata only the type unless all was asked for."""
    spelled: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": team_of(message.user),
    }
    spelled |= {name: value for name, value in _optional(message).items() if value}
    if message.user in STRANGERS:
        spelled |= {"user_team": team_of(message.user), "source_team": team_of(message.user)}
    if message.bot_id:
        spelled["app_id"] = APP_ID
    if message.edited:
        spelled["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.files:
        spelled |= {"upload": True, "display_as_bot": False}
    if message.metadata:
        spelled["metadata"] = message.metadata if all_metadata else {"event_type": message.metadata["event_type"]}
    return spelled


def _optional(message: SlackMessage) -> Json:
    """Return the fields that stand there only when they have a value."""
    reactions = [{"name": name, "users": [BOT_USER], "count": 1} for name in message.reactions]
    return {
        "subtype": "thread_broadcast" if message.broadcast else message.subtype,
        "bot_id": message.bot_id,
        "client_msg_id": message.client_msg_id,
        "thread_ts": message.thread_ts,
        "parent_user_id": message.parent_user,
        "blocks": message.blocks,
        "files": [file_spelled(file) for file in message.files],
        "attachments": message.attachments,
        "reactions": reactions,
    }


def posted(channel: Channel, message: SlackMessage, root: SlackMessage | None) -> Json:
    """Return the event of a new message. root: of its thread, which only a broadcast reply brings along."""
    event = as_api(message) | _where(channel, message.ts)
    if message.broadcast and root is not None:
        event["root"] = as_api(root) | {"thread_ts": root.ts}
    return event


def changed(channel: Channel, now: Json, before: Json, ts: str) -> Json:
    """Return the event of a message that looks otherwise now; `ts` is the event's own."""
    event: Json = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": ts}
    return event | {"message": now, "previous_message": before} | _where(channel, ts)


def deleted(channel: Channel, before: Json, ts: str) -> Json:
    """Return the event of a message that is gone; `ts` is the event's own."""
    event: Json = {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": ts}
    return event | {"deleted_ts": before["ts"], "previous_message": before} | _where(channel, ts)


def _where(channel: Channel, ts: str) -> Json:
    return {"channel": channel.id, "channel_type": channel.channel_type, "event_ts": ts}
