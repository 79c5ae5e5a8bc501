"""wrk as load generator, where Debian's package is installed: the same requests in the same order."""

import asyncio
import resource
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Seen:
    """elapsed: seconds. latencies: seconds, one for each thousandth of all answers. worked: seconds of processor."""

    elapsed: float
    answers: int
    wrong: int
    latencies: tuple[float, ...]
    worked: float


def is_installed() -> bool:
    """Whether there is one."""
    return shutil.which("wrk") is not None


async def run(port: int, requests: Iterable[bytes], *, clients: int, seconds: int) -> Seen:
    """Let wrk ask for so long. Only a floor is fast enough to get requests a second time, and does not mind.

    Raises:
        ValueError: wrk did not say what it measured.
    """
    with tempfile.NamedTemporaryFile(prefix="bluethread-requests-") as file:
        file.write(b"\0".join(requests))
        file.flush()
        before = _worked()
        command = ("wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}/")
        process = await asyncio.create_subprocess_exec(*command, "--", file.name, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
    measured = next((line.split()[1:] for line in said.decode().splitlines() if line.startswith("measured")), None)
    if measured is None:
        raise ValueError("wrk did not say what it measured")
    microseconds, answers, wrong, *latencies = map(int, measured)
    return Seen(microseconds / 1e6, answers, wrong, tuple(latency / 1e6 for latency in latencies), _worked() - before)


def _worked() -> float:
    """Seconds of processor of all children that ended; no other ends while this one runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
