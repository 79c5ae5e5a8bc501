"""A file is what its bytes say, whatever it is called, and its name can be shown anywhere."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.files.kinds import HEAD, KINDS, Kind, kind_of, safe_name

EBML = b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x88"
ZIP = b"PK\3\4\x14\0\0\0\x08\0"
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
HEADS = {
    "jpg": [JPEG, b"\xff\xd8\xff\xe1\x12\x34Exif\0\0MM\0*", b"\xff\xd8\xff\xdb\0\x43\0"],
    "png": [PNG],
    "gif": [b"GIF89a\1\0\1\0", b"GIF87a\1\0\1\0"],
    "webp": [b"RIFF\x24\0\0\0WEBPVP8 ", b"RIFF\x24\0\0\0WEBPVP8X"],
    "heic": [
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
        b"\0\0\0\x18ftypheix\0\0\0\0",
    ],
    "heif": [b"\0\0\0\x14ftypmif1\0\0\0\0mif1heic"],  # the last brand stands behind the box
    "avif": [b"\0\0\0\x1cftypavif\0\0\0\0avifmif1"],
    "bmp": [b"BM\x36\4\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"],
    "tif": [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"],
    "jxl": [b"\xff\x0a\x12\0", b"\0\0\0\x0cJXL \r\n\x87\n"],
    "svg": [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'\xef\xbb\xbf <?xml version="1.0"?>\n<!-- made by --><!DOCTYPE svg [<!ENTITY a "b>]">]>\n<s:svg>',
        '<?xml version="1.0" encoding="UTF-16"?><SVG>'.encode("utf-16"),
    ],
    "mp4": [b"\0\0\0\x20ftypisom\0\0\2\0isom", b"\0\0\0\x18ftypmp42\0\0\0\0", b"\0\0\0\x18ftypXYZ!\0\0\0\0"],
    "mov": [b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", b"\0\0\0\x08wide\0\0\0\0mdat", b"\0\0\x10\0moov"],
    "m4v": [b"\0\0\0\x20ftypM4V \0\0\0\1"],
    "3gp": [b"\0\0\0\x14ftyp3gp5\0\0\0\0", b"\0\0\0\x14ftyp3g2a\0\0\0\0"],
    "webm": [EBML[:-1] + b"\x84webm"],
    "mkv": [EBML + b"matroska"],
    "avi": [b"RIFF\x24\0\0\0AVI LIST"],
    "mpg": [b"\0\0\1\xba\x44\0", b"\0\0\1\xb3\x14\0"],
    "caf": [b"caff\0\1\0\0desc\0\0\0\0"],
    "amr": [b"#!AMR\n\x3c\0", b"#!AMR-WB\n\4\0"],
    "m4a": [b"\0\0\0\x1cftypM4A \0\0\0\0M4A mp42"],
    "mp3": [b"ID3\4\0\0\0\0\0\0", b"ID3\3\0\0\0\0\x0f\x76TIT2", b"\xff\xfb\x90\x64\0\0", b"\xff\xf3\x40\xc4\0"],
    "wav": [b"RIFF\x24\0\0\0WAVEfmt "],
    "aac": [b"\xff\xf1\x50\x80\0", b"\xff\xf9\x50\x80\0"],
    "ogg": [b"OggS\0\2" + b"\0" * 22 + b"OpusHead"],
    "aiff": [b"FORM\0\0\0\0AIFFCOMM", b"FORM\0\0\0\0AIFCFVER"],
    "flac": [b"fLaC\0\0\0\x22"],
    "mid": [b"MThd\0\0\0\6"],
    "vcf": [b"BEGIN:VCARD\r\nVERSION:3.0", b"\xef\xbb\xbf\r\nbegin:vcard\n", "BEGIN:VCARD\n".encode("utf-16")],
    "ics": [b"BEGIN:VCALENDAR\r\n"],
    "html": [
        b"<!DOCTYPE html><title>Sign in</title>",
        b"  \n<!doctype HTML PUBLIC",
        b"<!-- --><b>",
        b"<html\0><script>alert(1)</script>",
        b"<SCRIPT>alert(1)</SCRIPT>",
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">',
        b"<!--ftypmp42--><script>alert(1)</script>",  # bytes 4 to 8 are those of a video
        b"<!--" + b"x" * HEAD,
        "<html><body>".encode("utf-16"),
    ],
    "pdf": [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\0", b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>"],
    "rtf": [b"{\\rtf1\\ansi\\deff0"],
    "txt": [
        b"Table at eight?\n",
        "Tisch für acht, 8 €\r\n".encode(),
        b"Caf\xe9\n",
        "Café".encode("utf-16"),
        b"<3 you",
        b"MZ",
    ],
    "xml": [b'<?xml version="1.0"?><gpx version="1.1">'],
    "zip": [ZIP, b"PK\3\4\x14\0\6\0\x08\0", b"PK\5\6" + b"\0" * 18],
    "gz": [b"\x1f\x8b\x08\0\0"],
    "rar": [b"Rar!\x1a\7\1\0"],
    "7z": [b"7z\xbc\xaf'\x1c\0\4"],
    "bin": [
        b"",
        b"\0",
        b"MZ\x90\0\3\0",
        b"\x7fELF\2\1\1\0",
        OLD_OFFICE,
        b"RIFF\x24\0\0\0ACONanih",
        b"BM\0\1\2\3\4\5\6\7",
        b"\xca\xfe\xba\xbe\0",
    ],
}
"""Extension → how such files begin."""
BY_NAME = {"csv", "docx", "xlsx", "pptx", "odt", "ods", "odp", "pages", "numbers", "key", "epub", "pkpass"}
BY_NAME |= {"doc", "xls", "ppt"}


@pytest.mark.parametrize(("end", "head"), [(end, head) for end, heads in HEADS.items() for head in heads])
def test_a_file_is_what_its_first_bytes_say(end: str, head: bytes) -> None:
    assert kind_of(head).extension == end


def test_every_kind_is_recognised_somehow() -> None:
    assert set(KINDS) == HEADS.keys() | BY_NAME
    assert all(kind.extension == end and kind.mimetype.count("/") == 1 for end, kind in KINDS.items())


@pytest.mark.parametrize(
    "name", ["photo.jpg", "menu.pdf", "card.vcf", "a.docx", "a.csv", "page.html", "a.exe", "jpg", ""]
)
def test_no_name_makes_another_file_of_it(name: str) -> None:
    for end in HEADS.keys() - {"txt", "zip", "bin"}:
        for head in HEADS[end]:
            assert kind_of(head, name).extension == end
    for head in (b"\0", b"MZ\x90\0\3\0"):
        assert kind_of(head, name).extension == "bin"


@pytest.mark.parametrize(
    ("head", "name", "end"),
    [
        (b"a,b\n1,2\n", "numbers.CSV", "csv"),
        (b"a,b\n1,2\n", "numbers.vcf", "txt"),  # a card begins like one
        (b"a,b\n1,2\n", "run.sh", "txt"),
        (b"a,b\n1,2\n", "page.html", "txt"),
        (ZIP, "menu.docx", "docx"),
        (ZIP, "menu.docm", "zip"),
        (ZIP, "menu.jar", "zip"),
        (ZIP, "menu.csv", "zip"),
        (OLD_OFFICE, "menu.XLS", "xls"),
        (OLD_OFFICE, "setup.msi", "bin"),
    ],
)
def test_the_name_chooses_among_types_that_begin_alike(head: bytes, name: str, end: str) -> None:
    assert kind_of(head, name).extension == end


def test_what_it_is_in_words() -> None:
    said = {end: KINDS[end].what for end in ("heic", "mov", "caf", "m4a", "vcf", "ics", "html", "svg", "pdf", "zip")}
    assert list(said.values()) == [
        *("photo", "video", "voice note", "sound", "contact card", "calendar entry", "web page", "drawing"),
        *("document", "file"),
    ]


@given(st.binary(max_size=300), st.text(max_size=20))
def test_any_bytes_are_something(head: bytes, name: str) -> None:
    assert kind_of(head, name) in KINDS.values()


@pytest.mark.parametrize("part", [b"<!--", b"-->", b"<?", b"?>", b"<!doctype ", b"[", b"]", b">", b" ", b"<", b"svg"])
def test_no_bytes_take_long_to_read(part: bytes) -> None:
    began = time.process_time()
    kind_of(b"<?xml?>" + part * HEAD)
    kind_of((b"<!-- -->" + part) * HEAD)
    kind_of(b"<!doctype svg [" + (part + b"]") * HEAD)
    assert time.process_time() - began < 1


# -- names


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("IMG_0042.JPEG", "jpg", "IMG_0042.jpg"),
        ("IMG_0042.jpg", "html", "IMG_0042.html"),
        ("../../etc/passwd", "txt", "passwd.txt"),
        ("C:\\Users\\ana\\menu.pdf", "pdf", "menu.pdf"),
        ("/tmp/.hidden", "jpg", "hidden.jpg"),
        ("..", "jpg", "photo.jpg"),
        ("", "caf", "voice note.caf"),
        ("\u202egpj.exe", "bin", "gpj.exe.bin"),
        ("inv\u200boice\u2066\r\n.pdf", "pdf", "invoice.pdf"),
        ("a\0b.png", "png", "ab.png"),
        ("Menü für Ana 🍕.pdf", "pdf", "Menü für Ana 🍕.pdf"),
        ("<!channel>.txt", "txt", "_!channel_.txt"),
        ("Dr.Smith", "vcf", "Dr.Smith.vcf"),
        ("v1.2", "zip", "v1.2.zip"),
        ("half \ud83d.png", "png", "half.png"),
        ("a" * 300 + ".png", "jpg", "a" * 96 + ".jpg"),
    ],
)
def test_a_name_is_shown_without_what_deceives(name: str, kind: str, shown: str) -> None:
    assert safe_name(name, KINDS[kind]) == shown


def test_a_name_of_which_nothing_remains_is_ours() -> None:
    assert safe_name("\u202e...", KINDS["jpg"], "Photo from Ana") == "Photo from Ana.jpg"


NASTY = st.sampled_from(
    ["/", "\\", "..", ".", "\0", "\n", "\r", "\u202e", "\u200b", "\u2028", "\x7f", "\x9b", "\ufeff", " "]
)


@given(st.lists(NASTY | st.text(max_size=40), max_size=12).map("".join), st.sampled_from(list(KINDS.values())))
def test_no_name_reaches_a_path_or_turns_a_line(name: str, kind: Kind) -> None:
    shown = safe_name(name, kind)
    stem = shown.removesuffix(f".{kind.extension}")
    assert 0 < len(stem) < len(shown) <= 100
    assert not set('/\\<>:"|?*') & set(shown)
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in shown)
    assert not shown.startswith((".", " "))
    assert safe_name(shown, kind) == shown
