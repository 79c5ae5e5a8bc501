"""What is counted, for Prometheus. No label ever holds a number, a name or a text.

Each process counts what it did itself; with PROMETHEUS_MULTIPROC_DIR any answers for all of its host.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from bot.errors import NotSent, Refused

_registry = CollectorRegistry()
_COMMITS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5)
_AGES = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 21600, 86400)
_counter = partial(Counter, namespace="bluethread", registry=_registry)
_histogram = partial(Histogram, namespace="bluethread", registry=_registry, buckets=_AGES)

commands = _counter("commands", "Slash commands by result", ["result"])
replies = _counter("replies", "What people typed, edited and deleted in threads, by what became of it", ["became"])
requests = _counter("requests", "Requests by route and HTTP status", ["door", "status"])
sends = _counter("sends", "Attempts to give a text to Sendblue, by outcome", ["outcome"])
reports = _counter("reports", "Reports by source, status and whether they were new", ["source", "status", "new"])
inbound = _counter("inbound", "Messages of customers by source and whether they were new", ["source", "result"])
files = _counter("files", "Files of customers (in) and of people (out) by what became of a copy", ["way", "result"])
file_bytes = _counter("file_bytes", "Bytes of files that were copied", ["way"])
webhook_signatures = _counter("webhook_signatures", "POSTs to the webhook by whether Sendblue signed them", ["seen"])
polls = _counter("polls", "Questions about texts without news or in doubt, by result", ["result"])
not_stored = _counter("not_stored", "Pieces of work that the database did not store")
calls = _counter("calls", "Calls to Slack and Sendblue, by result", ["neighbour", "method", "result"])
call_seconds = _histogram(
    "call_seconds", "How long calls to Slack and Sendblue took", ["neighbour", "method"], buckets=_AGES[:10]
)
announce_lag = _histogram("announce_lag_seconds", "Time from the news until its reply was posted in Slack")
milestones = _histogram(
    "milestone_seconds", "Time from acceptance until the bot knew that a text had come so far", ["milestone"]
)
batch_size = _histogram("commit_batch_size", "Pieces of work that shared a commit", buckets=[2**n for n in range(10)])
commit_seconds = _histogram("commit_seconds", "How long a transaction took, including its flush", buckets=_COMMITS)


@contextmanager
def call(neighbour: str, method: str) -> Iterator[None]:
    """Count and time one call to a neighbour; its outcome is what it raises."""
    result = "uncertain"  # so is a call that is cancelled: perhaps it was done
    try:
        with call_seconds.labels(neighbour, method).time():
            yield
        result = "ok"
    except (Refused, NotSent) as error:
        result = "refused" if isinstance(error, Refused) else "not_sent"
        raise
    finally:
        calls.labels(neighbour, method, result).inc()


class _Fixed(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(gauges: Iterable[Metric]) -> bytes:
    """Return everything counted, and these, as Prometheus text."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - not for the usual one

        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_registry)
    ProcessCollector(registry=registry)
    registry.register(_Fixed(gauges))
    return generate_latest(registry)
