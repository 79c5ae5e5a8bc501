"""Which pictures Sendblue can fetch; of others it drops the picture. Pure. Source: as of `EXTENSIONS`."""

import re
import unicodedata
from ipaddress import IPv4Address
from urllib.parse import parse_qsl, urlsplit

from bot.errors import UsageError
from bot.sendblue.wire import EXTENSIONS

_AZURE = ("se", "sp", "sv", "st")
_SIGNING_WORDS = {
    *("sig", "signature", "token", "expires", "policy", "credential", "amz", "goog", "pair", "accesstoken", "hm"),
    *("hmac", "hdnea", "hdnts", "auth", "apikey"),
}
_PAGES = (  # hosts whose links lead to a page, mostly behind a login; their subdomains, too
    *(f"{name}.google.com" for name in ("drive", "docs", "photos", "mail", "storage.cloud", "drive.usercontent")),
    *("photos.app.goo.gl", "onedrive.com", "onedrive.live.com", "docs.live.net", "1drv.ms", "icloud.com", "github.com"),
    *("slack.com", "slack-files.com", "sharepoint.com", "sharepoint.us", "box.com", "we.tl", "wetransfer.com"),
)
_LABEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}", re.IGNORECASE)
_NOT_PUBLIC = re.compile("local|localhost|localdomain|internal|intranet|lan|home|corp|private|arpa|onion|test|invalid")


def check_media(url: str) -> str:
    """Return the URL if Sendblue can fetch it. Raises UsageError: it cannot, and why."""
    try:
        parts = urlsplit(url)
        host, port = unicodedata.normalize("NFKC", parts.hostname or "").lower(), parts.port
    except ValueError:
        raise UsageError("that is not a link. Use one such as https://example.com/menu.png") from None
    if parts.scheme != "https" or port == 0 or not _is_public(host) or re.search(r"[\s\x00-\x1f]", url):
        raise UsageError("the picture must be a public link that starts with https://")
    if parts.username is not None:
        raise UsageError("the picture's link must not have a name or password in it.")
    names = [name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if any(name in _AZURE or not _SIGNING_WORDS.isdisjoint(re.split(r"[-_]", name)) for name in names):
        raise UsageError("the picture's link is signed and will expire. Use a public link without a signature.")
    query, domain = dict(parse_qsl(parts.query)), f".{host}"
    shown = domain.endswith(".dropbox.com") and "1" not in (query.get("raw"), query.get("dl"))
    if shown or domain.endswith(tuple(f".{page}" for page in _PAGES)):
        raise UsageError(
            "that link leads to a page or asks for a login, so Sendblue would get no picture. Use a public link to the "
            "file itself, such as https://example.com/menu.png (from Dropbox: with raw=1 instead of dl=0)"
        )
    if parts.path.rpartition(".")[2].lower() not in EXTENSIONS:
        raise UsageError("the picture's link must end with its file type, such as .jpg, .png, .mp4, .pdf or .vcf")
    return url


def _is_public(host: str) -> bool:
    """Whether a host is a public address, or a name that can be one: `127.1` and `0x7f.1` are spelled like names."""
    try:
        address = IPv4Address(host)
    except ValueError:
        *labels, last = host.split(".")
        name = _LABEL.fullmatch(last) or (last.isalpha() and not last.isascii())
        whole = bool(labels) and all(label and not label.startswith("-") for label in labels)
        return whole and bool(name) and not _NOT_PUBLIC.fullmatch(last)
    return address.is_global and not address.is_multicast
