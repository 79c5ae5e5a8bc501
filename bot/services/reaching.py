"""Whether an address leads to this very bot: a question with a nonce, answered with what only it can know."""

import hmac
import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Literal

import aiohttp

from bot.network import proxy_for, trusted

Reached = Literal["this bot", "another database", "another secret", "something else", "nobody"]

_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_LARGEST = 1024  # bytes
_PATIENCE = 10  # seconds
_ABSENT = frozenset({502, 503, 504})
"""What a web server says that has nobody behind it."""

_FAILURES = (
    (aiohttp.ClientSSLError, "its certificate is not valid"),
    (aiohttp.ClientConnectorDNSError, "there is no such host"),
    (aiohttp.ClientConnectorError, "nothing listens there"),
    (aiohttp.ClientHttpProxyError, "the proxy refused the connection"),
    (TimeoutError, f"no answer within {_PATIENCE} s"),
    (Exception, "the connection broke"),
)
"""The first that fits says why nobody was reached."""


class Identity:
    """What tells one bot from another: its newest CALLBACK_SECRET, and its database.

    database: returns what names the database; asked each time, for a SQLite file may be replaced.
    """

    def __init__(self, secret: str, database: Callable[[], bytes]) -> None:
        self._secret = secret.encode()
        self._database = database

    def prove(self, nonce: str) -> str:
        """Return two lines that only who knows the secret can write, the second about the database too.

        Anybody may ask: an unfit nonce gives nothing, and what is signed is longer than the id in a callback's token.
        """
        if not _NONCE.fullmatch(nonce):
            return ""
        return f"{self._sign('secret', nonce)}\n{self._sign('database', nonce, self._database())}\n"

    def recognise(self, answer: str, nonce: str) -> Reached:
        """Say who gave this answer to `GET /healthz?nonce=…`. Takes the same time whatever is wrong."""
        ok, *given = answer.split("\n")[:3]
        _, *right = f"ok\n{self.prove(nonce)}".split("\n")[:3]
        if ok != "ok" or [len(line) for line in given] != [len(line) for line in right]:
            return "something else"
        secret, database = (
            hmac.compare_digest(one.encode(), other.encode()) for one, other in zip(given, right, strict=True)
        )
        return ("this bot" if database else "another database") if secret else "another secret"

    def _sign(self, what: str, nonce: str, about: bytes = b"") -> str:
        return hmac.new(self._secret, f"healthz {what} {nonce} ".encode() + about, sha256).hexdigest()


async def reach(public_url: str, identity: Identity) -> tuple[Reached, str]:
    """Ask who is at an address. Returns who, and for a stranger the HTTP status, for nobody why."""
    nonce = secrets.token_urlsafe(24)
    try:
        status, answer = await _get(f"{public_url}/healthz?nonce={nonce}")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # ValueError: a host that no name can be
        return "nobody", next(why for kind, why in _FAILURES if isinstance(error, kind))
    if status in _ABSENT:
        return "nobody", f"HTTP {status}"
    who = identity.recognise(answer, nonce) if status == 200 else "something else"
    return who, f"HTTP {status}"


async def _get(url: str) -> tuple[int, str]:
    patience = aiohttp.ClientTimeout(total=_PATIENCE)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted()), timeout=patience) as session,
        # Slack and Sendblue do not follow a redirect, so neither does this.
        session.get(url, allow_redirects=False, proxy=proxy_for(url)) as answer,
    ):
        body = b""
        async for piece in answer.content.iter_chunked(_LARGEST):
            body += piece
            if len(body) >= _LARGEST:
                break
        return answer.status, body.decode(errors="replace")
