"""`python -m sandbox`: try Bluethread without any account."""

import asyncio
import signal
import sys
import time
import webbrowser
from collections.abc import Awaitable

import click

from sandbox.bot_process import BotFailedError
from sandbox.narrator import Narrator
from sandbox.ports import free_port
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.tour import tour
from sandbox.world import connect, world

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ADVICE = (
    "The bot did not start. Mend what its last line says (`make setup` if a module is missing), then run this again."
)


@click.command(help="The real bot between a simulated Slack and a simulated iMessage, in your browser.")
@click.option("--port", default=4000, show_default=True, help="Where the page is served.")
@click.option("--bot-port", default=3100, show_default=True, help="Where the bot listens.")
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@click.option("--script", is_flag=True, help="A scripted tour in the terminal instead of the page.")
def main(port: int, bot_port: int, no_open: bool, script: bool) -> None:  # noqa: FBT001 (click's flags)
    """Run the sandbox until it is stopped, or the tour until its end."""
    opens = not no_open and sys.stdout.isatty()
    work = _tour() if script else _demo(port, bot_port, opens=opens)
    sys.exit(asyncio.run(_stoppable(work, stopped=130 if script else 0)))


async def _stoppable(work: Awaitable[int], *, stopped: int) -> int:
    """Do `work` and return its exit code; a signal ends it in order, which gives the code `stopped`."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        click.echo("\nStopped.")
        return stopped
    except BotFailedError as failure:
        click.echo(f"{failure}\n\n{_ADVICE}", err=True)
        return 1


async def _demo(port: int, bot_port: int, *, opens: bool) -> int:
    chosen = free_port(port)
    bot_chosen = free_port(bot_port, but=chosen)
    async with world(bot_chosen) as made, serving(create_app(made), chosen) as url:
        connect(made, url)
        try:
            click.echo(f"Bluethread, the real bot between a simulated Slack and a simulated phone: {url}")
            _explain(port, chosen, "page")
            _explain(bot_port, bot_chosen, "bot")
            click.echo("Starting the bot …")
            await made.bot.start()
            click.echo("Ready. Open that page and type: /imessage +1 415 555 2671 Table at eight?    Stop: Ctrl-C")
            if opens:
                webbrowser.open(url)
            await asyncio.Event().wait()
        finally:
            made.board.close()
            made.reset_faults()  # a call held by a fault would keep the bot from stopping at once
            await made.bot.stop()
    return 0


def _explain(wanted: int, chosen: int, what: str) -> None:
    if wanted not in (0, chosen):
        click.echo(f"Port {wanted} is taken, so the {what} is on {chosen} instead.")


async def _tour() -> int:
    narrator, begun = Narrator(), time.monotonic()
    narrator.say("A tour of Bluethread: the real bot between a simulated Slack and a simulated Sendblue.")
    broken = await tour(narrator)
    narrator.title(f"{time.monotonic() - begun:.0f} s")
    if not broken:
        narrator.say("Every promise was kept.")
        return 0
    narrator.say("Broken promises:")
    for promise in broken:
        narrator.say(f"  {promise}")
    return 1


if __name__ == "__main__":
    main()
