"""Which of Slack's message events are a person's reply, an edit or a removal."""

import pytest

from bot.domain.reply import Edit, Removal
from handlers.typed import read_event, read_message
from tests.handlers.slack_messages import US, blocks, said, section, told, user


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_id": "B0X"},
        {"bot_profile": {"id": "B0X"}},
        {"streaming_state": "in_progress"},
        {"user": US},
        {"user": "USLACKBOT"},
        {"user": None},
        {"user": ["U0ANA"]},
        {"hidden": True},
        {"thread_ts": None},
        {"thread_ts": "1764000000.000200"},
        {"thread_ts": 1763990000.0001},
        {"ts": "soon"},
        {"ts": "999999999999.000200"},  # in no year that a calendar has
        *({"subtype": kind} for kind in ("me_message", "bot_message", "huddle_thread", "channel_join", "tombstone")),
        *({"subtype": kind} for kind in ("assistant_app_thread", "ekm_access_denied", "message_replied", [], {})),
    ],
)
def test_what_no_person_replied_is_not_for_us(fields):
    assert read_message(said(**fields), team="T0TEAM", channel="C0EXAMPLE", us=US) is None
    assert read_event(told(said(**fields))) is None


@pytest.mark.parametrize(
    "event", [said(type="app_mention"), said(channel=None), said(channel="<!here>"), [], None, "message"]
)
def test_other_events_are_not_for_us(event):
    assert read_event(told(event)) is None


@pytest.mark.parametrize(
    ("fields", "has_files"),
    [
        ({}, False),
        ({"subtype": None}, False),
        ({"subtype": "thread_broadcast", "root": {"ts": "1763990000.000100"}}, False),
        ({"subtype": "file_share", "text": "", "files": [{"id": "F0X", "mode": "hosted"}]}, True),
        ({"subtype": "thread_broadcast", "files": [{"id": "F0X", "mode": "file_access"}]}, True),
        ({"subtype": "file_share", "text": ""}, True),
        ({"files": [{"id": "F0X", "mode": "tombstone"}]}, False),
    ],
)
def test_replies_files_and_replies_shown_in_the_channel_as_well_are_read(fields, has_files):
    live = read_event(told(said(**fields)))
    assert live is not None
    assert bool(live.files) is has_files
    assert read_message(said(**fields), team="T0TEAM", channel="C0EXAMPLE", us=US) == live


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "reply:T0TEAM:U0ANA:0f6c-11"),
        ({"client_msg_id": None}, "reply:T0TEAM:U0ANA:1764000000.000200"),
        ({"client_msg_id": "\ud800"}, "reply:T0TEAM:U0ANA:1764000000.000200"),
        ({"team": "T0THEIRS"}, "reply:T0THEIRS:U0ANA:0f6c-11"),
        ({"team": None}, "reply:T0TEAM:U0ANA:0f6c-11"),
    ],
)
def test_the_key_is_the_gestures_and_the_authors(fields, key):
    assert read_event(told(said(**fields))).key == key


@pytest.mark.parametrize(
    ("fields", "wrapper", "team"),
    [
        ({}, {}, "T0TEAM"),
        ({"team": None}, {}, "T0TEAM"),
        ({"team": "T0THEIRS"}, {}, "T0TEAM T0THEIRS"),
        ({"user_team": "T0THEIRS"}, {}, "T0TEAM T0THEIRS"),
        ({}, {"team_id": "T0THEIRS", "authorizations": [{"user_id": US, "team_id": "T0TEAM"}]}, "T0TEAM"),
    ],
)
def test_our_workspace_is_told_from_the_authors(fields, wrapper, team):
    assert read_event(told(said(**fields), **wrapper)).team == team


@pytest.mark.parametrize("authorizations", [None, [], [None], [{"user_id": 7}]])
def test_where_slack_does_not_say_who_we_are_the_roots_author_is_our_bot(authorizations):
    words = said(blocks=blocks(section(user(US), " hello")))
    assert read_event(told(words, authorizations=authorizations)).to_us
    assert read_event(told(said(user=US), authorizations=authorizations)) is None


def changed(before, **fields):
    after = said(edited={"user": "U0ANA", "ts": "1764000100.000000"}, **fields)
    del after["channel"]  # Slack names it outside
    outside = {"type": "message", "subtype": "message_changed", "hidden": True, "channel": "C0EXAMPLE"}
    return told({**outside, "ts": "1764000100.000300", "message": after, "previous_message": before})


def test_an_edit_carries_the_reply_as_it_reads_now():
    original = said(text="Table at seven")
    edit = read_event(changed(original, text="Table at eight"))
    assert isinstance(edit, Edit)
    assert (edit.edited_ts, edit.reply.text) == ("1764000100.000000", "Table at eight")
    assert (edit.reply.key, edit.reply.ts) == (read_event(told(original)).key, original["ts"])


def test_an_edit_counts_where_slack_does_not_say_what_it_was():
    assert isinstance(read_event(changed(None, text="Hello")), Edit)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"text": "a"}, {"text": "b", "edited": None}),  # a link's preview
        ({"text": "a", "edited": {"ts": "1764000100.000000"}}, {"text": "b"}),
        ({"text": "*a* <https://a.example>"}, {"text": "a https://a.example", "attachments": [{"from_url": "x"}]}),
        ({"text": "a"}, {"text": "b", "subtype": "tombstone"}),
        ({"text": "a"}, {"text": "b", "bot_id": "B0X"}),
        ({"text": "a"}, {"text": "b", "user": US}),
        ({"text": "a"}, {"text": "b", "edited": "yes"}),
    ],
)
def test_what_changes_no_persons_words_is_no_edit(before, after):
    body = changed(said(**before))
    body["event"]["message"].update(after)
    assert read_event(body) is None


def test_another_mention_is_an_edit():
    before = said(blocks=blocks(section(user("U0BEN"))))
    assert isinstance(read_event(changed(before, blocks=blocks(section(user("U0EVE"))))), Edit)


def test_a_deleted_message_is_a_removal():
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "channel": "C0EXAMPLE",
        "deleted_ts": "1.2",
    }
    assert read_event(told(event)) == Removal("C0EXAMPLE", "1.2")
    assert read_event(told({**event, "deleted_ts": None})) is None
    typed = said()
    told_all = read_event(told({**event, "deleted_ts": typed["ts"], "previous_message": typed}))
    assert told_all == Removal("C0EXAMPLE", typed["ts"], read_event(told(typed)))
    assert read_event(told({**event, "previous_message": typed})) == Removal("C0EXAMPLE", "1.2")  # of another message
