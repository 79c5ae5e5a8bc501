"""The program that makes a JPEG, on standard output, of a HEIC picture on standard input.

A program of its own, because a stranger's bytes meet libraries written in C here: the worst they can do ends this
process alone, and the system bounds its memory and time. It imports nothing of the bot, and gets none of its settings.
"""

import fcntl
import os
import resource
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image
from pillow_heif import register_heif_opener

_LIMITS = {
    resource.RLIMIT_AS: 2**30,  # bytes of memory: twice what the largest picture needs
    resource.RLIMIT_CPU: 15,  # seconds; the largest picture needs three
    resource.RLIMIT_FSIZE: 32 * 2**20,  # bytes of the JPEG
    resource.RLIMIT_CORE: 0,
}
_MOST_PIXELS = 64_000_000  # phones make 12 million, or 48
_LONGEST_SIDE = 4096  # of the JPEG: enough for any screen, and mostly under the five megabytes that a text may have


def limit_itself() -> None:
    for limit, most in _LIMITS.items():
        with suppress(ValueError):  # macOS bounds no memory
            resource.setrlimit(limit, (most, most))


def copy() -> None:
    register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    # Not `read`: that would move where the bot reads the same file.
    given = BytesIO(os.pread(sys.stdin.fileno(), os.fstat(sys.stdin.fileno()).st_size, 0))
    with Image.open(given, formats=["HEIF"]) as picture:
        if picture.width * picture.height > _MOST_PIXELS:
            sys.exit("too large")
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        # It comes upright already. Of what is said about it (place, time, camera) only the colours' profile is kept.
        colours = picture.info.get("icc_profile")
        picture.convert("RGB").save(sys.stdout.buffer, "JPEG", quality=85, icc_profile=colours)


if __name__ == "__main__":
    limit_itself()
    # One at a time on this machine: a large one takes half a gigabyte of memory. The lock ends with the process.
    with Path(__file__).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        copy()
