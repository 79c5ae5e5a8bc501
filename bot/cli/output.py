"""Printing what others wrote so that it can do nothing to a terminal."""

import json
import os
import re
import sys
import textwrap

import click

SHOWN = 500  # characters of a long text
WIDTH = 100  # of a terminal that must not wrap lines
COLOUR = False if os.environ.get("NO_COLOR") else None  # None: click.echo looks for a terminal. See no-color.org.
# What moves a terminal's cursor or turns its text around.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return a text as one line, with spaces instead of such characters."""
    return _UNSAFE.sub(" ", text)


def print_json(value: object) -> None:
    """Print a document. Such characters, and those that the output's encoding lacks, are escaped: texts stay exact."""
    document = json.dumps(value, indent=2, ensure_ascii=sys.stdout.encoding.lower() != "utf-8")
    click.echo(re.sub(rf"(?!\n){_UNSAFE.pattern}", lambda found: f"\\u{ord(found[0]):04x}", document))


def hanging(begin: str, text: str) -> list[str]:
    """Return lines of a text, the first of which begins so; the others are indented as far."""
    indent = " " * len(begin)
    return textwrap.wrap(printable(text), WIDTH, initial_indent=begin, subsequent_indent=indent) or [begin]
