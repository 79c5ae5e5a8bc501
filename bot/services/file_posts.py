"""Having Slack show a customer's files below the words that came with them.

A post of files has no id of ours in it: whether it stands is found out by the file, which Slack says where it shows.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.domain.attachment import Stage
from bot.domain.thread import Thread
from bot.errors import Refused
from bot.slack.calls import NO_ACCESS, NO_SCOPE, NO_TOKEN, NOT_THERE
from bot.slack.files import NO_FILE, SlackFiles
from bot.slack.notifier import Notifier
from bot.storage.threads import Outcome

log = structlog.get_logger(__name__)

_LOOKS = 6  # with pauses that double: a minute in all
# What concerns the thread or our token, not the files.
_ELSEWHERE = NO_TOKEN | NO_ACCESS | NOT_THERE | {"thread_not_found", "is_archived"}
_QUIET_FOR = 2  # refusals of what may be mended by another copy, before they are said


@dataclass(eq=False)
class FilePosts:
    files: SlackFiles
    notifier: Notifier
    settle: timedelta  # until an unanswered call to Slack shows
    kept_for: timedelta  # for so long a customer's file can be copied once more

    async def show(self, thread: Thread) -> Outcome:
        shown = [
            (file_id, one.title)
            for one in thread.copies
            if one.stage is Stage.SHARING
            for file_id in one.slack_file.split()
        ]
        try:
            await self.files.show(shown, thread.channel, thread.stands_in or "")
        except Refused as error:
            if error.code in _ELSEWHERE:
                raise
            log.warning("files_refused", thread_id=thread.id, code=error.code)
            refused = [one for one in thread.copies if one.is_under_way]
            # Who copies it anew finds out what is missing, and has it said.
            quiet = error.code in NO_SCOPE or (error.code in NO_FILE and refused[0].failures < _QUIET_FOR)
            until = min(one.said_at for one in refused) + self.kept_for
            return Outcome(thread.copied_anew(), not_shown="" if quiet else f"{error.code} {until:%Y-%m-%d}")
        return Outcome(thread.taken(), again_in=self.settle / 4)

    async def look(self, thread: Thread) -> Outcome:
        """Find out whether the files stand in their thread. Nothing else is posted there before, or for a minute."""
        under_way = [one for one in thread.copies if one.is_under_way]
        places = await self.files.places(under_way[0].slack_file.split()[0], thread.channel)
        log.info("files_looked_for", thread_id=thread.id, found=bool(places))
        if any(place.thread_ts == thread.stands_in for place in places):
            return Outcome(thread.replied())
        if thread.looked + 1 < _LOOKS:
            return Outcome(thread.looked_in_vain(), again_in=self.settle * 2**thread.looked)
        for place in places:  # its root was deleted, so it stands in the channel itself
            await self.notifier.delete(place.channel, place.ts)
            raise Refused("thread_not_found")
        # Slack said yes: to ask again would show them twice.
        return Outcome(thread.replied() if under_way[0].stage is Stage.TAKEN else thread.not_posted())
