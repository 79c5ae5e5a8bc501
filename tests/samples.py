"""Files to send: a tiny one of each kind, and those that somebody with bad intentions would make."""

from base64 import b64decode

JPEG = b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////"
    "////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
WEBP = b64decode("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vv9UAA=")
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(32)
"""A header alone, as of what an iPhone's camera takes."""
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
VCF = b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Doe;Ana;;;\r\nFN:Ana Doe\r\nTEL;TYPE=CELL:+14155552671\r\nEND:VCARD\r\n"
M4A = b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + bytes(32)
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(32)
MOV = b"\0\0\0\x14ftypqt  \0\0\2\0qt  " + bytes(32)
CAF = b"caff\0\1\0\0desc\0\0\0\0\0\0\0\x20\x40\xe5\x88\x80\0\0\0\0opus" + bytes(24)
"""A voice message of iMessage."""
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81\4B\xf3\x81\x08B\x82\x84webm" + bytes(32)
ZIP = b"PK\5\6" + bytes(18)

HTML = b"<!DOCTYPE html><html><script>parent.owned = document.domain</script></html>"
"""Send it as a .jpg, too."""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>parent.owned = document.domain</script></svg>'

FAITHFUL = {
    "menu.jpg": ("image/jpeg", JPEG),
    "menu.png": ("image/png", PNG),
    "menu.gif": ("image/gif", GIF),
    "menu.webp": ("image/webp", WEBP),
    "IMG_2041.HEIC": ("image/heic", HEIC),
    "menu.pdf": ("application/pdf", PDF),
    "Ana Doe.vcf": ("text/vcard", VCF),
    "memo.m4a": ("audio/mp4", M4A),
    "clip.mp4": ("video/mp4", MP4),
    "clip.mov": ("video/quicktime", MOV),
    "Audio Message.caf": ("audio/x-caf", CAF),
}
"""Name → MIME type and bytes that belong together."""

LYING = {
    "page.jpg": HTML,
    "drawing.png": SVG,
    "photo.pdf": JPEG,
    "menu.html": PNG,
    "empty.jpg": b"",
    "cut.png": PNG[:12],
}
"""Name → bytes that are something else, or nothing whole."""

HOSTILE_NAMES = (
    "../../etc/passwd.jpg",
    "..\\..\\windows\\menu.jpg",
    "/etc/menu.jpg",
    "C:menu.jpg",
    ".htaccess",
    "..",
    "",
    " ",
    "menu\u202egpj.exe",  # shows as menuexe.jpg
    "menu\u2066.jpg\u2069",
    "menu\r\nSet-Cookie: a=b.jpg",
    "menu\0.jpg",
    "menu\x1b[31m.jpg",
    'menu".jpg',
    "menu;filename=other.jpg",
    "menu%2F..%2Fother.jpg",
    "menu?token=1#part.jpg",
    "<img src=x onerror=alert(1)>.jpg",
    "<!channel>.jpg",
    "*bold* <https://example.com|menu>.jpg",
    "${HOME}`id`.jpg",
    "CON.jpg",
    "Menü 🍜.jpg",
    "e\u0301\u0301\u0301\u0301.jpg",
    "menu",
    "menu.",
    "menu.jpg.exe",
    "m" * 300 + ".jpg",
)
