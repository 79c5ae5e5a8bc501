"""The documents: what they name exists, and what they say of doors and secrets is so."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.app import create_app
from bot.settings import Settings
from handlers.callbacks import LARGEST_REPORT
from handlers.guard import LARGEST_FROM_SLACK
from tests.conftest import CALLBACK, CUSTOMER, KEY, LINE, SECRET, SIGNING, TOKEN, Stage, settings_for, until
from tests.deployment import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SECURITY = (ROOT / "docs/security.md").read_text()
DEPLOY = (ROOT / "docs/deploy.md").read_text()
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def _rows(name: str) -> list[list[str]]:
    """The cells of the table between two marks."""
    inside = SECURITY.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in inside.strip().splitlines()[2:]]


DOORS = {(method, path) for row in _rows("routes") for method, path in [row[0].strip("`").split(" ")]}


@pages
def test_every_test_that_is_named_exists_and_is_expected_to_pass(page: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/.]+)::(\w+)`", page.read_text()):
        found = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if getattr(node, "name", "") == name]
        assert found, f"{path}::{name}"
        [test] = found
        assert isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)
        marks = " ".join(ast.unparse(mark) for mark in test.decorator_list)
        assert not re.search(r"mark\.(xfail|skip)", marks), f"{path}::{name}"


def test_the_order_of_imports_is_the_one_that_is_checked() -> None:
    [said] = re.findall(r"^`(bot\.cli → .*)`$", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert said.split(" → ") == layers


def test_the_security_page_leans_on_tests() -> None:
    assert len(set(re.findall(r"`tests/[\w/.]+::\w+`", SECURITY))) >= 35


@pages
def test_every_heading_that_is_pointed_to_is_there(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", page.read_text()):
        there = (page.parent / target if target else page).read_text()
        headings = re.findall(r"^#+ (.+)$", there, re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


async def test_a_stranger_finds_these_doors_and_no_other(stage: Stage, tmp_path: Path) -> None:
    routes: list[Any] = create_app(settings_for(tmp_path / "another")).routes
    assert {(method, route.path) for route in routes for method in route.methods - {"HEAD"}} == DOORS
    paths = {path for _, path in DOORS}
    async with httpx.AsyncClient(base_url=stage.url, trust_env=False) as stranger:
        for path in paths:
            for method in METHODS - {method for method, door in DOORS if door == path}:
                assert (await stranger.request(method, path.format(send_id="0" * 32, token="t"))).status_code == 405
        for path in ("/", "/slack", "/sendblue/status", "/docs", "/openapi.json", "/.env"):
            for method in METHODS:
                assert (await stranger.request(method, path)).status_code == 404, path


async def test_the_open_doors_tell_nothing_private(stage: Stage) -> None:
    await stage.text("Table at eight?")
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    said = [(await stage.get(path)).text for method, path in DOORS if method == "GET"]
    assert len(said) == 3
    send_id = stage.bubbles()[0].status_callback.split("/")[-2]
    for private in ("eight", CUSTOMER[-7:], LINE[-7:], "U0ANA", "C0GENERAL", send_id, stage.bubbles()[0].handle):
        assert not any(private in page for page in said), private
    for secret in (TOKEN, SIGNING, KEY, SECRET, CALLBACK):
        assert not any(secret in page for page in said)


@pytest.mark.parametrize(
    ("door", "largest"),
    [("/slack", LARGEST_FROM_SLACK), ("/sendblue/status", LARGEST_REPORT), ("/sendblue/webhook", LARGEST_REPORT)],
)
def test_the_limits_are_the_codes(door: str, largest: int) -> None:
    [row] = [row for row in _rows("routes") if f"POST {door}" in row[0]]
    assert f"413 over {largest // 1024} KiB" in row[2]


def test_texts_are_kept_as_long_as_is_said() -> None:
    days = Settings.model_fields["keep_text_for"].default / 86_400
    assert f"`KEEP_TEXT_FOR` after it was accepted ({days:.0f} days)" in SECURITY
    days = Settings.model_fields["keep_history_for"].default / 86_400
    assert f"`KEEP_HISTORY_FOR` after the last text of the thread ({days:.0f} days)" in SECURITY


def test_every_secret_has_its_row_on_both_pages() -> None:
    secrets = {name.upper() for name, field in Settings.model_fields.items() if field.annotation is SecretStr}
    secrets |= {"DATABASE_URL"}
    assert {row[0].strip("`") for row in _rows("secrets")} == secrets
    rotated = re.findall(r"^\| (`.*?`) \| ", DEPLOY.split("## Rotate secrets")[1], re.MULTILINE)
    assert {name for cell in rotated for name in re.findall(r"`(\w+)`", cell)} == secrets


def test_what_is_to_be_typed_can_be() -> None:
    """A shell reads it, and behind a setting stands nothing that systemd and Docker would take for part of it."""
    blocks = re.findall(r"^```sh\n(.*?)^```", DEPLOY, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    for block in blocks:
        subprocess.run(["sh", "-n"], input=block, text=True, check=True)
        assert not re.search(r"^[A-Z_]+=\S+ +#", block, re.MULTILINE), block
