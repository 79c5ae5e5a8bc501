"""What a file is, by its first bytes, and a name under which it can be shown. Pure.

puremagic knows the signatures: it is pure Python and maintained, while `filetype` had its last release in 2022.
Before it come types whose signature it does not know, or takes for another's, and text, which has none.
"""

import codecs
import re

import puremagic
import regex
from msgspec import Struct

HEAD = 8192  # bytes; no signature stands further in
_LONGEST_NAME = 100  # characters


class Kind(Struct, frozen=True):
    """A type of file. extension: without the dot. what: in words, such as "photo"."""

    mimetype: str
    extension: str
    what: str


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_APPLE = "application/vnd.apple"
_TYPES = {
    "photo": "jpg=image/jpeg png=image/png gif=image/gif webp=image/webp heic=image/heic heif=image/heif"
    " avif=image/avif bmp=image/bmp tif=image/tiff jxl=image/jxl",
    "drawing": "svg=image/svg+xml",  # can hold script, as a page can
    "video": "mp4=video/mp4 mov=video/quicktime m4v=video/x-m4v 3gp=video/3gpp webm=video/webm mkv=video/x-matroska"
    " avi=video/x-msvideo mpg=video/mpeg",
    "voice note": "caf=audio/x-caf amr=audio/amr",
    "sound": "m4a=audio/mp4 mp3=audio/mpeg wav=audio/wav aac=audio/aac ogg=audio/ogg aiff=audio/aiff flac=audio/flac"
    " mid=audio/midi",
    "contact card": "vcf=text/vcard",
    "calendar entry": "ics=text/calendar",
    "web page": "html=text/html",
    "document": "pdf=application/pdf rtf=application/rtf txt=text/plain csv=text/csv epub=application/epub+zip"
    " doc=application/msword xls=application/vnd.ms-excel ppt=application/vnd.ms-powerpoint"
    f" docx={_OFFICE}.wordprocessingml.document xlsx={_OFFICE}.spreadsheetml.sheet"
    f" pptx={_OFFICE}.presentationml.presentation odt={_OPEN}.text ods={_OPEN}.spreadsheet odp={_OPEN}.presentation"
    f" pages={_APPLE}.pages numbers={_APPLE}.numbers key={_APPLE}.keynote",
    "file": f"zip=application/zip gz=application/gzip rar=application/vnd.rar 7z=application/x-7z-compressed"
    f" xml=application/xml pkpass={_APPLE}.pkpass bin=application/octet-stream",  # bin: all others, programs too
}
KINDS = {
    end: Kind(mimetype, end, what)
    for what, types in _TYPES.items()
    for end, _, mimetype in (one.partition("=") for one in types.split())
}

_ZIPPED = ("docx", "xlsx", "pptx", "odt", "ods", "odp", "pages", "numbers", "key", "epub", "pkpass")
_COMPOUND = ("doc", "xls", "ppt")  # Microsoft's compound file, which an installer is, too
_SAME = {"jpg": "jpeg jpe jfif", "tif": "tiff", "aiff": "aif aifc", "mpg": "mpeg", "html": "htm xhtml", "vcf": "vcard"}
_OTHER_NAMES = {other: end for end, others in _SAME.items() for other in others.split()}

_BRANDED = {
    "heic": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    "avif": (b"avif", b"avis"),
    "m4a": (b"M4A ", b"M4B "),
    "m4v": (b"M4V ", b"M4VH", b"M4VP"),
    "mov": (b"qt  ",),
}
"""What stands behind `ftyp` in ISO base media files, of which phones make most of theirs. Others are MP4."""
_BRANDS = {brand: end for end, brands in _BRANDED.items() for brand in brands}

