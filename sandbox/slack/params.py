"""What a Web API call carries: JSON, a form or a query string, read into one shape."""

import json
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.traffic import Json

_NESTED = ("blocks", "metadata", "attachments", "view", "files")


async def read_params(request: Request) -> Json:
    """Return a call's parameters; whatever cannot be read counts as absent."""
    params: Json = dict(request.query_params)
    body = (await request.body()).decode("utf-8", "replace")
    if "json" in request.headers.get("content-type", ""):
        decoded = _json(body)
        params |= decoded if isinstance(decoded, dict) else {}
    else:
        params |= dict(parse_qsl(body, keep_blank_values=True))
    for name in _NESTED:
        if isinstance(params.get(name), str):
            params[name] = _json(params[name])
    return params


def flag(value: object) -> bool:
    """Return what a yes-or-no parameter says, in JSON or as a word."""
    return str(value).lower() in ("1", "true", "yes")


def whole_number(value: object, default: int) -> int:
    """Return a count, or `default` for anything else."""
    try:
        return int(str(value))
    except ValueError:
        return default


def text_of(value: object) -> str:
    """Return a text parameter, "" if there is none."""
    return "" if value is None else str(value)


def _json(text: str) -> object:
    try:
        decoded: object = json.loads(text)
    except ValueError:
        return text or None
    return decoded
