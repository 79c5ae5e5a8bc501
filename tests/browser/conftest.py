"""The sandbox as `make demo` starts it, with the real bot, and a real Chromium in front of it."""

import itertools
import os
import shutil
from collections.abc import AsyncIterator

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
DESK = {"width": 1280, "height": 800}

_customers = (f"+1415555{number}" for number in itertools.count(3000))
"""E.164, one for each test. Tests that name a number of their own keep below these."""


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
        quicker = {"SENDBLUE_TIMEOUT": "2", "STALE_AFTER": "1", "CATCH_UP_INTERVAL": "2"}  # the demo: 4, 2 and 5
        made.bot.settings = {**made.bot.settings, **quicker}
        await made.bot.start()
        yield made, url
        made.board.close()
        await made.bot.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def window(browser: Browser) -> AsyncIterator[Page]:
    """One window for all tests, each of which loads the page anew: a window of its own would cost a second each."""
    context = await browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(window: Page, demo: tuple[World, str]) -> AsyncIterator[Desk]:
    """The page at 1280×800, light, with nothing broken, nothing remembered and a customer of its own."""
    made, url = demo
    made.reset_faults()
    await made.bot.start()
    desk = Desk(window, made, next(_customers))
    listeners = {
        "console": lambda said: desk.complaints.append(said.text) if said.type in ("error", "warning") else None,
        "pageerror": lambda error: desk.complaints.append(str(error)),
        "request": lambda request: desk.requests.append(request.url),
    }
    for event, listener in listeners.items():
        window.on(event, listener)
    await window.set_viewport_size(DESK)
    await window.emulate_media(color_scheme="light")
    await window.goto(url)
    await desk.sees_the_bot("up")
    yield desk
    await window.evaluate("localStorage.clear()")
    for event, listener in listeners.items():
        window.remove_listener(event, listener)
    assert desk.complaints == []
    assert [asked for asked in desk.requests if not asked.startswith(url)] == []
