"""The sandbox as `make demo` starts it, with the real bot, and a real Chromium in front of it."""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from sandbox.ports import free_port
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.world import World, connect, world
from tests.browser.desk import Desk

NO_CHROMIUM = "The browser tests need Chromium. Install it with: apt-get install chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
PATIENCE = 15_000
"""Milliseconds to wait for anything the page will show, on a busy machine."""

_customers = itertools.count(100)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skipped room must not look like a green one."""
    if any(NO_CHROMIUM in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.section("NO BROWSER TEST RAN", sep="!", yellow=True, bold=True)
        terminalreporter.line(NO_CHROMIUM)


@pytest.fixture(scope="session")
def chromium() -> str:
    path = shutil.which("chromium")
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(NO_CHROMIUM)
    pytest.skip(NO_CHROMIUM)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as driver:
        launched = await driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo(browser: Browser) -> AsyncIterator[tuple[World, str]]:
    """The world behind the page, and the page's address."""
    async with world(free_port(0)) as made, serving(create_app(made)) as url:
        connect(made, url)
        made.bot.settings = {**made.bot.settings, "SENDBLUE_TIMEOUT": "2"}  # doubt comes sooner than in the demo's 4 s
        await made.bot.start()
        yield made, url
        made.board.close()
        await made.bot.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def next_desk(browser: Browser, demo: tuple[World, str]) -> AsyncIterator[Callable[[], Awaitable[Desk]]]:
    """Set up the desk after next while a test mostly waits at its own: loading the page takes about a second."""
    coming = asyncio.create_task(_set_up(browser, *demo))

    async def following() -> Desk:
        nonlocal coming
        ready, coming = coming, asyncio.create_task(_set_up(browser, *demo))
        return await ready

    yield following
    await (await coming).page.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(next_desk: Callable[[], Awaitable[Desk]]) -> AsyncIterator[Desk]:
    """The page at 1280×800 in a browser profile of its own, with a customer of its own and nothing broken."""
    desk = await next_desk()
    desk.world.reset_faults()
    await desk.world.bot.start()
    await desk.sees_the_bot("up")
    await expect(desk.page.get_by_test_id("clear-faults")).to_be_disabled()
    yield desk
    desk.world.reset_faults()
    await desk.page.context.close()
    assert desk.complaints == []


async def _set_up(browser: Browser, made: World, url: str) -> Desk:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    desk = Desk(await context.new_page(), made, f"+1415555{next(_customers):04d}")
    _listen(desk.page, url, desk.complaints)
    await desk.page.goto(url)
    return desk


def _listen(page: Page, url: str, complaints: list[str]) -> None:
    """Note whatever a good page does not do."""
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.on("request", lambda asked: None if asked.url.startswith(url) else complaints.append(asked.url))
