"""The account's webhooks, with the vendor's habits: POST appends without looking, PUT replaces all."""

from sandbox.sendblue.records import request_error
from sandbox.traffic import Json


class Webhooks:
    """What is registered, by type."""

    def __init__(self) -> None:
        self._hooks: Json = {}

    def listed(self) -> Json:
        """GET."""
        return {"status": "OK", "webhooks": self._hooks}

    def append(self, body: Json) -> Json:
        """POST `{webhooks, type?, globalSecret?}`."""
        hooks = body.get("webhooks")
        if not isinstance(hooks, list):
            raise request_error("webhooks must be an array")
        self._hooks.setdefault(str(body.get("type", "receive")), []).extend(hooks)
        if body.get("globalSecret"):
            self._hooks["globalSecret"] = body["globalSecret"]
        return self.listed()

    def replace(self, body: Json) -> Json:
        """PUT `{webhooks: {type: […]}}`; types left out vanish."""
        hooks = body.get("webhooks")
        if not isinstance(hooks, dict):
            raise request_error("webhooks must be an object")
        self._hooks = dict(hooks)
        return self.listed()

    def remove(self, body: Json) -> Json:
        """DELETE `{webhooks: [url], type?}`."""
        gone = body.get("webhooks") or []
        kind = str(body.get("type", "receive"))
        kept = [hook for hook in self._hooks.get(kind, []) if _url(hook) not in gone]
        self._hooks[kind] = kept
        return self.listed()


def _url(hook: object) -> object:
    return hook.get("url") if isinstance(hook, dict) else hook
