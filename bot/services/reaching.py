"""Finding out whether an address leads to this very bot: it alone can answer a nonce with the right signatures."""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import aiohttp

from bot.network import proxy_for, trusted

Reached = Literal["this bot", "another database", "another secret", "something else", "nobody"]

_LARGEST = 1024  # bytes
_PATIENCE = 10  # seconds

_FAILURES = (  # the first that fits says why nobody was reached
    (aiohttp.ClientSSLError, "its certificate is not valid"),
    (aiohttp.ClientConnectorDNSError, "there is no such host"),
    (aiohttp.ClientConnectorError, "nothing listens there"),
    (aiohttp.ClientHttpProxyError, "the proxy refused the connection"),
    (TimeoutError, f"no answer within {_PATIENCE} s"),
    (Exception, "the connection broke"),
)


@dataclass(eq=False)
class Identity:
    secret: str = field(repr=False)  # its newest CALLBACK_SECRET
    database: Callable[[], bytes]  # returns what names its database; asked each time: a SQLite file may be replaced

    def prove(self, nonce: str) -> str:
        """Return two lines that only a bot with this secret can write, the second only with this database.

        Anybody may ask: an unfit nonce gives nothing, and what is signed is longer than the id in a callback's token.
        """
        if not re.fullmatch("[A-Za-z0-9_-]{16,64}", nonce):
            return ""
        return f"{self._sign('secret', nonce)}\n{self._sign('database', nonce, self.database())}\n"

    def recognise(self, answer: str, nonce: str) -> Reached:
        """Say who gave this answer to `GET /healthz?nonce=…`. Takes the same time whatever is wrong in a signature."""
        given, right = answer.split("\n")[:3], ["ok", *self.prove(nonce).splitlines()]
        if list(map(len, given)) != list(map(len, right)) or given[0] != "ok":
            return "something else"
        secret, database = (hmac.compare_digest(given[n].encode(), right[n].encode()) for n in (1, 2))
        if not secret:
            return "another secret"
        return "this bot" if database else "another database"

    def _sign(self, what: str, nonce: str, about: bytes = b"") -> str:
        # Not by hmac.digest, for the reason that `bot.sendblue.tokens` gives.
        return hmac.new(self.secret.encode(), f"healthz {what} {nonce} ".encode() + about, "sha256").hexdigest()


async def reach(public_url: str, identity: Identity) -> tuple[Reached, str]:
    """Ask who answers at an address. Returns who, and a detail: the HTTP status, or why nobody answered."""
    nonce = secrets.token_urlsafe(24)
    url, patience = f"{public_url}/healthz?nonce={nonce}", aiohttp.ClientTimeout(total=_PATIENCE)
    body = b""
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted()), timeout=patience) as session,
            # Slack and Sendblue do not follow a redirect, so neither does this.
            session.get(url, allow_redirects=False, proxy=proxy_for(url)) as answer,
        ):
            while len(body) < _LARGEST and (piece := await answer.content.read(_LARGEST)):
                body += piece
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # ValueError: a host that no name can be
        return "nobody", next(why for kind, why in _FAILURES if isinstance(error, kind))
    if answer.status in (502, 503, 504):  # from a web server that has nobody behind it
        return "nobody", f"HTTP {answer.status}"
    who = identity.recognise(body.decode(errors="replace"), nonce) if answer.status == 200 else "something else"
    return who, f"HTTP {answer.status}"
