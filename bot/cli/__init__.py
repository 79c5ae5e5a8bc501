"""`python -m bot …`: serve, work, migrate, messages, doctor."""

import asyncio
import gc
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import uvloop

from bot.errors import BadSettings, BluethreadError, UsageError
from bot.logs import configure_logs, keep_loggers
from bot.settings import Settings, load_settings
from bot.storage.schema import bring_up, probe

# ruff: noqa: PLC0415 - what not every command needs is imported where it is needed: the others start faster


class Sentences(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. What is expected ends in a sentence, and with 2 when the configuration cannot work, else 1."""
        code = 1
        try:
            return super().invoke(ctx)
        except BadSettings as error:
            code, problems = 2, "".join(f"  - {problem}\n" for problem in str(error).splitlines())
            says = f"Bluethread cannot start:\n{problems}See Settings in README.md, and docs/settings.md."
        except BluethreadError as error:
            says = f"Bluethread: {error}"
        except BrokenPipeError:  # whoever reads has read enough, which click ends quietly
            raise
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            says = f"Bluethread: {error.strerror or type(error).__name__}{where}"
        click.echo(says, err=True)
        return ctx.exit(code)


@click.group(cls=Sentences)
def main() -> None:
    """Text customers over iMessage from Slack."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an old locale knows no ✓, and the word stands beside it


@main.command()
def serve() -> None:
    """Answer Slack and Sendblue, and do the background work, until stopped."""
    with _loading() as settings:
        from bot.app import create_app, database_of
        from bot.server import answer, listen

        app = create_app(settings)
    with listen(settings.host, settings.port) as taken:
        probe(database_of(settings))
        keep_loggers()
        sys.exit(not answer(app, taken))


@main.command()
def work() -> None:
    """Do the background work without answering requests, until stopped. Needs PostgreSQL; several workers may run."""
    with _loading() as settings:
        from bot.app import database_of, work_until_stopped
    if settings.database_url.startswith("sqlite"):
        raise BadSettings("DATABASE_URL: a worker needs PostgreSQL; on SQLite `serve` does all the work")
    probe(database_of(settings))
    keep_loggers()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work_until_stopped(settings))


@main.command()
def migrate() -> None:
    """Update the database to this version's schema (a release step; on SQLite `serve` does this itself)."""
    settings = _ready()
    from bot.app import database_of

    bring_up(database_of(settings))
    click.echo("The database is up to date.")


@main.command("messages")
@click.argument("wanted_id", metavar="[ID]", required=False)
@click.option("--open", "only_open", is_flag=True, help="Only texts that are not finished, and answers not shown yet.")
@click.option("--failed", "only_failed", is_flag=True, help="Only texts that failed or were not sent.")
@click.option("--number", help="Only messages to and from this number, written as in /imessage.")
@click.option("--since", help="Only messages since then: 2h (ago), 7d, or 2026-11-21T14:30 (UTC).")
@click.option("--limit", type=click.IntRange(1, 1_000_000), help="How many, newest first.  [default: 20]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--csv", "target", metavar="FILE", help="Write all of them, oldest first, as CSV (-: standard output).")
def messages_command(
    wanted_id: str | None, *, limit: int | None, as_json: bool, target: str | None, **conditions: Any
) -> None:
    """List messages both ways (a line for each send or answer), or show all that happened to one. Changes nothing."""
    from bot.cli.exporting import export_messages
    from bot.cli.messages import list_messages, show_message, wanted_messages

    if wanted_id is not None and (target or limit or any(conditions.values())):
        raise UsageError("give an id alone or with --json, without other options")
    if target is not None and (as_json or limit):
        raise UsageError("--csv writes all messages that match: leave --limit and --json out")
    settings = _ready()
    if wanted_id is not None:
        show_message(settings, wanted_id, as_json=as_json)
        return
    wanted = wanted_messages(settings, **conditions, limit=limit or 20)
    if target is not None:
        export_messages(settings, wanted, target)
    else:
        list_messages(settings, wanted, as_json=as_json)


@main.command("doctor")
@click.option(
    "--fix", is_flag=True, help="Register the account's webhooks at Sendblue, unless they are registered already."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of {name, verdict, says, todo}, nothing else.")
def doctor_command(*, fix: bool, as_json: bool) -> None:
    """Check everything the bot needs and say what to do. Changes nothing without --fix.

    Ends with 1 when there is a problem, with 0 when all is well or there are warnings only.
    """
    from bot.cli.doctor import diagnose, show

    found = diagnose(fix=fix)
    show(found, as_json=as_json)
    sys.exit(any(one.verdict == "problem" for one in found))


@contextmanager
def _loading() -> Iterator[Settings]:
    """Keep what is loaded here out of garbage collection, which would need 60 ms for it each time."""
    gc.disable()
    try:
        yield _ready()
    finally:
        gc.freeze()
        gc.enable()


def _ready() -> Settings:
    settings = load_settings()
    configure_logs(level=settings.log_level, form=settings.log_format, secrets=settings.secrets)
    return settings
