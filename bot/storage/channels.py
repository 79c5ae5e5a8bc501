"""The rule that each channel has for what is typed in its threads, and "" for those that have none of their own."""

from datetime import timedelta

from msgspec import Struct

from bot.domain.ids import new_id
from bot.domain.rules import Replies
from bot.domain.thread import Step
from bot.storage.engine import Transaction, one_by_one
from bot.storage.private_notes import PrivateNote, owe_notes
from bot.storage.sql import Sql
from bot.storage.waking import wake

_APART = timedelta(seconds=2)  # twice what one edit takes, so that others come in between


class NewRule(Struct, frozen=True):
    channel: str
    rule: Replies
    by: str  # a Slack user id


@one_by_one
def set_rules(tx: Transaction, new: NewRule) -> bool:
    """Set a channel's rule, and owe the channel to say so; return whether that changed it."""
    if not tx.ask(_SET_RULE, channel=new.channel, rule=new.rule, by=new.by, now=tx.now).column():
        return False
    key = f"rule:{new.channel}:{int(tx.now.timestamp() * 1e6)}"
    owe_notes(tx, [PrivateNote(key, new.channel, "", f"rule:{new.rule}:{new.by}", new_id(tx.now))])
    for place, root in enumerate(tx.ask(_NEWEST_ROOTS, channel=new.channel).column()):
        wake(tx, [root], Step.EDIT, place * _APART)
    return True


_SET_RULE = Sql("""
    INSERT INTO channels (channel, rule, set_by, set_at) VALUES (:channel, :rule, :by, :now)
    ON CONFLICT (channel) DO UPDATE SET rule = excluded.rule, set_by = excluded.set_by, set_at = excluded.set_at
    WHERE channels.rule <> excluded.rule RETURNING channel
""")
# The newest roots say the rule one after the other, the others with their next edit. What a root has to say of a text
# cuts that short. They are always the same few: were those left out that wait already, each change would add others.
_NEWEST_ROOTS = Sql("""
    SELECT threads.id FROM threads JOIN conversations ON conversations.thread_id = threads.id
    WHERE threads.channel = :channel AND closed = '' AND root_ts IS NOT NULL ORDER BY last_at DESC LIMIT 5
""")


@one_by_one
def note_usual_rule(tx: Transaction, rule: Replies) -> None:
    """Note which rule holds where a channel has none of its own: from now on, if it was another one."""
    tx.do(_SET_RULE, channel="", rule=rule, by="", now=tx.now)


def rule_of(tx: Transaction, channel: str) -> Replies | None:
    """Return a channel's own rule."""
    found = tx.ask(_RULE, channel=channel).column()
    return found[0] if found else None


_RULE = Sql("SELECT rule FROM channels WHERE channel = :channel")
