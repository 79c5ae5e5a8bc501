"""What machines ask: is it up, is it ready, how much is done and waiting."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.domain.alarm import ANSWERS, CALLBACKS
from bot.domain.backlog import Backlog
from bot.domain.clock import Clock
from bot.errors import NotStored
from bot.metrics import exposition
from handlers.http import knows_one_of


@dataclass(repr=False)
class Health:
    readiness: Callable[[], Awaitable[tuple[Mapping[str, str], Backlog | None]]]  # check → what is wrong or ""
    backlog: Callable[[], Awaitable[Backlog]]
    clock: Clock
    prove: Callable[[str], str]  # a nonce → this bot's answer to it ("" to none)
    metrics_token: str  # what /metrics wants, if any

    async def healthz(self, request: Request) -> Response:
        """The process is up; with `?nonce=…`, and it is this bot (see `bot.services.reaching`)."""
        return PlainTextResponse("ok\n" + self.prove(request.query_params.get("nonce", "")))

    async def readyz(self, _request: Request) -> Response:
        """200 when messages are stored and work is done; else 503 with the reason."""
        checks, waiting = await self.readiness()
        ready = not any(checks.values())
        body: dict[str, Any] = {"ready": ready, "checks": {name: wrong or "ok" for name, wrong in checks.items()}}
        if waiting is not None:  # None: nobody can say
            body["facts"] = self._facts(waiting)
        if waiting is not None and (many := waiting.without_place):  # the bot is ready all the same
            who = "1 customer" if many == 1 else f"{many} customers"
            body["warning"] = f"{who} wrote and there is no channel to show it in: set INBOX_CHANNEL, then restart"
        return JSONResponse(body, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Prometheus text. What waits is read from the database, so any process answers for all."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.metrics_token and not knows_one_of([self.metrics_token], given.encode()):
            return PlainTextResponse("wrong or no token\n", 401, {"www-authenticate": "Bearer"})
        try:
            gauges = self._gauges(await self.backlog())
        except NotStored:  # what this process has counted is known all the same
            gauges = ()
        return Response(exposition(gauges), media_type=CONTENT_TYPE_LATEST)

    def _gauges(self, waiting: Backlog) -> Iterable[GaugeMetricFamily]:
        facts = self._facts(waiting)
        behind, age = facts["seconds_behind"], facts["last_callback_age_seconds"]
        for name, what, label, values in (
            ("due", "Work that is due, in all processes together", "kind", waiting.due),
            ("oldest_due_seconds", "How long the oldest work has been due, with its slot free", "kind", behind),
            ("waiting_for_slot", "Due work that waits for its slot", "kind", waiting.waiting_for_slot),
            ("open_sends", "Sends that are not finished", "delivery", waiting.open),
        ):
            gauge = GaugeMetricFamily(f"bluethread_{name}", what, labels=[label])
            for labelled, value in values.items():
                gauge.add_metric([labelled], value)
            yield gauge
        yield GaugeMetricFamily("bluethread_last_callback_age_seconds", "Time since the last callback with news", age)
        what = "Messages of customers that Slack does not show yet"
        yield GaugeMetricFamily("bluethread_unshown", what, waiting.unshown)
        what = "Time since the oldest of them was written"
        yield GaugeMetricFamily("bluethread_oldest_unshown_seconds", what, facts["oldest_unshown_seconds"] or 0)
        what = "Conversations of customers that there is no channel for"
        yield GaugeMetricFamily("bluethread_customers_without_channel", what, waiting.without_place)
        what = "1 while callbacks do not arrive although there is news"
        yield GaugeMetricFamily("bluethread_callbacks_missing", what, facts["callbacks_missing"])
        what = "1 while the webhook brings no answers of customers although the list has some"
        yield GaugeMetricFamily("bluethread_answers_missing", what, facts["answers_missing"])

    def _facts(self, waiting: Backlog) -> dict[str, Any]:
        now = self.clock()
        return {
            "due": waiting.due,
            "seconds_behind": {kind: span.total_seconds() for kind, span in waiting.behind(now).items()},
            "last_callback_age_seconds": _seconds(now, waiting.last_callback),
            "callbacks_missing": CALLBACKS in waiting.alarms,
            "answers_missing": ANSWERS in waiting.alarms,
            "unshown": waiting.unshown,  # messages of customers
            "oldest_unshown_seconds": _seconds(now, waiting.unshown_since),
            "customers_without_channel": waiting.without_place,
        }


def _seconds(now: datetime, since: datetime | None) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())
