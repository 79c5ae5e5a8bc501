"""Write THIRD-PARTY-NOTICES.md: every package that the bot installs and its licence, as the package itself brings it.

`make notices` runs it in .venv, on Linux. It stops when an installed version is not the locked one.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "THIRD-PARTY-NOTICES.md"
LOCKS = ("requirements.txt", "requirements-heic.txt")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LICENCE_FILE = re.compile(r"licen[cs]e|notice|copying|authors", re.IGNORECASE)
UNSAID = {"pysqlite3": "Zlib"}
"""Packages whose metadata names no licence; it stands in their licence file alone."""

HEAD = """\
# Third-party notices

Bluethread itself is under the MIT licence ([LICENSE](LICENSE)). This page lists the other software that its container
image adds to the base image, and the licence of each. `make notices` writes it from the installed packages: do not
edit it by hand.

The base image (Debian and Python) has its own notices, in the image at `/usr/share/doc/*/copyright` and at
`/usr/local/lib/python3.*/LICENSE.txt`.

## Python packages

What `requirements.txt` installs on Linux, and what `requirements-heic.txt` adds for those who want it. The licence
texts are [below](#licence-texts). A text that several packages share is printed once.
"""

INSIDE = """\
## Libraries inside these packages

Some packages contain compiled libraries of other projects:

- **psycopg-binary**: libpq (PostgreSQL licence), OpenSSL (Apache-2.0), MIT Kerberos (MIT), libcom_err (MIT), OpenLDAP
  (OLDAP-2.8), Cyrus SASL (BSD), keyutils and libcrypt (LGPL).
- **pydantic-core**: Rust packages. The image lists each with its version and licence, in
  `pydantic_core-*.dist-info/sboms/`.
- **pysqlite3**: SQLite (public domain).
- **pillow-heif**, in `requirements-heic.txt`: libheif and libde265 (LGPL-3.0), x265 (GPL-2.0). So its wheel as a whole
  is under the GPL, version 2: whoever passes on an image with it must keep to that. **pillow**: libjpeg-turbo,
  libtiff, FreeType and others, whose licences stand in its own.
- **uvloop**: libuv (MIT). **httptools** and **aiohttp**: llhttp (MIT).

psycopg and psycopg-binary are under the LGPL, version 3. The image has them unchanged, and you can replace them by
other versions. Their source is at <https://github.com/psycopg/psycopg>. The LGPL builds on the GNU General Public
License, version 3. Its text is in the image at `/usr/share/common-licenses/GPL-3`, and at
<https://www.gnu.org/licenses/gpl-3.0.txt>.
"""

EMOJI = """\
## Emoji names

`bot/slack/emoji_names.json` is made from {source}, <https://github.com/iamcal/emoji-data>.

````text
The MIT License (MIT)

Copyright (c) 2013 Cal Henderson

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
````
"""


def locked() -> dict[str, str]:
    """Return name → version of what the locks install with CPython 3.11 or newer on Linux."""
    found = {}
    for line in "\n".join((ROOT / lock).read_text() for lock in LOCKS).splitlines():
        if not line[:1].isalnum():
            continue
        package = Requirement(line.removesuffix("\\"))
        if package.marker is None or any(package.marker.evaluate(_linux(python)) for python in PYTHONS):
            found[package.name] = str(package.specifier).removeprefix("==")
    return found


def _linux(python: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def licence(package: Distribution) -> str:
    """Return the licence's name as the package gives it."""
    about = package.metadata
    named = about["License-Expression"] or about["License"] or UNSAID.get(package.name)
    classes = [line.split(" :: ") for line in about.get_all("Classifier", [])]
    return named or ", ".join(parts[-1] for parts in classes if parts[0] == "License")


def texts(package: Distribution) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each licence file, as installed."""
    for file in sorted(package.files or ()):
        folder = next(iter(file.parts))
        if folder.endswith(".dist-info") and LICENCE_FILE.search(file.name):
            text = Path(str(file.locate())).read_text(encoding="utf-8")
            yield file.name, "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def page() -> str:
    """Return the whole page."""
    rows = ["| Package | Version | Licence |", "|---|---|---|"]
    owners: dict[str, list[str]] = {}
    for name, version in locked().items():
        package = distribution(name)
        if package.version != version:
            sys.exit(f"{name} {package.version} is installed, but the lock says {version}: run `make setup`")
        rows.append(f"| {name} | {version} | {licence(package)} |")
        found = list(texts(package))
        if not found:
            sys.exit(f"{name} brings no licence file")
        for file, text in found:
            owners.setdefault(text, []).append(f"{name} ({file})")
    table = "\n".join(["<!-- packages -->", *rows, "<!-- /packages -->", ""])
    emoji = json.loads((ROOT / "bot" / "slack" / "emoji_names.json").read_text())["source"].partition(",")[0]
    printed = [f"### {', '.join(names)}\n\n````text\n{text}\n````\n" for text, names in owners.items()]
    return "\n".join([HEAD, table, INSIDE, EMOJI.format(source=emoji), "## Licence texts\n", *printed])


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{len(locked())} packages in {TARGET.name}\n")
