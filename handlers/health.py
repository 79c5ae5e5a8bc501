"""What machines ask: is it up, is it ready, how much is done and waiting."""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.domain.backlog import Backlog
from bot.domain.clock import Clock
from bot.errors import NotStored
from bot.metrics import exposition


@dataclass(repr=False)
class Health:
    """Three GETs.

    readiness: returns what is checked → why it is not well ("" when it is), and what waits (None: nobody can say).
    prove: takes a nonce; returns this bot's answer to it ("" to none). metrics_token: what /metrics wants, if any.
    """

    readiness: Callable[[], Awaitable[tuple[Mapping[str, str], Backlog | None]]]
    backlog: Callable[[], Awaitable[Backlog]]
    clock: Clock
    prove: Callable[[str], str]
    metrics_token: str

    async def healthz(self, request: Request) -> Response:
        """The process is up; with `?nonce=…`, and it is this bot (see `bot.services.reaching`)."""
        return PlainTextResponse("ok\n" + self.prove(request.query_params.get("nonce", "")))

    async def readyz(self, _request: Request) -> Response:
        """200 when messages are stored and work is done; else 503 with the reason."""
        checks, waiting = await self.readiness()
        ready = not any(checks.values())
        body: dict[str, Any] = {"ready": ready, "checks": {name: wrong or "ok" for name, wrong in checks.items()}}
        if waiting is not None:
            body["facts"] = {
                "due": waiting.due,
                "seconds_behind": self._behind(waiting),
                "last_callback_age_seconds": self._silence(waiting),
                "callbacks_missing": waiting.callbacks_missing,
            }
        return JSONResponse(body, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Prometheus text. What waits is read from the database, so any process answers for all."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.metrics_token and not hmac.compare_digest(given.encode(), self.metrics_token.encode()):
            return PlainTextResponse("wrong or no token\n", 401, {"www-authenticate": "Bearer"})
        try:
            gauges = self._gauges(await self.backlog())
        except NotStored:  # what this process has counted is known all the same
            gauges = ()
        return Response(exposition(gauges), media_type=CONTENT_TYPE_LATEST)

    def _gauges(self, waiting: Backlog) -> Iterable[Metric]:
        behind, silence = self._behind(waiting), self._silence(waiting)
        last = {} if silence is None else {"": silence}
        missing = {"": float(waiting.callbacks_missing)}
        for name, what, label, values in (
            ("due", "Work that is due, in all processes together", "kind", waiting.due),
            ("oldest_due_seconds", "How long the oldest work has been due, with its slot free", "kind", behind),
            ("waiting_for_slot", "Due work that waits for its slot", "kind", waiting.waiting_for_slot),
            ("open_messages", "Messages that are not finished", "delivery", waiting.open),
            ("last_callback_age_seconds", "Time since the last callback with news", "", last),
            ("callbacks_missing", "1 while callbacks do not arrive although there is news", "", missing),
        ):
            gauge = GaugeMetricFamily(f"bluethread_{name}", what, labels=[label] if label else [])
            for labelled, value in values.items():
                gauge.add_metric([labelled] if label else [], value)
            yield gauge

    def _behind(self, waiting: Backlog) -> dict[str, float]:
        return {kind: span.total_seconds() for kind, span in waiting.behind(self.clock()).items()}

    def _silence(self, waiting: Backlog) -> float | None:
        """Return for how many seconds no callback with news has come; None: there never was one."""
        last = waiting.last_callback
        return None if last is None else max(0.0, (self.clock() - last).total_seconds())
