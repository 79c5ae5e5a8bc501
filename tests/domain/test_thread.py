"""The one thing to do next in a thread."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.attachment import Copy, Stage
from bot.domain.delivery import Delivery, News, Service
from bot.domain.send import Send
from bot.domain.thread import Lane, Step, Thread
from tests.making import a_send, a_thread, changed

T0 = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
QUIET = a_send(UUID(int=1), UUID(int=2), "+14155552671", "+15550100900", "Table at eight?", T0, T0)
NEWS = changed(QUIET, delivery=Delivery.SENT)
OPEN = {"root_ts": "1.1"}


def thread(*sends: Send, **state) -> Thread:
    return a_thread(*(sends or (QUIET,)), **state)


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (thread(), Step.OPEN),
        (thread(NEWS), Step.OPEN),
        (thread(NEWS, posting=0), Step.LOOK),
        (thread(NEWS, posting=3, **OPEN), Step.LOOK),
        (thread(NEWS, posting=1, **OPEN, closed="is_archived"), Step.LOOK),
        (thread(NEWS, **OPEN), Step.REPLY),
        (thread(QUIET, NEWS, **OPEN, rev=4), Step.REPLY),
        (thread(**OPEN, rev=4, shown_rev=3), Step.EDIT),
        (thread(**OPEN, rev=4, shown_rev=-1), Step.EDIT),
        (thread(**OPEN, rev=4, shown_rev=4), Step.NOTHING),
        (thread(NEWS, closed="is_archived"), Step.NOTHING),
        (thread(NEWS, **OPEN, closed="is_archived", rev=4), Step.NOTHING),
    ],
)
def test_the_most_useful_step_comes_first(state, step):
    assert state.next_step() is step


WORDS = replace(thread().message, id=UUID(int=7), direction="in", text="Is it right?", to_show=True)
PHOTO = replace(WORDS, id=UUID(int=8), text="", files="https://example.com/one.jpg")
COMING = Copy(UUID(int=9), UUID(int=6), UUID(int=2), "", "", Stage.WAITING, 0, T0, opened=True)
COPIED = COMING.at(Stage.COPIED)


def test_of_many_pictures_with_a_copy_each_no_more_than_ten_go_into_one_post():
    burst = tuple(replace(COPIED, id=UUID(int=n), slack_file="F1 F2" if n % 2 else "F1") for n in range(9))
    stages = [one.stage for one in thread(**OPEN, copies=burst).begun(Step.SHARE, T0).copies]
    assert stages == [Stage.SHARING] * 7 + [Stage.COPIED] * 2


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ({"copies": (COMING,)}, Step.WAIT),
        ({"copies": (COPIED,)}, Step.SHARE),
        ({"copies": (COPIED, COMING)}, Step.WAIT),
        ({"copies": (replace(COPIED, opened=False),), "unshown": (PHOTO,)}, Step.REPLY),
        ({"copies": (COMING,), "unshown": (WORDS,)}, Step.WAIT),
        ({"copies": (COPIED,), "unshown": (WORDS,)}, Step.SHARE),
        ({"copies": (COPIED,), "unshown": (WORDS,), "failures": 2}, Step.REPLY),
        ({"copies": (COMING,), "unshown": (PHOTO, WORDS)}, Step.REPLY),
        ({"copies": (COPIED,), "unshown": (PHOTO,)}, Step.SHARE),
    ],
)
def test_files_stand_below_their_words_and_before_what_follows_but_hold_it_up_for_a_while_only(state, step):
    assert thread(**OPEN, **state).next_step() is step


@pytest.mark.parametrize(
    ("step", "lane"),
    [
        (Step.OPEN, Lane.POST),
        (Step.REPLY, Lane.POST),
        (Step.LOOK, Lane.FREE),
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
    step = state.next_step()
    state = state.begun(step, T0)
    match step:
        case Step.LOOK:
            return state.not_posted()
        case Step.OPEN:
            return state.opened("C1", "1.1", shown_rev=state.rev)
        case Step.REPLY:
            return state.replied()
        case _:
            return state.edited()


def test_what_was_certainly_not_done_leaves_no_note_and_what_perhaps_was_keeps_it():
    state = thread(NEWS, **OPEN, replies=2, rev=4)
    posting = state.begun(Step.REPLY, T0)
    assert (posting.posting, posting.lead.telling.under_way) == (3, News.SENT)
    assert posting.undone(Step.REPLY).next_step() is Step.REPLY
    assert posting.unanswered(Step.REPLY).next_step() is Step.LOOK
    assert posting.replied().replies == 3
    assert posting.replied().lead.telling.told == News.SENT
    assert posting.undone(Step.LOOK).posting == 3


def test_after_an_edit_without_an_answer_the_next_one_is_not_the_last():
    state = thread(**OPEN, rev=4, shown_rev=3)
    assert state.edited().next_step() is Step.NOTHING
    again = state.unanswered(Step.EDIT)
    assert again.edited().next_step() is Step.EDIT
    assert again.edited().edited().next_step() is Step.NOTHING
    assert state.undone(Step.EDIT).edited().next_step() is Step.NOTHING


def test_a_thread_that_moves_is_opened_anew_and_one_that_is_closed_never():
    state = thread(NEWS, **OPEN, replies=2, posting=3)
    moved = state.moved_to_author()
    assert (moved.channel, moved.moved, moved.next_step()) == ("U1", True, Step.OPEN)
    closed = state.closed_for("x" * 100)
    assert (len(closed.closed), closed.next_step()) == (80, Step.NOTHING)


sends = st.builds(
    changed,
    st.just(QUIET),
    delivery=st.sampled_from(Delivery),
    service=st.sampled_from(Service),
    told=st.integers(0, sum(News)).map(News),
    unconfirmed=st.booleans(),
    picture_lost=st.booleans(),
)


@settings(deadline=None)
@given(
    several=st.lists(sends, min_size=1, max_size=3),
    state=st.fixed_dictionaries(
        {
            "root_ts": st.sampled_from([None, "1.1"]),
            "posting": st.none() | st.integers(0, 2),
            "closed": st.sampled_from(["", "is_archived"]),
            "rev": st.integers(0, 3),
            "shown_rev": st.integers(-2, 3),
        }
    ),
)
def test_a_thread_comes_to_rest_and_then_says_all_it_knows(several, state):
    now = thread(*several, **state)
    for _ in range(7):
        now = done(now)
    assert now.next_step() is Step.NOTHING
    assert now.closed or not any(send.news for send in now.sends)
    assert now.closed or now.shown_rev == now.rev
