"""Who is told of an answer, how the root says that somebody waits, and who may take a conversation elsewhere."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.storage.database import open_database
from sandbox.slack import SlackMessage
from tests.conftest import CUSTOMER, OTHER_LINE, Stage, until
from tests.handlers.test_one_thread import begun, engine, tops
from tests.statements import asking, by_writer, doing

__all__ = ["begun", "engine"]  # fixtures


def posts(stage: Stage, channel: str = "C0GENERAL") -> list[SlackMessage]:
    """What stands in the first thread under its root."""
    return list(stage.slack.replies(channel, tops(stage, channel)[0].ts))


async def said(stage: Stage, text: str, **fields: Any) -> SlackMessage:
    """Have the customer say something; return the post that shows it."""
    await stage.sendblue.customer_says(CUSTOMER, text, **fields)
    await until(lambda: any(text in post.text for post in posts(stage)))
    return next(post for post in posts(stage) if text in post.text)


async def age(stage: Stage, column: str, length: timedelta) -> None:
    """Have a time of all conversations lie further back."""
    assert stage.app is not None
    work = doing(f"UPDATE conversations SET {column} = :at", at=datetime.now(UTC) - length)
    await stage.app.store.write(by_writer(work), None)


async def test_one_mention_of_who_wrote_last_for_each_burst(begun: Stage) -> None:
    first, second = await said(begun, "Eight works"), await said(begun, "For two")
    assert first.text.endswith("\ncc <@U0ANA>")
    assert {"type": "user", "user_id": "U0ANA"} in first.blocks[0]["elements"][0]["elements"]
    assert "cc" not in second.text
    assert [first.broadcast, second.broadcast] == [False, False]
    await age(begun, "burst_at", timedelta(minutes=4))
    assert "cc <@U0ANA>" in (await said(begun, "Or three")).text


async def test_in_a_thread_that_was_silent_for_a_day_the_channel_is_told(begun: Stage) -> None:
    await age(begun, "last_at", timedelta(hours=25))
    shown = await said(begun, "Eight works")
    assert shown.broadcast
    assert "cc" not in shown.text


async def test_nobody_is_called_for_what_was_said_hours_ago(begun: Stage) -> None:
    old = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    shown = await said(begun, "Eight works", date_sent=old)
    assert "cc" not in shown.text
    assert not shown.broadcast
    assert "cc <@U0ANA>" in (await said(begun, "Still there?")).text


async def test_the_first_start_calls_nobody_for_what_was_written_before_it(begun: Stage) -> None:
    """As after an upgrade from a version that did not listen."""
    await begun.stop()
    await begun.sendblue.customer_says(CUSTOMER, "Eight works")
    database = open_database(begun.settings.database_url)
    database.write(doing("DELETE FROM progress"))
    database.close()
    await begun.restart()
    await until(lambda: any("Eight works" in post.text for post in posts(begun)))
    assert not any("cc <@U0ANA>" in post.text or post.broadcast for post in posts(begun))


async def test_what_customers_write_in_the_inbox_before_anybody_answers_is_shown_in_the_channel(begun: Stage) -> None:
    stranger = "+14155550123"
    await begun.sendblue.customer_says(stranger, "Do you have a table?")
    await until(lambda: tops(begun, "C0RANDOM"))
    await age(begun, "burst_at", timedelta(minutes=4))
    await begun.sendblue.customer_says(stranger, "Hello?")
    await until(lambda: any("Hello?" in post.text and post.broadcast for post in posts(begun, "C0RANDOM")))


async def test_a_later_text_in_a_thread_that_was_silent_for_a_day_is_shown_in_the_channel(begun: Stage) -> None:
    await begun.text("Or nine?")
    await until(lambda: any("Or nine?" in post.text for post in posts(begun)))
    await age(begun, "last_at", timedelta(hours=25))
    await begun.text("Or ten?")
    await until(lambda: any("Or ten?" in post.text for post in posts(begun)))
    assert [post.broadcast for post in posts(begun) if "Or " in post.text] == [False, True]


async def test_the_root_says_since_when_somebody_waits_and_what_was_answered(begun: Stage) -> None:
    assert "Waiting for an answer" not in tops(begun)[0].text
    await begun.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: "Waiting for an answer since" in tops(begun)[0].text)
    assert "Delivered" in tops(begun)[0].text
    await begun.text("See you", user="U0BEN")
    await until(lambda: "Last: <@U0BEN> “See you” · ✅ *Delivered*" in tops(begun)[0].text, within=20)
    assert "Waiting for an answer" not in tops(begun)[0].text


async def test_the_root_says_that_a_customer_has_opted_out_on_every_line(begun: Stage) -> None:
    await begun.text("Hello", to=f"--from {OTHER_LINE} {CUSTOMER}", channel="C0RANDOM")
    await until(lambda: any("Delivered" in text for text in begun.replies("C0RANDOM")))
    await begun.sendblue.customer_says(CUSTOMER, "STOP")
    await until(lambda: all("Opted out" in tops(begun, place)[0].text for place in ("C0GENERAL", "C0RANDOM")))
    assert "Waiting for an answer" not in tops(begun, "C0RANDOM")[0].text


async def test_old_and_new_roots_lead_to_each_other(begun: Stage) -> None:
    await begun.text("From here", channel="C0RANDOM")
    await until(lambda: tops(begun, "C0RANDOM"))
    old, new = tops(begun)[0], tops(begun, "C0RANDOM")[0]
    assert f"/archives/C0GENERAL/p{old.ts.replace('.', '')}|an older thread>" in new.text
    goes_on = f"goes on in <https://sandbox.slack.com/archives/C0RANDOM/p{new.ts.replace('.', '')}|another thread>"
    await until(lambda: goes_on in tops(begun)[0].text, within=20)


async def test_a_text_of_somebody_who_may_not_write_changes_nothing(begun: Stage) -> None:
    await said(begun, "Eight works")
    await until(lambda: "Waiting for an answer since" in tops(begun)[0].text)
    before = tops(begun)[0].text
    await begun.text("Psst", user="U0GUEST")
    await until(lambda: any("guests" in whisper.text for whisper in begun.slack.ephemerals))
    await age(begun, "burst_at", timedelta(minutes=4))
    assert (await said(begun, "Hello?")).text.endswith("\ncc <@U0ANA>")
    await until(lambda: tops(begun)[0].text == before)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Loved “Table at eight?”", "+1 ••• 2671 reacted ❤️ to “Table at eight?”"),
        ("Removed a heart from “Table at eight?”", "+1 ••• 2671 took back ❤️ from “Table at eight?”"),
        ("Loved “Table at nine?”", "+1 ••• 2671: Loved “Table at nine?”"),
    ],
)
async def test_a_sign_is_a_line_of_its_own_kind_if_it_quotes_the_conversation(
    begun: Stage, text: str, shown: str
) -> None:
    await begun.sendblue.customer_says(CUSTOMER, text)
    await until(lambda: any("Table at" in post.text and "About" not in post.text for post in posts(begun)))
    await until(lambda: any(post.text.split("\n")[0] == shown for post in posts(begun)))
    reacted = shown.startswith("+1 ••• 2671 ")
    assert any("cc <@U0ANA>" in post.text for post in posts(begun)) != reacted  # a sign needs no answer
    await asyncio.sleep(0.5)
    assert ("Waiting for an answer" in tops(begun)[0].text) != reacted


async def _in_private(open_stage: Callable[..., Any], **changes: Any) -> Stage:
    stage: Stage = await open_stage(inbox_channel="G0TEAM", catch_up_interval=0.5, **changes)
    await stage.text("Table at eight?", channel="G0TEAM")
    await until(lambda: any("Delivered" in reply for reply in stage.replies("G0TEAM")))
    return stage


async def test_only_who_wrote_in_a_private_place_takes_a_conversation_out_of_it(open_stage: Callable[..., Any]) -> None:
    stage = await _in_private(open_stage)
    refused = await stage.text("From here", user="U0BEN")
    assert refused.text.startswith("Not sent: this conversation is in a private channel or a direct message")
    assert "Ask <@U0ANA> to text the customer" in refused.text
    assert (await stage.text("From here", user="U0ANA")).text.startswith("Got it")
    await until(lambda: tops(stage))
    await until(lambda: len(stage.bubbles()) == 2)


async def test_who_may_text_nobody_is_not_told_who_talks_with_a_customer(open_stage: Callable[..., Any]) -> None:
    stage = await _in_private(open_stage)
    refused = await stage.text("From here", user="U0GUEST")
    assert refused.text == "Not sent: guests may not text customers. Ask a member of your team to send it."
    stage.slack.faults.errors = {"users.info": "internal_error"}
    assert "Ask somebody there" in (await stage.text("From here", user="U0BEN")).text


async def test_where_nobody_has_written_in_a_private_place_somebody_there_is_to_be_asked(
    open_stage: Callable[..., Any],
) -> None:
    stage = await _in_private(open_stage)
    await stage.sendblue.customer_says("+14155550123", "Do you have a table?")
    await until(lambda: len(tops(stage, "G0TEAM")) == 2)
    refused = await stage.text("At eight", to="+14155550123", user="U0BEN")
    assert "Ask somebody there to text the customer" in refused.text
    assert (await stage.text("At eight", to="+14155550123", user="U0BEN", channel="G0TEAM")).text.startswith("Got it")


async def test_what_was_quiet_for_long_may_be_taken_out_of_a_private_place(open_stage: Callable[..., Any]) -> None:
    stage = await _in_private(open_stage, new_thread_after=0.2)
    await asyncio.sleep(0.3)
    assert (await stage.text("From here", user="U0BEN")).text.startswith("Got it")


async def test_where_slack_does_not_say_whether_a_channel_is_public_it_counts_as_private(
    open_stage: Callable[..., Any],
) -> None:
    stage: Stage = await open_stage()
    stage.slack.scopes = [scope for scope in stage.slack.scopes if not scope.endswith(":read") or scope == "users:read"]
    await stage.text("Table at eight?")
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    assert "in a private channel" in (await stage.text("From here", user="U0BEN", channel="C0RANDOM")).text


async def test_whether_a_channel_is_public_is_asked_until_slack_says_it(open_stage: Callable[..., Any]) -> None:
    stage: Stage = await open_stage(inbox_channel="C0RANDOM", catch_up_interval=0.5)
    stage.slack.faults.errors = {"conversations.info": "internal_error"}
    await stage.text("Table at eight?")
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    assert "in a private channel" in (await stage.text("From here", user="U0BEN", channel="C0RANDOM")).text
    stage.slack.faults.errors = {}
    await stage.sendblue.customer_says(CUSTOMER, "Eight works")
    assert stage.app is not None
    async with asyncio.timeout(8):
        while await stage.app.store.read(asking("SELECT id FROM threads WHERE private IS NULL")):
            await asyncio.sleep(0.05)
    assert (await stage.text("From here", user="U0BEN", channel="C0RANDOM")).text.startswith("Got it")


async def test_a_root_whose_text_was_deleted_still_says_that_somebody_waits(begun: Stage) -> None:
    assert begun.app is not None
    for what in ("UPDATE messages SET text = ''", "UPDATE sends SET text = ''"):
        await begun.app.store.write(by_writer(doing(what)), None)
    await begun.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: "Waiting for an answer since" in tops(begun)[0].text)
    assert "<@U0ANA> to +1 ••• 2671: “(text deleted)”" in tops(begun)[0].text
