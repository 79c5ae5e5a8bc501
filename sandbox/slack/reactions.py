"""reactions.add: the bot's reactions to messages."""

from sandbox.slack.emoji import names
from sandbox.slack.params import text_of
from sandbox.slack.records import SlackRefusalError
from sandbox.slack.workspace import Workspace
from sandbox.traffic import Json


def add_reaction(workspace: Workspace, params: Json) -> Json:
    """Add a reaction and return the answer's JSON.

    Raises:
        SlackRefusalError: Slack's error name.
    """
    name = text_of(params.get("name"))
    if name not in names():
        raise SlackRefusalError("invalid_name")
    channel = workspace.seen(params.get("channel"))
    if not channel.member:
        raise SlackRefusalError("not_in_channel")
    if channel.archived:
        raise SlackRefusalError("is_archived")
    message = workspace.transcript(channel.id).find(params.get("timestamp"))
    if message is None:
        raise SlackRefusalError("message_not_found")
    if name in message.reactions:
        raise SlackRefusalError("already_reacted")
    message.reactions.append(name)
    workspace.show(message)
    return {"ok": True}
