"""The one thing to do next in a thread."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.delivery import Delivery, News, Service
from bot.domain.message import Message
from bot.domain.thread import Lane, Step, Thread

T0 = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
QUIET = Message(UUID(int=1), UUID(int=2), "+14155552671", "+15550100900", "Table at eight?", T0, T0)
NEWS = replace(QUIET, delivery=Delivery.SENT)
OPEN = {"root_ts": "1.1"}


def thread(*messages: Message, **state) -> Thread:
    place = {"team": "T1", "channel": "C1", "asked_in": "C1", "sender": "U1", "answer_url": ""}
    return Thread(UUID(int=2), created_at=T0, messages=messages or (QUIET,), **(place | state))


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (thread(), Step.OPEN),
        (thread(NEWS), Step.OPEN),
        (thread(NEWS, posting=0), Step.LOOK),
        (thread(NEWS, posting=3, **OPEN, aside="moved"), Step.LOOK),
        (thread(NEWS, posting=1, **OPEN, closed="is_archived"), Step.LOOK),
        (thread(NEWS, **OPEN, aside="moved"), Step.ASIDE),
        (thread(NEWS, aside="moved"), Step.OPEN),
        (thread(NEWS, **OPEN), Step.REPLY),
        (thread(QUIET, NEWS, **OPEN, rev=4), Step.REPLY),
        (thread(**OPEN, rev=4, shown_rev=3), Step.EDIT),
        (thread(**OPEN, rev=4, shown_rev=-1), Step.EDIT),
        (thread(**OPEN, rev=4, shown_rev=4), Step.NOTHING),
        (thread(NEWS, closed="is_archived", aside="closed"), Step.ASIDE),
        (thread(NEWS, **OPEN, closed="is_archived", rev=4), Step.NOTHING),
    ],
)
def test_the_most_useful_step_comes_first(state, step):
    assert state.next_step() is step


@pytest.mark.parametrize(
    ("step", "lane"),
    [
        (Step.OPEN, Lane.POST),
        (Step.REPLY, Lane.POST),
        (Step.LOOK, Lane.FREE),
        (Step.ASIDE, Lane.FREE),
        (Step.EDIT, Lane.EDIT),
        (Step.NOTHING, Lane.EDIT),
    ],
)
def test_only_new_posts_cost_a_slot_of_the_channel(step, lane):
    assert step.lane is lane


def test_posts_go_before_everything_and_edits_after():
    assert Lane.POST > Lane.FREE > Lane.EDIT


def test_a_thread_is_about_its_first_message():
    assert thread(QUIET, NEWS).lead is QUIET


def test_a_thread_that_stands_elsewhere_knows_it():
    assert thread(channel="U1", asked_in="D7").moved
    assert not thread().moved


def done(state: Thread) -> Thread:
    """The thread after its next step worked."""
    match state.next_step():
        case Step.LOOK:
            return replace(state, posting=None)
        case Step.OPEN:
            return told(replace(state, root_ts="1.1", shown_rev=state.rev))
        case Step.ASIDE:
            return replace(state, aside="")
        case Step.REPLY:
            return told(state)
        case _:
            return replace(state, shown_rev=state.rev)


def told(state: Thread) -> Thread:
    return replace(state, messages=tuple(replace(m, told=m.told | m.news) for m in state.messages))


messages = st.builds(
    replace,
    st.just(QUIET),
    delivery=st.sampled_from(Delivery),
    service=st.sampled_from(Service),
    told=st.integers(0, sum(News)).map(News),
    unconfirmed=st.booleans(),
    picture_lost=st.booleans(),
)


@settings(deadline=None)
@given(
    several=st.lists(messages, min_size=1, max_size=3),
    root_ts=st.sampled_from([None, "1.1"]),
    posting=st.none() | st.integers(0, 2),
    aside=st.sampled_from(["", "moved", "closed"]),
    closed=st.sampled_from(["", "is_archived"]),
    rev=st.integers(0, 3),
    shown_rev=st.integers(-1, 3),
)
def test_a_thread_comes_to_rest_and_then_says_all_it_knows(several, root_ts, posting, aside, closed, rev, shown_rev):
    state = thread(*several, root_ts=root_ts, posting=posting, aside=aside, closed=closed, rev=rev, shown_rev=shown_rev)
    for _ in range(6):
        state = done(state)
    assert state.next_step() is Step.NOTHING
    assert state.closed or not any(message.news for message in state.messages)
    assert state.closed or state.shown_rev == state.rev
    assert not state.aside
