"""What is worth telling, and when nothing more is expected."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.delivery import Delivery, News, Service, is_final
from tests.making import a_send

A, S, U, Q = Delivery.ACCEPTED, Delivery.SENDING, Delivery.UNCERTAIN, Delivery.QUEUED
ANY = {
    "delivery": st.sampled_from(Delivery),
    "service": st.sampled_from(Service),
    "told": st.integers(0, sum(News)).map(News),
    "unconfirmed": st.booleans(),
    "picture_lost": st.booleans(),
    "asked": st.booleans(),
    "decision": st.sampled_from(["", "resend", "leave"]),
}


def telling(delivery, service=Service.IMESSAGE, **facts):
    at = datetime(2026, 11, 20, tzinfo=UTC)
    about = (UUID(int=1), UUID(int=2), "+14155552671", "+15550100900", "Table at eight?", at, at)
    return a_send(*about, delivery=delivery, service=service, **facts).news


@pytest.mark.parametrize(
    ("delivery", "service", "final"),
    [
        *((delivery, service, False) for delivery in (A, S, U, Q) for service in Service),
        (Delivery.SENT, Service.UNKNOWN, False),
        (Delivery.SENT, Service.IMESSAGE, False),
        (Delivery.SENT, Service.RCS, False),
        (Delivery.SENT, Service.SMS, True),
        *((d, service, True) for d in (Delivery.FAILED, Delivery.DELIVERED, Delivery.READ) for service in Service),
    ],
)
def test_a_message_is_watched_to_the_end_of_its_channel_and_no_longer(delivery, service, final):
    assert is_final(delivery, service) is final


@pytest.mark.parametrize(
    ("delivery", "service", "news"),
    [
        (A, Service.UNKNOWN, News.NONE),
        (S, Service.UNKNOWN, News.NONE),
        (U, Service.UNKNOWN, News.UNCERTAIN),
        (Q, Service.IMESSAGE, News.NONE),
        (Delivery.SENT, Service.UNKNOWN, News.SENT),
        (Delivery.SENT, Service.IMESSAGE, News.SENT),
        (Delivery.SENT, Service.RCS, News.SENT),
        (Delivery.SENT, Service.SMS, News.SENT_AS_SMS),
        (Delivery.FAILED, Service.SMS, News.FAILED),
        (Delivery.DELIVERED, Service.RCS, News.DELIVERED),
        (Delivery.READ, Service.IMESSAGE, News.READ),
    ],
)
def test_each_milestone_is_one_piece_of_news(delivery, service, news):
    assert telling(delivery, service) == news


def test_a_doubt_that_is_settled_is_told():
    assert telling(Delivery.QUEUED, told=News.UNCERTAIN) == News.FOUND


def test_a_fallback_to_sms_is_told_even_after_sent_was():
    assert telling(Delivery.SENT, Service.SMS, told=News.SENT) == News.SENT_AS_SMS


def test_giving_up_on_a_confirmation_is_told_only_while_one_is_missing():
    assert telling(Delivery.SENT, unconfirmed=True, told=News.SENT) == News.UNCONFIRMED
    assert telling(Delivery.DELIVERED, unconfirmed=True) == News.DELIVERED
    assert telling(Delivery.SENT, Service.SMS, unconfirmed=True) == News.SENT_AS_SMS


def test_a_person_is_asked_only_while_nobody_knows_and_nobody_has_decided():
    assert telling(U, asked=True, told=News.UNCERTAIN) == News.ASKED
    assert telling(U, asked=True, told=News.UNCERTAIN, decision="leave") == News.DECIDED
    assert telling(Delivery.SENT, asked=True, told=News.UNCERTAIN) == News.SENT


@pytest.mark.parametrize("delivery", [A, S, U, Q, Delivery.FAILED])
def test_a_lost_picture_is_no_news_of_a_text_that_has_not_left(delivery):
    assert News.PICTURE_LOST not in telling(delivery, picture_lost=True)


@pytest.mark.parametrize("delivery", [Delivery.SENT, Delivery.DELIVERED, Delivery.READ])
def test_a_lost_picture_is_told_once_the_text_has_left(delivery):
    assert News.PICTURE_LOST in telling(delivery, picture_lost=True)


@settings(deadline=None)
@given(**ANY)
def test_nothing_is_told_twice(delivery, service, told, **facts):
    news = telling(delivery, service, told=told, **facts)
    assert not news & told
    assert not telling(delivery, service, told=told | news, **facts) & ~News.FOUND


def test_what_is_stored_keeps_its_meaning():
    """These numbers are in databases: they may be added to, never changed."""
    assert {state.name: int(state) for state in Delivery} == {
        "ACCEPTED": 0,
        "SENDING": 10,
        "UNCERTAIN": 20,
        "QUEUED": 30,
        "SENT": 40,
        "FAILED": 50,
        "DELIVERED": 60,
        "READ": 70,
    }
    assert {news.name: int(news) for news in News} == {
        "UNCERTAIN": 1,
        "FOUND": 2,
        "SENT": 4,
        "SENT_AS_SMS": 8,
        "FAILED": 16,
        "DELIVERED": 32,
        "READ": 64,
        "UNCONFIRMED": 128,
        "PICTURE_LOST": 256,
        "ASKED": 512,
        "DECIDED": 1024,
    }
    assert [service.value for service in Service] == ["", "iMessage", "RCS", "SMS"]
