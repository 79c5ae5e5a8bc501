"""What people do with messages. The workspace remembers it, and the app is told."""

import copy
import uuid
from collections.abc import Callable, Sequence

from sandbox.slack.composer import composed
from sandbox.slack.events import Events
from sandbox.slack.file_records import SlackFile
from sandbox.slack.files import Files, Given
from sandbox.slack.records import Channel, SlackMessage, SlackRefusalError
from sandbox.slack.shapes import TOMBSTONE, as_api, changed, deleted, posted
from sandbox.slack.workspace import ME, PEOPLE, Workspace
from sandbox.traffic import Json


class People:
    """Everybody in the workspace. Each method ends once the app was told, or its first attempt failed."""

    def __init__(self, workspace: Workspace, files: Files, events: Events) -> None:
        self._workspace = workspace
        self._files = files
        self._events = events

    async def reply(
        self,
        channel: str,
        thread_ts: str | None,
        text: str,
        *,
        user: str = ME,
        blocks: list[Json] | None = None,
        subtype: str | None = None,
        files: Sequence[Given] = (),
        broadcast: bool = False,
        client_msg_id: str | None = None,
    ) -> SlackMessage:
        """Type in a thread, or in the channel itself if `thread_ts` is None. With `blocks`, `text` goes as it stands.

        files: what is shared with it; `text` may be "" then.

        Raises:
            SlackRefusalError: there is no such channel, person or thread, or the channel is archived.
        """
        place = self._open_place(channel, user)
        root = self._root(channel, thread_ts) if thread_ts else None
        shown, written = (text, blocks) if blocks is not None else composed(text)
        if subtype == "me_message":  # which has neither blocks nor an id of the client's
            written = []
        elif client_msg_id is None:
            client_msg_id = str(uuid.uuid4())
        message = SlackMessage(
            channel,
            self._workspace.next_ts(),
            thread_ts,
            user,
            None,
            shown,
            written,
            broadcast=broadcast,
            subtype=subtype or ("file_share" if files else None),
            client_msg_id=client_msg_id,
            files=[self._files.given(file, user) for file in files],
        )
        self._workspace.add(message)
        for file in message.files:
            if isinstance(file, SlackFile):
                file.stands_in(channel, message.ts, thread_ts, public=place.kind == "public")
        await self._events.tell(place, posted(place, message, root))
        return message

    async def edit(
        self, channel: str, ts: str, text: str, *, blocks: list[Json] | None = None, user: str | None = None
    ) -> None:
        """Edit a message as `user`, None for its author.

        Raises:
            SlackRefusalError: there is no such channel or message, or `cant_update_message`: it is somebody else's.
        """

        def edited(message: SlackMessage) -> None:
            message.text, message.blocks = (text, blocks) if blocks is not None else composed(text)
            message.edited_ts = self._workspace.next_ts()

        if user not in (None, self._message(channel, ts).user):
            raise SlackRefusalError("cant_update_message")
        await self._change(channel, ts, edited)

    async def remove_file(self, channel: str, ts: str, file: str, *, user: str | None = None) -> None:
        """Delete a file as `user`, None for somebody with the right to do so: its message stays, with a tombstone.

        Raises:
            SlackRefusalError: there is no such channel or message, `file_not_found`, or `cant_delete_file`: somebody
                else's.
        """

        def removed(_message: SlackMessage) -> None:
            chosen.deleted = True

        there = [one for one in self._message(channel, ts).files if isinstance(one, SlackFile) and one.id == file]
        if not there:
            raise SlackRefusalError("file_not_found")
        chosen = there[0]
        if user not in (None, chosen.user):
            raise SlackRefusalError("cant_delete_file")
        await self._change(channel, ts, removed)

    async def unfurl(self, channel: str, ts: str) -> None:
        """Have Slack show what a message links to.

        Raises:
            SlackRefusalError: there is no such channel or message.
        """

        def unfurled(message: SlackMessage) -> None:
            message.attachments = [{"id": 1, "from_url": "https://a.example", "title": "Menu", "fallback": "Menu"}]

        await self._change(channel, ts, unfurled)

    async def remove(self, channel: str, ts: str, *, user: str | None = None) -> None:
        """Delete a message as `user`, None for somebody with the right to do so.

        Raises:
            SlackRefusalError: there is no such channel or message, or `cant_delete_message`: it is somebody else's.
        """
        message, place = self._message(channel, ts), self._workspace.channel(channel)
        if user not in (None, message.user):
            raise SlackRefusalError("cant_delete_message")
        before = as_api(message)
        message.deleted = True
        self._workspace.show(message)
        stamp = self._workspace.next_ts()
        event = deleted(place, before, stamp)
        if self._workspace.transcript(channel).tombstone(ts) is not None:
            event = changed(place, TOMBSTONE | {"ts": ts, "thread_ts": ts}, before, stamp)
        await self._events.tell(place, event)

    async def _change(self, channel: str, ts: str, change: Callable[[SlackMessage], None]) -> None:
        message, place = self._message(channel, ts), self._workspace.channel(channel)
        before = copy.deepcopy(as_api(message))
        change(message)
        self._workspace.show(message)
        await self._events.tell(place, changed(place, as_api(message), before, self._workspace.next_ts()))

    def _message(self, channel: str, ts: str) -> SlackMessage:
        message = self._workspace.transcript(self._workspace.channel(channel).id).find(ts)
        if message is None:
            raise SlackRefusalError("message_not_found")
        return message

    def _open_place(self, channel: str, user: str) -> Channel:
        if user not in PEOPLE:
            raise SlackRefusalError("user_not_found")
        place = self._workspace.channel(channel)
        if place.archived:
            raise SlackRefusalError("is_archived")
        return place

    def _root(self, channel: str, ts: str) -> SlackMessage:
        """Return a thread's first message, also one that was deleted: its thread goes on."""
        transcript = self._workspace.transcript(channel)
        root = transcript.root(ts) or transcript.tombstone(ts)
        if root is None:
            raise SlackRefusalError("thread_not_found")
        return root
