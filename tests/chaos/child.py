"""What runs in a bot process of the chaos tests: the operator's own command, in an interpreter that has its imports.

Imports nothing of the tests', so that the fork server stays as small as the bot itself.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

_PR_SET_PDEATHSIG = 1


def run(command: Sequence[str], settings: Mapping[str, str], folder: str, log: str) -> None:
    """Be `python -m bot …`, with nothing but these settings in the environment and the log in a file.

    CHAOS_FILES among them: how many files it may open at first; CHAOS_BACK: seconds from one thread that is read back
    to the next, of which each start of hundreds leaves as many as there are.
    """
    # The fork server's own pipes: it ends when the tests' end of one is closed, and no bot may hold that open.
    os.closerange(3, 256)
    with suppress(OSError, AttributeError):  # Linux: and a bot ends with the fork server, so that none is left behind
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.chdir(folder)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.environ.clear()
    os.environ.update(settings)
    if files := int(os.environ.pop("CHAOS_FILES", 0)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    pause = float(os.environ.pop("CHAOS_BACK", 0))
    sys.argv = ["bot", *command]

    from bot.cli import main  # noqa: PLC0415 - preloaded
    from bot.storage import reading_back  # noqa: PLC0415

    if pause:
        reading_back._EACH = timedelta(seconds=pause)

    main(list(command), prog_name="bot")
