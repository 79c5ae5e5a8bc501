"""Which pictures Sendblue can fetch. Pure.

Source: Sendblue's "Sending Messages": a public URL, no signature, the path ends in the true extension. It does not
refuse other URLs: the text arrives without the picture.
"""

import re
from urllib.parse import parse_qsl, urlsplit

from bot.errors import UsageError

EXTENSIONS = frozenset(
    {
        *("jpg", "jpeg", "png", "gif", "heic", "heif", "webp", "bmp", "tif", "tiff", "svg"),
        *("mp4", "mov", "m4v", "3gp", "mpg", "mpeg", "avi", "webm"),
        *("mp3", "m4a", "aac", "wav", "amr", "caf", "aiff"),
        *("pdf", "vcf", "vcard", "ics", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "csv", "zip"),
    }
)
_SIGNATURE = re.compile(r"sig|token|expires|policy|credential|x-amz|x-goog|key-pair|^(?:se|sp|sv|st)$", re.IGNORECASE)


def check_media(url: str) -> str:
    """Return the URL if Sendblue can fetch it.

    Raises:
        UsageError: it cannot, and why.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise UsageError("that is not a link. Use one such as https://example.com/menu.png") from None
    if parts.scheme != "https" or "." not in host or re.search(r"[\s\x00-\x1f]", url):
        raise UsageError("the picture must be a public link that starts with https://")
    if parts.username is not None or parts.password is not None:
        raise UsageError("the picture's link must not have a name or password in it.")
    if any(_SIGNATURE.search(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise UsageError("the picture's link is signed and will expire. Use a public link without a signature.")
    if parts.path.rpartition(".")[2].lower() not in EXTENSIONS:
        raise UsageError("the picture's link must end in its kind, such as .jpg, .png, .mp4, .pdf or .vcf")
    return url
