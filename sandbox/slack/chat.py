"""chat.*: posting, changing and deleting messages."""

import json

from sandbox.slack.blocks import check_blocks
from sandbox.slack.events import Events
from sandbox.slack.faults import SlackFaults
from sandbox.slack.pace import Pace
from sandbox.slack.params import flag, text_of
from sandbox.slack.records import Channel, Ephemeral, SlackMessage, SlackRefusalError
from sandbox.slack.shapes import as_api, changed, posted
from sandbox.slack.workspace import BOT_ID, BOT_USER, PEOPLE, Workspace
from sandbox.traffic import Json

LONGEST_POST = 40_000
LONGEST_UPDATE = 4_000


class Chat:
    """The chat.* methods. Each takes a call's parameters and returns its answer's JSON."""

    def __init__(self, workspace: Workspace, pace: Pace, faults: SlackFaults, events: Events) -> None:
        self._workspace = workspace
        self._events = events
        self._faults = faults
        self._pace = pace

    def post_message(self, params: Json) -> Json:
        """chat.postMessage."""
        channel = self.open_place(params.get("channel"))
        wait = self._pace.retry_after(channel.id)
        if wait:
            raise SlackRefusalError("ratelimited", retry_after=wait)
        text, blocks = self.content(params)
        thread_ts = self.thread(channel, params.get("thread_ts"))
        message = self._workspace.add(
            SlackMessage(
                channel=channel.id,
                ts=self._workspace.next_ts(),
                thread_ts=thread_ts,
                user=BOT_USER,
                bot_id=BOT_ID,
                text=text[:LONGEST_POST],
                blocks=blocks,
                metadata=self._metadata(params.get("metadata")),
                broadcast=thread_ts is not None and flag(params.get("reply_broadcast")),
            )
        )
        root = self._workspace.transcript(channel.id).root(thread_ts)
        self._events.tell_of_own(channel, posted(channel, message, root))
        return {"ok": True, "channel": channel.id, "ts": message.ts, "message": as_api(message)}

    def update(self, params: Json) -> Json:
        """chat.update: the bot's own messages only; text without blocks takes the blocks away."""
        channel = self._place(params.get("channel"))
        if channel.archived:
            raise SlackRefusalError("is_inactive")
        message = self._workspace.transcript(channel.id).find(params.get("ts"))
        if message is None:
            raise SlackRefusalError("message_not_found")
        if message.bot_id != BOT_ID:
            raise SlackRefusalError("cant_update_message")
        text, blocks = self.content(params)
        if len(text) > LONGEST_UPDATE:
            raise SlackRefusalError("msg_too_long")
        if "metadata" in params:
            message.metadata = self._metadata(params["metadata"])
        before = as_api(message)
        message.text, message.blocks, message.edited_ts = text, blocks, self._workspace.next_ts()
        self._events.tell_of_own(channel, changed(channel, as_api(message), before, self._workspace.next_ts()))
        self._workspace.show(message)
        return {
            "ok": True,
            "channel": channel.id,
            "ts": message.ts,
            "text": text,
            "message": as_api(message),
        }

    def post_ephemeral(self, params: Json) -> Json:
        """chat.postEphemeral. In a thread without a reply it is taken, and nobody sees it, as the documents warn."""
        channel = self.open_place(params.get("channel"), to_person=False)
        user = str(params.get("user", ""))
        if user not in (channel.people or PEOPLE):
            raise SlackRefusalError("user_not_in_channel")
        text, blocks = self.content(params)
        if len(text.encode()) > LONGEST_UPDATE:
            raise SlackRefusalError("msg_too_long")
        ts, thread_ts = self._workspace.next_ts(), text_of(params.get("thread_ts")) or None
        if thread_ts is None or self._workspace.transcript(channel.id).replies(thread_ts):
            self._workspace.whisper(Ephemeral(ts, channel.id, user, text, blocks, None, float(ts), thread_ts))
        return {"ok": True, "message_ts": ts}

    def delete(self, params: Json) -> Json:
        """chat.delete: the bot's own messages only."""
        channel = self._place(params.get("channel"))
        message = self._workspace.transcript(channel.id).find(params.get("ts"))
        if message is None:
            raise SlackRefusalError("message_not_found")
        if message.bot_id != BOT_ID:
            raise SlackRefusalError("cant_delete_message")
        message.deleted = True
        self._workspace.show(message)
        return {"ok": True, "channel": channel.id, "ts": message.ts}

    def open_place(self, name: object, *, to_person: bool = True) -> Channel:
        """Return where a post goes; a person's id means the bot's conversation with them."""
        if to_person and str(name).startswith("U"):
            return self._workspace.open_dm(str(name))
        channel = self._place(name)
        if channel.archived:
            raise SlackRefusalError("is_archived")
        if channel.restricted:
            raise SlackRefusalError("restricted_action")
        if channel.kind == "public" and not channel.member and "chat:write.public" not in self._workspace.scopes:
            raise SlackRefusalError("not_in_channel")
        return channel

    def _place(self, name: object) -> Channel:
        channel = self._workspace.channel(name)
        return channel if channel.kind == "dm" and self._faults.dm_posts else self._workspace.seen(name)

    def thread(self, channel: Channel, ts: object) -> str | None:
        """Return the thread a post goes to, None for the channel itself."""
        transcript = self._workspace.transcript(channel.id)
        if not ts or (self._faults.orphan_replies and transcript.deleted_root(ts) is not None):
            return None
        if transcript.root(ts) is None:
            raise SlackRefusalError("thread_not_found")
        return str(ts)

    def content(self, params: Json) -> tuple[str, list[Json]]:
        """Return a message's text and blocks; the text exactly as it was sent.

        Raises:
            SlackRefusalError: `no_text`, or something wrong with the blocks.
        """
        blocks = check_blocks(params.get("blocks"), self._faults.largest_blocks)
        text = text_of(params.get("text"))
        if not text.strip() and not blocks and not params.get("attachments"):
            raise SlackRefusalError("no_text")
        return text, blocks

    def _metadata(self, metadata: object) -> Json | None:
        """Return checked metadata; `{}` means none."""
        if metadata in (None, "", {}):
            return None
        if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
            raise SlackRefusalError("invalid_metadata_format")
        if not isinstance(metadata.get("event_payload"), dict):
            raise SlackRefusalError("invalid_metadata_schema")
        if len(json.dumps(metadata)) > self._faults.largest_metadata:
            raise SlackRefusalError("metadata_too_large")
        return metadata
