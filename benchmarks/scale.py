"""How much each figure measures: in full, and in the quick form that only shows that everything runs."""

from dataclasses import dataclass

CLIENTS = 32
SLOT_INTERVAL = 0.02
"""Seconds: Slack's one post a second per channel, fifty times faster."""


@dataclass(frozen=True, slots=True)
class Scale:
    """rounds: interleaved, each with fresh databases. burst: seconds under load. The rest are counts."""

    rounds: int
    burst: float  # seconds under load; whole ones, or wrk cannot be used

    news: int  # sends in each round of news
    converging: int  # sends, each with four statuses
    stored: int  # rows in the large database of what waiting costs
    few_stored: int
    due: int
    handles: int  # gone quiet, asked about again
    watch: float  # seconds for which that is watched
    inbound: int  # messages that came in while nobody was there
    files: int  # copied in each round, each way; half as many while the doors are asked
    settled: float  # seconds until a new process's first ticks are over
    open_sends: int
    callbacks: int  # of one long run, for leaks
    ways: tuple[str, ...]  # of serving intake: names in `run.WAYS`
    processes: tuple[int, ...]


WHOLE = Scale(
    rounds=5,
    burst=1,
    news=200,
    converging=500,
    stored=1_000_000,
    few_stored=10_000,
    due=1_000,
    handles=10_000,
    watch=60,
    inbound=10_000,
    files=40,
    settled=2.5,
    open_sends=100_000,
    callbacks=400_000,
    ways=("SQLite", "PostgreSQL", "PostgreSQL, only doors"),
    processes=(1, 2, 4),
)
QUICK = Scale(
    rounds=1,
    burst=0.3,
    news=20,
    converging=25,
    stored=10_000,
    few_stored=2_000,
    due=200,
    handles=200,
    watch=4,
    inbound=200,
    files=4,
    settled=1,
    open_sends=1_000,
    callbacks=2_000,
    ways=("SQLite", "PostgreSQL"),
    processes=(1, 2),
)
