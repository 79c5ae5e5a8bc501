"""Telling the tour: colours in a terminal, plain lines anywhere else."""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click

from sandbox.board import Event
from sandbox.slack.escapes import unescaped
from sandbox.slack.workspace import PEOPLE

_LABEL_WIDTH = 9
_COLOURS = {
    "Ana": "cyan",
    "to Ana": "cyan",
    "thread": "magenta",
    "edited": "magenta",
    "mark": "magenta",
    "phone": "blue",
    "fault": "yellow",
    "kept": "green",
    "BROKEN": "red",
}


class Narrator:
    """Prints what happens as it happens, and what was promised."""

    def __init__(self, paper: IO[str] | None = None) -> None:
        self._paper = paper
        self._seen: dict[str, str] = {}

    def title(self, words: str) -> None:
        """Begin something new."""
        self.say("")
        self.say(click.style(words, bold=True))

    def line(self, label: str, words: str) -> None:
        """Print one line; `label` says who or what."""
        shown = click.style(f"  {label:<{_LABEL_WIDTH}}", fg=_COLOURS.get(label), dim=label not in _COLOURS)
        self.say(shown + _one_line(words))

    def say(self, words: str) -> None:
        """Print a sentence as it stands."""
        click.echo(words, file=self._paper, color=False if os.environ.get("NO_COLOR") else None)

    @contextmanager
    def waiting(self, words: str) -> Iterator[None]:
        """Show that something is being waited for; in a terminal only."""
        paper = self._paper or sys.stdout
        if not paper.isatty():
            yield
            return
        click.echo(f"{words}\r", file=paper, nl=False)
        try:
            yield
        finally:
            click.echo("\x1b[K", file=paper, nl=False)  # to the end of the line

    def tell(self, event: Event) -> None:
        """Print what an event of the board means to a reader, if it is news."""
        kind, data = event
        if kind == "message" and data["bot"]:
            self._message(data)
        elif kind == "message" and data["reactions"]:
            self._mark(data)
        elif kind == "ephemeral" and self._is_new(f"ephemeral {data['id']}", data["text"]):
            self.line("to Ana", data["text"])
        elif kind == "phone" and self._is_new(data["handle"], ""):
            self.line("phone", _with_files(data["content"], data["media"]))

    def _message(self, data: Mapping[str, Any]) -> None:
        key, text = f"{data['channel']} {data['ts']}", _with_files(data["text"], data["files"])
        known = key in self._seen
        if not self._is_new(key, text):
            return
        if known:
            self.line("edited", text.partition("” · ")[2] or text)  # the status line behind the quoted text
        else:
            self.line("thread", text if data["thread_ts"] is None else f"└ {text}")

    def _mark(self, data: Mapping[str, Any]) -> None:
        marks = [character for _, character in data["reactions"]]
        if self._is_new(f"marks {data['channel']} {data['ts']}", " ".join(marks)):
            self.line("mark", f"{marks[-1]} on “{data['text']}”")

    def _is_new(self, key: str, text: str) -> bool:
        if self._seen.get(key) == text:
            return False
        self._seen[key] = text
        return True


def plain(text: str) -> str:
    """Return Slack's markup as a reader would see it, without colours and links."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<@(\w+)>", lambda found: f"@{PEOPLE.get(found[1], found[1])}", text)
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"\1", text)
    return unescaped(text)


def _with_files(text: str, files: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(filter(None, [text, *(f"[{file['name']}]" for file in files)]))


def _one_line(text: str) -> str:
    return " / ".join(part for part in plain(text).splitlines() if part)
