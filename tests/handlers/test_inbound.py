"""What customers say stands in the thread, once and in order, whichever way it came."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.message import Inbound
from bot.storage.database import open_database
from bot.storage.inbound import Arrival, take_many
from tests.conftest import CUSTOMER, LINE, OTHER_LINE, Stage, until
from tests.statements import doing

SECRET = "webhook-secret"
STRANGER = "+14155550123"
DOOR = "/sendblue/webhook"
UNSHOWN = ("unshown", "oldest_unshown_seconds")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def talking(open_stage: Callable[..., Any]) -> Stage:
    """A stage whose customer was texted once, and whose answers reach the webhook."""
    return await _talking(open_stage)


async def _talking(open_stage: Callable[..., Any], **changes: Any) -> Stage:
    settings = {"sendblue_webhook_secret": SECRET, "inbox_channel": "C0RANDOM", "catch_up_interval": 0.5} | changes
    stage: Stage = await open_stage(**settings)
    stage.sendblue.webhook_url = f"{stage.settings.public_url}{DOOR}"
    stage.sendblue.webhook_secret = SECRET
    await stage.text()
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    return stage


def answers(stage: Stage, channel: str = "C0GENERAL") -> list[str]:
    """What the customer said, as the thread shows it."""
    return [line for reply in stage.replies(channel) for line in reply.split("\n") if line.startswith("+1 •••")]


async def test_an_answer_stands_in_the_thread(talking: Stage) -> None:
    assert await talking.sendblue.customer_says(CUSTOMER, "Eight works, <@U0BEN> & co") == 200
    await until(lambda: answers(talking))
    assert answers(talking) == ["+1 ••• 2671: Eight works, &lt;@U0BEN&gt; &amp; co"]


async def test_each_answer_is_shown_once_however_often_it_comes(talking: Stage) -> None:
    talking.sendblue.faults.duplicate_inbound = True
    for word in ("One", "Two", "Three"):
        await talking.sendblue.customer_says(CUSTOMER, word)
    await until(lambda: len(answers(talking)) >= 3)
    await asyncio.sleep(1)  # and the list brings them again
    assert answers(talking) == [f"+1 ••• 2671: {word}" for word in ("One", "Two", "Three")]


async def test_what_the_webhook_lost_is_found_in_the_list(talking: Stage) -> None:
    talking.sendblue.faults.lose_inbound = True
    for word in ("One", "Two", "Three"):
        await talking.sendblue.customer_says(CUSTOMER, word)
    await until(lambda: len(answers(talking)) == 3)
    assert answers(talking) == [f"+1 ••• 2671: {word}" for word in ("One", "Two", "Three")]


async def test_what_came_while_we_were_away_stands_there_once(talking: Stage) -> None:
    await talking.stop()
    for word in ("One", "Two", "Three"):
        await talking.sendblue.customer_says(CUSTOMER, word)
    await talking.restart()
    await until(lambda: len(answers(talking)) == 3)
    assert answers(talking) == [f"+1 ••• 2671: {word}" for word in ("One", "Two", "Three")]


async def test_it_works_without_a_webhook(open_stage: Callable[..., Any]) -> None:
    stage = await _talking(open_stage, sendblue_webhook_secret="")
    assert await stage.sendblue.customer_says(CUSTOMER, "Eight works") == 404
    await until(lambda: answers(stage))


async def test_somebody_nobody_has_texted_appears_in_the_inbox(talking: Stage) -> None:
    await talking.sendblue.customer_says(STRANGER, "Do you have a table?")
    await until(lambda: talking.roots("C0RANDOM"))
    assert "+1 ••• 0123 wrote to" in talking.root("C0RANDOM").text
    assert "Do you have a table?" in talking.shown("C0RANDOM")
    await talking.sendblue.customer_says(STRANGER, "For two")
    await until(lambda: answers(talking, "C0RANDOM"))
    assert answers(talking, "C0RANDOM") == ["+1 ••• 0123: For two"]
    assert len(talking.roots("C0RANDOM")) == 1


async def test_without_an_inbox_it_is_kept_until_there_is_one(open_stage: Callable[..., Any]) -> None:
    stage = await _talking(open_stage, inbox_channel="")
    await stage.sendblue.customer_says(STRANGER, "Do you have a table?")
    await stage.sendblue.customer_says(STRANGER, "For two")
    ready = (await stage.get("/readyz")).json()
    assert (ready["ready"], ready["facts"]["customers_without_channel"], ready["facts"]["unshown"]) == (True, 1, 2)
    says = "1 customer wrote and there is no channel to show it in: set INBOX_CHANNEL, then restart"
    assert ready["warning"] == says
    await stage.stop()
    stage.settings = stage.settings.model_copy(update={"inbox_channel": "C0RANDOM"})
    await stage.restart()
    await until(lambda: answers(stage, "C0RANDOM"))
    assert "Do you have a table?" in stage.shown("C0RANDOM")
    async with asyncio.timeout(8):
        while (ready := (await stage.get("/readyz")).json())["facts"]["unshown"]:
            await asyncio.sleep(0.05)
    assert "warning" not in ready


async def waiting(stage: Stage) -> tuple[float, float]:
    """How many messages wait to be shown, and for how long the oldest has, as Prometheus is told."""
    text = (await stage.get("/metrics")).text
    found = [re.search(rf"^bluethread_{name} (\S+)$", text, re.MULTILINE) for name in UNSHOWN]
    many, oldest = (float(one[1]) for one in found if one)
    return many, oldest


async def test_what_waits_to_be_shown_is_counted_until_it_is(talking: Stage) -> None:
    assert await waiting(talking) == (0, 0)
    talking.slack.faults.down = True
    for number, who in enumerate((CUSTOMER, CUSTOMER, STRANGER), start=1):
        await talking.sendblue.customer_says(who, "Hello?")
        assert (await waiting(talking))[0] == number
    await asyncio.sleep(0.5)
    many, oldest = await waiting(talking)
    assert many == 3
    assert 0.4 < oldest < 60
    talking.slack.faults.down = False
    await until(lambda: talking.roots("C0RANDOM") and len(answers(talking)) == 2)
    async with asyncio.timeout(8):
        while await waiting(talking) != (0, 0):
            await asyncio.sleep(0.05)


async def test_what_comes_to_a_line_that_is_not_ours_is_not_stored(talking: Stage) -> None:
    body = {"message_handle": "h1", "is_outbound": False, "from_number": CUSTOMER, "sendblue_number": "+15550109999"}
    signed = {"sb-signing-secret": SECRET}
    assert (await talking.callback(body | {"content": "Hi"}, path=DOOR, headers=signed)).status_code == 200
    assert 'bluethread_inbound_total{result="not_ours",source="webhook"}' in (await talking.get("/metrics")).text
    await asyncio.sleep(0.3)
    assert not answers(talking)


async def test_an_answer_on_another_line_is_another_conversation(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "Hello?", line=OTHER_LINE)
    await until(lambda: talking.roots("C0RANDOM"))
    assert not answers(talking)


async def test_when_the_root_is_deleted_the_answer_moves_to_the_inbox(talking: Stage) -> None:
    talking.slack.delete("C0GENERAL", talking.root().ts)
    await talking.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: talking.roots("C0RANDOM"))
    assert "Eight works" in talking.shown("C0RANDOM")
    await talking.sendblue.customer_says(CUSTOMER, "Or nine")
    await until(lambda: answers(talking, "C0RANDOM"))


async def test_where_threads_cannot_be_read_the_answer_to_a_deleted_root_stands_in_the_inbox_alone(
    talking: Stage,
) -> None:
    talking.slack.faults.orphan_replies, talking.slack.faults.replies_refused = True, "missing_scope"
    talking.slack.delete("C0GENERAL", talking.root().ts)
    await talking.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: talking.roots("C0RANDOM"))
    assert "Eight works" in talking.shown("C0RANDOM")
    assert all(root.deleted for root in talking.roots())


async def test_a_long_answer_is_not_cut(talking: Stage) -> None:
    words = " ".join(f"word{number}" for number in range(3_000))
    await talking.sendblue.customer_says(CUSTOMER, words)
    await until(lambda: any("word2999" in text for text in answers(talking)))
    shown = " ".join(text.partition(": ")[2].strip() for text in answers(talking))
    assert shown.split() == words.split()


@pytest.mark.parametrize("number", ["4155552671", "(415) 555-2671", CUSTOMER])
async def test_a_number_is_known_however_it_is_written(talking: Stage, number: str) -> None:
    body = {"message_handle": f"h{number}", "is_outbound": False, "from_number": number, "to_number": LINE}
    signed = {"sb-signing-secret": SECRET}
    answer = await talking.callback(body | {"content": "Hi", "sendblue_number": None}, path=DOOR, headers=signed)
    assert answer.status_code == 200
    await until(lambda: answers(talking) == ["+1 ••• 2671: Hi"])


async def test_a_picture_is_a_line_with_its_name(talking: Stage) -> None:
    url = f"{talking.sendblue.base_url}/inbound/1/IMG_0042.heic?token=1"
    await talking.sendblue.customer_says(CUSTOMER, "Look", media_url=url)
    await until(lambda: any("📎 Photo (IMG_0042.heic)" in reply for reply in talking.replies()))
    assert "token" not in "".join(talking.replies())


async def test_a_picture_alone_is_shown_and_forgotten_like_any_words(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "", media_url=f"{talking.sendblue.base_url}/inbound/1/cat.jpg")
    await until(lambda: answers(talking) == ["+1 ••• 2671: 📎 Photo (cat.jpg)"])


async def test_a_group_has_a_thread_of_its_own(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "All here?", group_id="g-1", participants=[CUSTOMER, LINE])
    await until(lambda: talking.roots("C0RANDOM"))
    assert "A group wrote to" in talking.root("C0RANDOM").text
    assert "+1 ••• 2671: All here?" in talking.shown("C0RANDOM")
    assert not answers(talking)


@pytest.mark.parametrize("who", ["72345", "AMAZON"])
async def test_who_writes_from_a_short_code_or_under_a_name_is_shown_and_can_stop(talking: Stage, who: str) -> None:
    """But nobody can text them: no command takes such a recipient."""
    signed, body = {"sb-signing-secret": SECRET}, {"is_outbound": False, "from_number": who, "sendblue_number": LINE}
    for words in ("Your code is 123", "STOP", "START"):
        said = body | {"message_handle": f"h-{words}", "content": words}
        assert (await talking.callback(said, path=DOOR, headers=signed)).status_code == 200
    await until(lambda: any("Opted in again" in reply for reply in talking.replies("C0RANDOM")))
    assert f"{who} wrote to +1 ••• 0900: Your code is 123" in talking.root("C0RANDOM").text
    told = "\n".join(talking.replies("C0RANDOM"))
    assert told.index(f"{who}: STOP") < told.index(f"{who}: START")
    assert "Opted out" in told
    assert "Got it" not in (await talking.text("Hello", to=who)).text
    assert not any(bubble.content == "Hello" for bubble in talking.bubbles())


async def test_a_file_without_a_readable_address_holds_up_no_words(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "Look", media_url="https://[broken/cat.jpg")
    await until(lambda: answers(talking) == ["+1 ••• 2671: Look"])


async def test_after_stop_nothing_is_sent_and_the_command_is_refused(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "Stop.")
    await until(lambda: any("Opted out" in reply for reply in talking.replies()))
    sent = len(talking.bubbles())
    answer = await talking.text("One more thing")
    assert "opted out" in answer.text
    other = await talking.slack.type(f"/imessage --from {OTHER_LINE} {CUSTOMER} From another line")
    assert "opted out" in other.text
    await asyncio.sleep(0.3)
    assert len(talking.bubbles()) == sent


async def test_start_lifts_a_stop(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "STOP")
    await until(lambda: any("Opted out" in reply for reply in talking.replies()))
    await talking.sendblue.customer_says(CUSTOMER, "Yes")
    await until(lambda: any("Opted in again" in reply for reply in talking.replies()))
    assert "opted out" not in (await talking.text("Welcome back")).text


async def test_yes_is_an_answer_like_any_other_of_somebody_who_has_not_opted_out(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "Yes")
    await until(lambda: answers(talking))
    assert not any("Opted" in reply for reply in talking.replies())


async def test_what_waits_is_cancelled_by_a_stop(talking: Stage) -> None:
    talking.sendblue.faults.rate_limited = True
    await talking.text("Are you coming?")
    await until(lambda: any("Are you coming?" in text for text in talking.texts()))
    await talking.sendblue.customer_says(CUSTOMER, "STOP")
    talking.sendblue.faults.rate_limited = False
    await until(lambda: any("has opted out" in reply for reply in talking.replies()))
    assert not any(bubble.content == "Are you coming?" for bubble in talking.bubbles())


async def click(stage: Stage, label: str) -> None:
    """Click the button with this label in the thread."""
    for root in stage.roots():
        for reply in stage.slack.replies("C0GENERAL", root.ts):
            for block in reply.blocks:
                for element in block.get("elements", []):
                    if element.get("type") == "button" and element["text"]["text"].startswith(label):
                        await stage.slack.click("C0GENERAL", reply.ts, element["action_id"], element["value"])
                        return
    raise AssertionError(f"no button {label}")


async def test_a_stop_is_undone_by_somebody_who_says_that_they_asked_to_continue(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "STOP")
    await until(lambda: any("Opted out" in reply for reply in talking.replies()))
    await click(talking, "Undo")
    await until(lambda: any("they asked to continue" in reply for reply in talking.replies()))
    await click(talking, "Undo")
    assert "opted out" not in (await talking.text("Welcome back")).text
    await until(lambda: any(bubble.content == "Welcome back" for bubble in talking.bubbles()))
    assert sum("they asked to continue" in reply for reply in talking.replies()) == 1


async def test_what_may_mean_stop_is_for_people_to_decide(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "Please stop texting me!")
    await until(lambda: any("Please decide" in reply for reply in talking.replies()))
    assert "opted out" not in (await talking.text("Sorry")).text
    await click(talking, "Opt out this person")
    await until(lambda: any("opted this number out" in reply for reply in talking.replies()))
    assert "opted out" in (await talking.text("Are you sure?")).text


async def test_a_refusal_by_sendblue_opts_out_here_too(talking: Stage) -> None:
    talking.sendblue.faults.opted_out = True
    await talking.text("Are you coming?")
    await until(lambda: any("has opted out" in reply for reply in talking.replies()))
    talking.sendblue.faults.opted_out = False
    assert "opted out" in (await talking.text("Hello?")).text


async def test_an_edit_is_said_once_and_only_if_the_words_differ(talking: Stage) -> None:
    signed = {"sb-signing-secret": SECRET}
    body = {"message_handle": "h-1", "is_outbound": False, "from_number": CUSTOMER, "sendblue_number": LINE}
    for words in ("Eight works", "Eight  works ", "", "Nine works", "Nine works", "Eight works"):
        assert (await talking.callback(body | {"content": words}, path=DOOR, headers=signed)).status_code == 200
    await until(lambda: len(answers(talking)) == 2)
    await asyncio.sleep(0.3)
    assert answers(talking) == ["+1 ••• 2671: Eight works", "+1 ••• 2671: edited: Nine works"]


async def test_a_button_counts_once_even_after_another_stop(talking: Stage) -> None:
    for count in (1, 2):
        await talking.sendblue.customer_says(CUSTOMER, "STOP")
        await until(lambda count=count: sum("Opted out" in reply for reply in talking.replies()) == count)
        await click(talking, "Undo")  # the second time it is the first one's button
        await until(lambda: any("they asked to continue" in reply for reply in talking.replies()))
    assert "opted out" in (await talking.text("Two")).text


async def test_what_somebody_decided_is_not_lost_with_its_place(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "Please stop texting me")
    await until(lambda: any("Please decide" in reply for reply in talking.replies()))
    talking.slack.kick("C0GENERAL")
    talking.slack.faults.errors = {"conversations.join": "is_archived", "chat.postMessage": "is_archived"}
    await click(talking, "Keep texting")
    await asyncio.sleep(1)
    talking.slack.faults.errors = {}
    await talking.sendblue.customer_says(CUSTOMER, "Hello again")
    await until(lambda: talking.roots("C0RANDOM"))
    assert "Hello again" in talking.shown("C0RANDOM")


@pytest.mark.parametrize("sender", ["+1@example.com", "+foo@example.com", "Ana@Example.com"])
async def test_any_address_can_write(talking: Stage, sender: str) -> None:
    body = {"message_handle": "h1", "is_outbound": False, "from_number": sender, "sendblue_number": LINE}
    signed = {"sb-signing-secret": SECRET}
    answer = await talking.callback(body | {"content": "Hi"}, path=DOOR, headers=signed)
    assert answer.status_code == 200
    await until(lambda: talking.roots("C0RANDOM"))
    assert "•••@example.com wrote to" in talking.root("C0RANDOM").text


async def test_what_an_older_version_left_unshown_is_shown(talking: Stage) -> None:
    """It took the thread, knew nothing of messages to show, and found nothing more to do there."""
    await talking.stop()
    database = open_database(talking.settings.database_url)
    said = Inbound("h-old", LINE, CUSTOMER, "Nine works", (), datetime.now(UTC))
    database.write(lambda tx: take_many(tx, [Arrival(said, "")]))
    database.write(doing("UPDATE threads SET due_at = NULL"))
    database.close()
    talking.sendblue.faults.down = True  # so that nothing else wakes the thread
    await talking.restart()
    await until(lambda: any("Nine works" in line for line in answers(talking)))


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("cap", [0, 2])
async def test_a_list_is_shown_in_order_also_where_it_begins_with_the_newest(
    talking: Stage, cap: int, newest_first: bool
) -> None:
    words = [f"Word {number}" for number in range(1, 7)]
    await talking.stop()
    for word in words:
        await talking.sendblue.customer_says(CUSTOMER, word)
        await asyncio.sleep(0.005)  # its times have milliseconds
    talking.sendblue.faults.patch({"list_newest_first": newest_first, "list_cap": cap})
    await talking.restart()
    await until(lambda: len(answers(talking)) == len(words), within=20)
    assert answers(talking) == [f"+1 ••• 2671: {word}" for word in words]


async def test_nobody_who_may_not_text_learns_that_a_customer_has_opted_out(talking: Stage) -> None:
    await talking.sendblue.customer_says(CUSTOMER, "STOP")
    await until(lambda: any("Opted out" in reply for reply in talking.replies()))
    assert "has opted out" in (await talking.text()).text
    assert "guests may not" in (await talking.text(user="U0GUEST")).text
