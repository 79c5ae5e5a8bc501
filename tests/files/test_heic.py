"""A HEIC picture is copied as the JPEG that one sees, and a hostile one harms nobody."""

import asyncio
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

import pillow_heif
import pytest
import uvloop
from PIL import Image, ImageCms

from bot.files import heic
from bot.files.heic import available, to_jpeg
from bot.files.kinds import kind_of
from bot.files.taken import Taken
from tests.conftest import until

ORIENTATION, MAKER, PLACE = 0x0112, 0x010F, 0x8825
TURNED = 6  # as phones note it: to be seen, the picture is to be turned right


def picture(width: int = 400, height: int = 300) -> Image.Image:
    """A picture that is red on its left half, blue on its right."""
    made = Image.new("RGB", (width, height), "blue")
    made.paste("red", (0, 0, width // 2, height))
    return made


def heic_of(made: Image.Image, **options: object) -> bytes:
    pillow_heif.register_heif_opener()
    file = io.BytesIO()
    made.save(file, "HEIF", **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def small() -> bytes:
    """From a phone: turned, with what it notes beside a picture."""
    about = Image.Exif()
    about[ORIENTATION], about[MAKER], about[PLACE] = TURNED, "Apple", {1: "N", 2: (37.0, 46.0, 30.0)}
    colours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return heic_of(picture(), exif=about.tobytes(), icc_profile=colours, xmp=b"<x:xmpmeta>37.775</x:xmpmeta>")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    """What is open in a test. None of it ever has a name."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with ExitStack() as files:
        yield files
        assert list(folder.iterdir()) == []


def taken(files: ExitStack, data: bytes) -> Taken:
    with ExitStack() as held:
        file = held.enter_context(TemporaryFile())
        file.write(data)
        file.seek(0)
        return files.enter_context(Taken(file, len(data), kind_of(data), held.pop_all()))


async def copied(files: ExitStack, data: bytes) -> Image.Image | None:
    given = taken(files, data)
    given.file.read(100)
    copy = await to_jpeg(given)
    assert given.file.read() == data[100:], "the original is read on from where it stood"
    if copy is None:
        return None
    files.enter_context(copy)
    assert copy.kind == kind_of(copy.file.read())
    assert copy.file.tell() == copy.size
    copy.file.seek(0)
    return Image.open(copy.file)  # closed with the copy


def claiming(data: bytes, width: int, height: int) -> bytes:
    """Return the picture with another size in its head."""
    at = data.index(b"ispe") + 8
    return data[:at] + width.to_bytes(4) + height.to_bytes(4) + data[at + 8 :]


async def test_a_copy_is_upright_and_tells_nothing_but_the_picture(
    small: bytes, files: ExitStack, tmp_path: Path
) -> None:
    copy = await copied(files, small)
    assert copy is not None
    assert (copy.format, copy.size) == ("JPEG", (300, 400))
    red, blue = copy.getpixel((150, 10)), copy.getpixel((150, 390))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert (red[0] > 200, red[2] < 50, blue[0] < 50, blue[2] > 200) == (True,) * 4
    assert not copy.getexif()
    assert set(copy.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density", "icc_profile"}


async def test_a_large_picture_is_copied_smaller(files: ExitStack) -> None:
    copy = await copied(files, heic_of(picture(4800, 60)))
    assert copy is not None
    assert copy.size == (4096, 51)


async def test_what_lies_about_its_size_is_not_copied(small: bytes, files: ExitStack) -> None:
    for size in ((60_000, 60_000), (9000, 9000), (7000, 7000), (100, 100), (0, 0)):
        assert await copied(files, claiming(small, *size)) is None


async def test_what_is_broken_or_no_heic_is_not_copied(small: bytes, files: ExitStack) -> None:
    jpeg = io.BytesIO()
    picture().save(jpeg, "JPEG")
    at = jpeg.getvalue().index(b"\xff\xc0") + 5
    bomb = jpeg.getvalue()[:at] + (60_000).to_bytes(2) * 2 + jpeg.getvalue()[at + 4 :]
    for data in (jpeg.getvalue(), bomb, small[:200], small[:24] + b"\0" * 5000):
        assert await copied(files, data) is None


async def test_what_is_called_heic_and_is_another_picture_is_not_even_opened(files: ExitStack) -> None:
    """The program reads HEIC alone, whatever else Pillow can read."""
    data = io.BytesIO()
    picture().save(data, "PNG")
    given = taken(files, data.getvalue())
    given.kind = heic.KINDS["heic"]
    assert await to_jpeg(given) is None


async def test_too_large_a_file_is_not_read(small: bytes, files: ExitStack) -> None:
    given = taken(files, small)
    given.size = 33 * 1024 * 1024
    assert await to_jpeg(given) is None


async def test_without_the_packages_there_is_no_copy(
    monkeypatch: pytest.MonkeyPatch, small: bytes, files: ExitStack
) -> None:
    assert available()
    monkeypatch.setattr(heic, "find_spec", lambda name: None if name == "pillow_heif" else object())
    assert not available()
    assert await to_jpeg(taken(files, small)) is None


# -- what the program may do at worst


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file that is run in place of the program."""
    path = tmp_path_factory.mktemp("program") / "program.py"
    monkeypatch.setattr(heic, "_PROGRAM", path)
    return path


@pytest.mark.parametrize(("most", "read"), [(400 * 300, True), (400 * 300 - 1, False)])
async def test_a_picture_of_too_many_pixels_is_not_read(
    monkeypatch: pytest.MonkeyPatch, program: Path, small: bytes, files: ExitStack, most: int, read: bool
) -> None:
    real = Path(heic.__file__).with_name("heic_process.py")
    program.write_text(real.read_text().replace("64_000_000", str(most)))
    copy = await to_jpeg(taken(files, small))
    assert (copy is not None) is read
    files.enter_context(copy or ExitStack())


async def test_a_crash_in_a_library_is_no_copy_and_no_harm(program: Path, small: bytes, files: ExitStack) -> None:
    program.write_text("import os, signal\nprint('half', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert await to_jpeg(taken(files, small)) is None


async def test_what_takes_too_long_is_killed(
    monkeypatch: pytest.MonkeyPatch, program: Path, small: bytes, files: ExitStack
) -> None:
    noted = program.with_name("pid")
    program.write_text(f"import os, time\nopen({str(noted)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    monkeypatch.setattr(heic, "_DEADLINE", 1)
    assert await to_jpeg(taken(files, small)) is None
    begun = noted.read_text() if noted.exists() else ""  # on a slow machine it has not
    if begun:
        with pytest.raises(ProcessLookupError):
            os.kill(int(begun), 0)


async def test_a_cancelled_copy_is_killed(program: Path, small: bytes, files: ExitStack) -> None:
    noted = program.with_name("pid")
    program.write_text(f"import os, time\nopen({str(noted)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    copying = asyncio.ensure_future(to_jpeg(taken(files, small)))
    await until(lambda: noted.exists() and noted.read_text())
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


async def test_the_program_gets_none_of_our_settings(
    monkeypatch: pytest.MonkeyPatch, program: Path, small: bytes, files: ExitStack
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    program.write_text("import os, sys\nprint(sorted(os.environ), sys.flags.isolated)")
    said = await to_jpeg(taken(files, small))
    assert said is not None
    with said:
        assert b"SLACK" not in said.file.read()
        said.file.seek(0)
        assert said.file.read().endswith(b" 1\n")


async def test_one_is_copied_at_a_time(program: Path, small: bytes, files: ExitStack) -> None:
    running = program.with_name("running")
    alone = f"os.mkdir({str(running)!r}); import time; time.sleep(0.2); os.rmdir({str(running)!r})"
    real = Path(heic.__file__).with_name("heic_process.py").read_text()
    program.write_text(real.replace("        copy()", f"        {alone}; copy()"))
    copies = await asyncio.gather(*(to_jpeg(taken(files, small)) for _ in range(3)))
    for copy in copies:
        assert copy is not None, "two at once would not both make the folder"
        files.enter_context(copy)


async def test_where_nothing_more_can_be_opened_there_is_no_copy(
    monkeypatch: pytest.MonkeyPatch, small: bytes, files: ExitStack
) -> None:
    given = taken(files, small)
    monkeypatch.setattr(heic.sys, "executable", "/nowhere/python")
    assert await to_jpeg(given) is None
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert await to_jpeg(given) is None


@pytest.mark.skipif(sys.platform != "linux", reason="macOS bounds no memory")
@pytest.mark.parametrize(
    ("does", "ends"), [("bytearray(2**30)", "MemoryError"), ("print('x' * 2**25)", "File too large")]
)
def test_the_system_bounds_what_the_program_takes(does: str, ends: str, tmp_path: Path) -> None:
    limited = f"import runpy; runpy.run_path({str(heic._PROGRAM)!r})['limit_itself'](); {does}"
    with (tmp_path / "made").open("w") as made:
        command = [sys.executable, "-I", "-c", limited]
        ended = subprocess.run(command, stdout=made, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode != 0
    assert ends in ended.stderr


def test_it_works_on_the_loop_of_production(small: bytes, files: ExitStack) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        copy = runner.run(to_jpeg(taken(files, small)))
    assert copy is not None
    files.enter_context(copy)
