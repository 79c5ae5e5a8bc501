"""What machines ask: is it up, is it ready, how much is waiting."""

from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.errors import NotStored

Readiness = Callable[[], Awaitable[Mapping[str, str]]]
"""Returns what is checked → why it is not well ("" when it is)."""
Backlog = Callable[[], Awaitable[Mapping[str, int]]]
"""Returns kind of due work → how many."""


class Health:
    """Three GETs."""

    def __init__(self, readiness: Readiness, backlog: Backlog) -> None:
        self._readiness = readiness
        self._backlog = backlog
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._due = Gauge(
            "bluethread_due", "Work that is due, by kind, over all processes", ["kind"], registry=self._registry
        )

    async def healthz(self, request: Request) -> Response:
        """The process is up."""
        del request
        return PlainTextResponse("ok\n")

    async def readyz(self, request: Request) -> Response:
        """200 when messages are stored and work is done; else 503 with the reason."""
        del request
        checks = await self._readiness()
        ready = not any(checks.values())
        body = {"ready": ready, "checks": {name: problem or "ok" for name, problem in checks.items()}}
        return JSONResponse(body, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Prometheus text. The backlog is read from the database, so any process answers for all."""
        del request
        try:
            for kind, count in (await self._backlog()).items():
                self._due.labels(kind=kind).set(count)
        except NotStored:
            self._due.clear()
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