_SHORT = (  # signatures of two bytes, which the library finds in too much else
    (re.compile(rb"BM.{4}\0{4}", re.DOTALL), "bmp"),
    (re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"), "mp3"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "aac"),
    (re.compile(rb"\xff\x0a"), "jxl"),
)
# What no text has: WHATWG's MIME Sniffing calls it a binary data byte.
_CONTROL = re.compile(r"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_WORDS = (
    (re.compile(r"BEGIN:VCARD", re.IGNORECASE), "vcf"),
    (re.compile(r"BEGIN:VCALENDAR", re.IGNORECASE), "ics"),
    (re.compile(r"%PDF-"), "pdf"),
    (re.compile(r"\{\\rtf"), "rtf"),
)
# What may stand before the first element. Each part is matched one way only, so that no text takes long to read.
_PROLOG = r"(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype(?>[^>\[]+|\[.*?\](?=\s*>))*+>)*+"
_ROOT = re.compile(rf"({_PROLOG})(?:<(?:[\w.-]+:)?(\w+))?", re.IGNORECASE | re.DOTALL)
_HTML = (
    *("html", "head", "body", "script", "style", "title", "meta", "link", "base", "iframe", "h1", "div", "span"),
    *("font", "table", "a", "b", "br", "p", "img", "form", "input", "center", "object", "embed", "video", "audio"),
)


def kind_of(head: bytes, name: str = "") -> Kind:
    """Return what a file is, by its first `HEAD` bytes.

    name: what it is called. It chooses only among types that begin alike: text (txt, csv), ZIP (docx, …), old Office.
    """
    given = name.rpartition(".")[2].lower()
    text = _text(head)
    found = _markup(text) or _container(head, given) or _plain(text, given) or _sniffed(head)
    return KINDS.get(found, KINDS["bin"])


def safe_name(name: str, kind: Kind, fallback: str = "") -> str:
    """Return a name without path, control, bidi or invisible characters, ending in the kind's extension.

    fallback: instead of a name of which nothing remains; without one, what the file is.
    """
    words = regex.sub(r"[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]", "", name)  # \p{C}: bidi controls, too
    words = re.split(r"[/\\]", words)[-1]
    words = re.sub(r"\s+", " ", re.sub(r'[<>:"|?*]', "_", words)).strip(" .")
    stem, _, end = words.rpartition(".")
    stem = stem if end.lower() in KINDS.keys() | _OTHER_NAMES.keys() else words
    stem = stem[: _LONGEST_NAME - len(kind.extension) - 1].strip(" .")
    return f"{stem or fallback or kind.what}.{kind.extension}"


def _text(head: bytes) -> str:
    """Return the bytes read as text, whatever they are."""
    is_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return head.decode("utf-16" if is_utf16 else "utf-8-sig", "replace").lstrip()


def _markup(text: str) -> str:
    """Return what begins as browsers recognise a page or a drawing, also when other bytes follow that no text has."""
    match = _ROOT.match(text)
    prolog, name = match.groups("") if match else ("", "")
    if name.lower() == "svg":
        return "svg"
    if name.lower() in _HTML or text[:14].lower().startswith(("<!--", "<!doctype html")):
        return "html"
    return "xml" if prolog.startswith("<?xml") else ""


def _container(head: bytes, given: str) -> str:
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return given if given in _ZIPPED else "zip"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return given if given in _COMPOUND else "bin"
    if head[4:8] == b"ftyp":
        return _branded(head[8:12], head[16 : int.from_bytes(head[:4])])
    return next((end for signature, end in _SHORT if signature.match(head)), "")


def _branded(brand: bytes, compatible: bytes) -> str:
    if brand in (b"mif1", b"msf1"):  # pictures of any codec
        codecs_of = (_BRANDS.get(compatible[at : at + 4]) for at in range(0, len(compatible), 4))
        return next(filter(None, codecs_of), "heif")
    return "3gp" if brand.startswith(b"3g") else _BRANDS.get(brand, "mp4")


def _plain(text: str, given: str) -> str:
    if not text or _CONTROL.search(text):
        return ""
    return next((end for words, end in _WORDS if words.match(text)), "csv" if given == "csv" else "txt")


def _sniffed(head: bytes) -> str:
    """Return what the library finds, "" for what it does not know or knows by less than three bytes."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):  # ValueError: no bytes at all
        return ""
    # offset: the library takes the end of what it is given for the end of the file.
    found = [one for one in found if one.offset >= 0 and len(one.byte_match) >= 3]
    ends = [one.extension.removeprefix(".") for one in found if one.byte_match == found[0].byte_match]
    return next((end for end in (_OTHER_NAMES.get(end, end) for end in ends) if end in KINDS), "")
