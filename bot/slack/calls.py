"""One call to Slack with its SDK, and how it can end. Nothing is repeated here: a retry is a row with a due time."""

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import metrics
from bot.domain.clock import TheirClock
from bot.errors import NotSent, Refused, Uncertain
from bot.network import Reading, trusted

NOT_THERE = frozenset({"not_in_channel", "channel_not_found"})
# Refusals that concern our token, not the place: everything waits until somebody mends it.
NO_TOKEN = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
NO_ACCESS = frozenset({"org_login_required", "team_access_not_granted"})
NO_SCOPE = frozenset({"missing_scope", "no_permission", "access_denied"})  # for looking alone: posts go on without it
NOT_THE_PLACE = NO_TOKEN | NO_ACCESS | NO_SCOPE

_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_MAYBE = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", ""})

# Filled once the request of the call under way, and not just a proxy's CONNECT, begins to be written.
_began: ContextVar[list[bool]] = ContextVar("began")


async def call(method: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any) -> AsyncSlackResponse:
    """Make one call with the SDK. Raises Refused (`code` is Slack's error), NotSent or Uncertain."""
    began: list[bool] = []
    _began.set(began)
    with metrics.call("slack", arguments.get("api_method") or method.__name__.replace("_", ".")):
        try:
            return await method(**arguments)
        except SlackApiError as error:
            raise _failure(error) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent("no_connection") from error
        except aiohttp.ClientHttpProxyError as error:  # it refused to connect us
            raise NotSent("proxy_refused") from error
        # Over a request that could not even be built (InvalidURL is one), over JSON that is no object, or a charset.
        except (AttributeError, ValueError, LookupError) as error:
            raise (Uncertain("unreadable_answer") if began else NotSent("unbuildable")) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise (Uncertain("no_answer") if began else NotSent("no_connection")) from error


def _failure(error: SlackApiError) -> Refused | NotSent | Uncertain:
    response = error.response
    if not isinstance(response, AsyncSlackResponse):  # the SDK hands over the raw answer when it is no JSON
        return Uncertain("unreadable_answer")
    code = str(response.get("error") or "") if isinstance(response.data, dict) else ""
    code = code if re.fullmatch("[a-z0-9_]{0,80}", code) else "other"  # it stands in logs
    if response.status_code == 429 or code in _BUSY:
        named = str(response.headers.get("Retry-After"))
        wait = float(named) if named.isdecimal() else 1
        return NotSent(code or "ratelimited", retry_after=min(max(wait, 1), 3600))
    if response.status_code >= 500 or code in _MAYBE:
        return Uncertain(code or f"http_{response.status_code}")
    return Refused(code)


def new_session(timeout: float, theirs: TheirClock) -> aiohttp.ClientSession:
    """Return a session for all calls, each of `timeout` seconds; without one the SDK opens a connection for each."""
    reading = Reading(aiohttp.ClientPayloadError)

    class Bounded(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            theirs.heard(self.headers.get("Date"))
            self._body = await reading.whole(self.content.iter_any())
            return self._body

    async def request_begins(*_: object) -> None:
        _began.get([]).append(True)

    async def redirected(*_: object) -> None:
        raise aiohttp.ClientPayloadError("a redirect is not followed")

    watch = aiohttp.TraceConfig()
    watch.on_request_headers_sent.append(request_begins)
    watch.on_request_redirect.append(redirected)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted()),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=5),
        trace_configs=[watch],
        # Not compressed: a small answer can become a gigabyte, and none of ours needs to be smaller.
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        response_class=Bounded,
    )
