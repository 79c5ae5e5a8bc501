"""The notices name exactly what the image can ship, and hold the licence texts that the packages bring."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.deployment import ROOT

PAGE = (ROOT / "THIRD-PARTY-NOTICES.md").read_text(encoding="utf-8")
LOCKED = [
    Requirement(line.removesuffix("\\"))
    for lock in ("requirements.txt", "requirements-heic.txt")
    for line in (ROOT / lock).read_text().splitlines()
    if line[:1].isalnum()
]


def _shipped() -> dict[str, str]:
    """What the locks install with CPython 3.11 or newer on Linux: name → version."""
    linux = {
        "implementation_name": "cpython",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "sys_platform": "linux",
    }
    found = {}
    for package in LOCKED:
        for python in ("3.11", "3.12", "3.13", "3.14"):
            there = linux | {"python_version": python, "python_full_version": f"{python}.0"}
            if package.marker is None or package.marker.evaluate(there):
                found[package.name] = str(package.specifier).removeprefix("==")
    return found


SHIPPED = _shipped()


def test_they_name_exactly_the_packages_and_versions_of_the_lock() -> None:
    inside = PAGE.split("<!-- packages -->")[1].split("<!-- /packages -->")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in inside.strip().splitlines()[2:]]
    assert {name: version for name, version, _ in rows} == SHIPPED
    assert len(rows) == len(SHIPPED) >= 40
    assert [name for name, _, licence in rows if not licence or licence in ("None", "UNKNOWN")] == []


def test_every_package_has_a_text() -> None:
    owners = {name for heading in re.findall(r"^### (.+)$", PAGE, re.MULTILINE) for name in _owners(heading)}
    assert owners == set(SHIPPED)


def _owners(heading: str) -> list[str]:
    return [part.partition(" (")[0] for part in heading.split(", ")]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_licence_file_that_a_package_brings_is_printed(name: str) -> None:
    try:
        package = distribution(name)
    except PackageNotFoundError:
        assert name == "pysqlite3"  # the one package that only one kind of processor has
        return
    files = [file for file in package.files or () if file.parts[0].endswith(".dist-info")]
    licences = [file for file in files if re.search(r"licen[cs]e|notice|copying|authors", file.name, re.IGNORECASE)]
    assert licences
    printed = _words(PAGE)
    for file in licences:
        assert _words(Path(str(file.locate())).read_text(encoding="utf-8")) in printed, file


def _words(text: str) -> str:
    return " ".join(text.split())


def test_the_emoji_table_and_its_licence_are_named() -> None:
    source = (ROOT / "bot/slack/emoji_names.json").read_text(encoding="utf-8").splitlines()[1]
    [version] = re.findall(r"emoji-datasource ([\d.]+)", source)
    part = PAGE.split("## Emoji names")[1].split("\n## ")[0]
    assert f"emoji-datasource {version}" in part
    assert "Copyright (c) 2013 Cal Henderson" in part
    assert "Permission is hereby granted" in part


def test_the_image_ships_them() -> None:
    [copied] = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if "THIRD-PARTY-NOTICES.md" in line]
    assert copied.startswith("COPY LICENSE ")
