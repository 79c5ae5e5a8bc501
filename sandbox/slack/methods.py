"""The Web API's methods by name, and the scope each of them asks for."""

from collections.abc import Callable, Mapping

from sandbox.slack.chat import Chat
from sandbox.slack.conversations import Conversations
from sandbox.slack.faults import SlackFaults
from sandbox.slack.params import text_of
from sandbox.slack.reactions import add_reaction
from sandbox.slack.records import SlackRefusalError
from sandbox.slack.sharing import Sharing
from sandbox.slack.views import Views
from sandbox.slack.workspace import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    GROUP_NAMES,
    GROUPS,
    GUESTS,
    PEOPLE,
    TEAM,
    Workspace,
    team_of,
)
from sandbox.traffic import Json

_SCOPES: Mapping[str, tuple[str, ...]] = {
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.delete": ("chat:write",),
    "reactions.add": ("reactions:write",),
    "conversations.history": ("channels:history", "groups:history", "im:history"),
    "conversations.replies": ("channels:history", "groups:history", "im:history"),
    "conversations.join": ("channels:join",),
    "conversations.info": ("channels:read", "groups:read", "im:read"),
    "conversations.open": ("im:write", "chat:write"),
    "users.info": ("users:read",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "team.info": ("team:read",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.info": ("files:read",),
}
"""Any one of the scopes is enough."""


class Methods:
    """Runs Web API methods against the workspace."""

    def __init__(self, workspace: Workspace, chat: Chat, sharing: Sharing, faults: SlackFaults, views: Views) -> None:
        self._workspace = workspace
        conversations = Conversations(workspace, faults)
        self._by_name: Mapping[str, Callable[[Json], Json]] = {
            "auth.test": lambda _: _auth_test(workspace.bot_name),
            "chat.postMessage": chat.post_message,
            "chat.update": chat.update,
            "chat.postEphemeral": chat.post_ephemeral,
            "chat.delete": chat.delete,
            "reactions.add": lambda params: add_reaction(workspace, params),
            "views.open": views.open,
            "conversations.history": conversations.history,
            "conversations.replies": conversations.replies,
            "conversations.join": conversations.join,
            "conversations.info": conversations.info,
            "conversations.open": conversations.open,
            "users.info": _users_info,
            "usergroups.list": _groups,
            "usergroups.users.list": _group_members,
            "team.info": _team_info,
            "files.getUploadURLExternal": sharing.get_upload_url,
            "files.completeUploadExternal": sharing.complete_upload,
            "files.info": sharing.info,
        }

    def run(self, name: str, params: Json) -> Json:
        """Return a method's answer.

        Raises:
            SlackRefusalError: Slack's error name, `unknown_method` and `missing_scope` among them.
        """
        method = self._by_name.get(name)
        if method is None:
            raise SlackRefusalError("unknown_method", req_method=name)
        needed, granted = _SCOPES.get(name, ()), self._workspace.scopes
        if needed and not set(needed) & set(granted):
            raise SlackRefusalError("missing_scope", needed=needed[0], provided=",".join(granted))
        return method(params)


def _auth_test(bot_name: str) -> Json:
    return {
        "ok": True,
        "url": f"https://{TEAM['domain']}.slack.com/",
        "team": TEAM["name"],
        "user": bot_name,
        "team_id": TEAM["id"],
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "is_enterprise_install": False,
    }


def _users_info(params: Json) -> Json:
    person = text_of(params.get("user"))
    if person not in PEOPLE:
        raise SlackRefusalError("user_not_found")
    name = PEOPLE[person]
    profile = {"real_name": name, "display_name": name}
    user: Json = {
        "id": person,
        "team_id": team_of(person),
        "name": name.lower(),
        "real_name": name,
        "profile": profile,
    }
    user |= {"tz": "America/Los_Angeles", "is_bot": False, "deleted": False}
    user |= {"is_restricted": person in GUESTS, "is_ultra_restricted": False, "is_stranger": False}
    return {"ok": True, "user": user}


def _groups(_params: Json) -> Json:
    groups = [{"id": group, "team_id": TEAM["id"], "name": name, "handle": name} for group, name in GROUP_NAMES.items()]
    return {"ok": True, "usergroups": groups}


def _group_members(params: Json) -> Json:
    group = text_of(params.get("usergroup"))
    if group not in GROUPS:
        raise SlackRefusalError("no_such_subteam")
    return {"ok": True, "users": list(GROUPS[group])}


def _team_info(_params: Json) -> Json:
    return {"ok": True, "team": dict(TEAM)}
