"""The shapes themselves: each can be read, is unlike every other, and is in a table of some test."""

import json

from tests.shapes import FOLDER, names
from tests.shapes import test_doors as doors
from tests.shapes import test_sendblue as sendblue
from tests.shapes import test_slack_answers as slack

EVERY = sorted(FOLDER.glob("*/*/*.json"))

TABLES = {
    "sendblue/answers": {*sendblue.ACCEPTED, *(name for name, *_ in sendblue.NOT_ACCEPTED)},
    "sendblue/reports": set(sendblue.REPORTS),
    "sendblue/lists": set(sendblue.LISTS),
    "sendblue/account": set(sendblue.ACCOUNT),
    "slack/envelopes": set(doors.ENVELOPES),
    "slack/commands": set(doors.COMMANDS),
    "slack/clicks": set(doors.CLICKS),
    "slack/answers": set(slack.TO_A_POST),
    "slack/ours": {"unhandled_request"},
}
"""Folders whose shapes have a line each. Those of the others are all expected to do the same."""

ALL_THE_SAME = {"sendblue/inbound", "sendblue/requests", "sendblue/uncalled", "slack/events"}


def test_every_shape_is_json_in_one_line():
    for path in EVERY:
        text = path.read_text()
        json.loads(text)
        assert (text.count("\n"), text[-1]) == (1, "\n"), path


def test_no_shape_is_there_twice():
    first = {}
    for path in EVERY:
        same = first.setdefault(json.dumps(json.loads(path.read_text()), sort_keys=True), path)
        assert same == path


def test_no_shape_lies_unused():
    assert {kind: set(names(kind)) for kind in TABLES} == TABLES
    assert {str(path.parent.relative_to(FOLDER)) for path in EVERY} == ALL_THE_SAME | set(TABLES)
    assert len(EVERY) == len(list(FOLDER.rglob("*.json")))
