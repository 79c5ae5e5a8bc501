"""A JPEG copy of a HEIC picture, for those who cannot see HEIC; made only where the optional packages are installed."""

import asyncio
import os
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryFile

from bot.files.kinds import KINDS
from bot.files.taken import Taken

_PROGRAM = Path(__file__).with_name("heic_process.py")
_LARGEST = 32 * 1024 * 1024  # bytes; phones make three million
_DEADLINE = 60.0  # seconds, with those that wait for others


def available() -> bool:
    """Whether the packages are installed that read HEIC (`make install HEIC=1`)."""
    return all(find_spec(name) for name in ("PIL", "pillow_heif"))


async def to_jpeg(taken: Taken) -> Taken | None:
    """Return a copy, to be closed; None: it is no HEIC picture, cannot be copied, or the packages are missing."""
    if taken.kind.extension not in ("heic", "heif") or taken.size > _LARGEST or not available():
        return None
    with ExitStack() as held:
        try:
            file = held.enter_context(TemporaryFile())
            done = await _run(taken.file.fileno(), file.fileno())
        except OSError:  # no room on the disk, or for another process
            return None
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        return Taken(file, size, KINDS["jpg"], held.pop_all()) if done and size else None


async def _run(given: int, made: int) -> bool:
    """Return whether the program did it; when its time is over, it is killed."""
    # It needs none of our settings; some platforms say in this variable where Python's own libraries are.
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    command = (sys.executable, "-I", _PROGRAM)  # -I: no other code than what is installed
    process = await asyncio.create_subprocess_exec(*command, stdin=given, stdout=made, stderr=DEVNULL, env=environment)
    try:
        async with asyncio.timeout(_DEADLINE):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
