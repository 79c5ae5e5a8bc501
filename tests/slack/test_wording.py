"""What people read in Slack: true, complete in words alone, and harmless whatever came from outside."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.delivery import Delivery, News, Service
from bot.domain.rules import Replies
from bot.domain.send import Send
from bot.domain.thread import Thread
from bot.errors import UsageError
from bot.sendblue.wire import STYLES
from bot.slack import answers, wording
from bot.slack.notifier import NAME
from bot.slack.wording import Post
from tests.making import a_send, a_thread, changed

T0 = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)
NUMBER, LINE = "+14155552671", "+15550100900"
M = a_send(UUID(int=1), UUID(int=2), NUMBER, LINE, "Table at eight?", T0, T0)
EVIL = ["<!channel>", "<!here>", "<@U666>", "<!subteam^S1>", "<http://evil.example|bank.example>", "<#C1|x>", "&lt;"]


def thread(*sends: Send, **state: Any) -> Thread:
    return a_thread(*(sends or (M,)), **state)


def root(*sends: Send, **state: Any) -> Post:
    return wording.root(thread(*sends, **state), watched_for=DAY)


def reply(*sends: Send) -> Post:
    """The reply that tells all that is to be told."""
    telling = [changed(send, under_way=send.news) for send in sends]
    return wording.reply(thread(*telling), watched_for=DAY)


def stands(delivery: Delivery, service: Service = Service.IMESSAGE, **facts: Any) -> Send:
    return changed(M, delivery=delivery, service=service, **facts)


# -- the sentences


@pytest.mark.parametrize(
    ("send", "words"),
    [
        (stands(Delivery.ACCEPTED, Service.UNKNOWN), "Sending"),
        (stands(Delivery.SENDING, Service.UNKNOWN), "Sending"),
        (stands(Delivery.QUEUED, Service.UNKNOWN), "Sending"),
        (stands(Delivery.UNCERTAIN), "Not known yet whether it went out"),
        (stands(Delivery.SENT, Service.UNKNOWN), "Sent, "),
        (stands(Delivery.SENT), "Sent as iMessage"),
        (stands(Delivery.SENT), "Waiting for the phone to confirm"),
        (stands(Delivery.SENT, Service.RCS), "Sent as RCS"),
        (stands(Delivery.SENT, Service.SMS), "Sent as a text message (SMS)"),
        (stands(Delivery.SENT, picture_lost=True), "Sent as iMessage without the picture"),
        (stands(Delivery.DELIVERED), "Delivered as iMessage"),
        (stands(Delivery.DELIVERED, Service.RCS), "Delivered as RCS"),
        (stands(Delivery.DELIVERED, picture_lost=True), "Delivered as iMessage without the picture"),
        (stands(Delivery.DELIVERED, picture_lost=True, media_url="https://a.b/m.PNG?x=.pdf"), "without the picture"),
        (stands(Delivery.DELIVERED, picture_lost=True, media_url="https://a.b/m.pdf"), "iMessage without the file"),
        (stands(Delivery.READ), "Read as iMessage"),
        (stands(Delivery.FAILED, error_code="402"), "Not sent"),
        (stands(Delivery.FAILED, error_code="402"), "the customer has opted out"),
        (stands(Delivery.FAILED, error_code="402", handle="h"), "Failed"),
        (stands(Delivery.SENT, unconfirmed=True), "Sent as iMessage, not confirmed, no more news for 24 hours"),
        (stands(Delivery.QUEUED, unconfirmed=True), "Taken by Sendblue, not sent, no more news for 24 hours"),
        (stands(Delivery.UNCERTAIN, unconfirmed=True), "Not known whether it went out"),
        (stands(Delivery.UNCERTAIN, decision="leave", decided_by="U2"), "<@U2> left it as it is, Nov 20, 18:04 UTC"),
        (stands(Delivery.DELIVERED, unconfirmed=True), "Delivered as iMessage"),
        (stands(Delivery.SENT, Service.SMS, unconfirmed=True), "Sent as a text message (SMS)"),
    ],
)
def test_the_root_says_how_it_stands(send, words):
    assert words in heard(root(send).text)


def test_the_last_word_on_an_sms_does_not_promise_more():
    assert "confirm" not in root(stands(Delivery.SENT, Service.SMS)).text


@pytest.mark.parametrize(
    ("send", "words"),
    [
        (stands(Delivery.SENT), "Sent as iMessage, Nov 20, 18:04 UTC. Waiting for the phone to confirm."),
        (stands(Delivery.SENT, Service.UNKNOWN), "Sent, Nov 20, 18:04 UTC. Waiting for the phone to confirm."),
        (
            stands(Delivery.SENT, Service.SMS),
            (
                "Sent as a text message (SMS), Nov 20, 18:04 UTC. "
                "SMS gives no further confirmation, so this is the last news."
            ),
        ),
        (stands(Delivery.SENT, Service.SMS, told=News.SENT), "Sent as a text message (SMS) instead, "),
        (stands(Delivery.SENT, told=News.UNCERTAIN), "Sent after all as iMessage, "),
        (stands(Delivery.DELIVERED), "Delivered as iMessage, Nov 20, 18:04 UTC"),
        (stands(Delivery.DELIVERED, told=News.SENT), "Delivered as iMessage, "),
        (stands(Delivery.DELIVERED, told=News.FAILED), "Delivered after all as iMessage, "),
        (stands(Delivery.DELIVERED, told=News.UNCONFIRMED), "Delivered after all as iMessage, "),
        (stands(Delivery.DELIVERED, picture_lost=True), "Delivered as iMessage without the picture, "),
        (stands(Delivery.READ, told=News.DELIVERED), "Read as iMessage, "),
        (
            stands(Delivery.FAILED, error_code="OPTED_OUT"),
            "Not sent, Nov 20, 18:04 UTC: the customer has opted out. They must text START to us",
        ),
        (
            stands(Delivery.FAILED, handle="h", error_code="77", error_text="no luck"),
            "Failed, Nov 20, 18:04 UTC: Sendblue says “no luck” (code 77).",
        ),
        (stands(Delivery.UNCERTAIN, error_code="timeout"), "Sendblue did not answer in time. I won't send it again"),
        (stands(Delivery.UNCERTAIN, error_code="connection_lost"), "the connection to Sendblue broke off. I won't"),
        (stands(Delivery.UNCERTAIN, error_code="interrupted"), "I was restarted in the middle of sending. I won't"),
        (stands(Delivery.UNCERTAIN, error_code="http_502"), "Sendblue gave no clear answer. I won't send it again"),
        (stands(Delivery.QUEUED, told=News.UNCERTAIN), "Sendblue has it after all"),
        (stands(Delivery.SENT, unconfirmed=True, told=News.SENT), "No delivery confirmation after 24 hours"),
        (stands(Delivery.SENT, unconfirmed=True), "It was sent as iMessage"),
        (stands(Delivery.QUEUED, unconfirmed=True), "Sendblue took it and never said that it was sent"),
        (stands(Delivery.UNCERTAIN, unconfirmed=True), "After 24 hours it is still not known whether this went out"),
        (stands(Delivery.SENT, told=News.SENT, picture_lost=True), "without the picture"),
        (stands(Delivery.UNCERTAIN, asked=True, told=News.UNCERTAIN), "I still can't find out whether this went out"),
        (stands(Delivery.UNCERTAIN, decision="resend", decided_by="U2"), "<@U2> sent it again, Nov 20, 18:04 UTC"),
        (stands(Delivery.FAILED, told=News.FAILED, decision="leave", decided_by="U2"), "<@U2> left it as it is"),
        (stands(Delivery.SENT, decision="resend", decided_by="U2"), "The first try went out too as iMessage"),
        (stands(Delivery.DELIVERED, try_number=2), "Second try: ✅ Delivered as iMessage"),
        (stands(Delivery.DELIVERED, try_number=3), "Try 3: ✅ Delivered as iMessage"),
        (
            stands(Delivery.SENT, try_number=2, decision="resend", decided_by="U2"),
            "Second try: ⚠️ It went out too as iMessage, so the customer has it twice.",
        ),
    ],
)
def test_a_reply_tells_the_news_in_a_sentence(send, words):
    assert words in heard(reply(send).text)


def test_a_newer_milestone_speaks_for_the_older_ones():
    said = heard(reply(stands(Delivery.READ)).text)
    assert "Read" in said
    assert not re.search("Sent|Delivered", said)


@pytest.mark.parametrize(
    ("send", "buttons"),
    [
        (stands(Delivery.UNCERTAIN, asked=True), ["Send again", "Leave it"]),
        (stands(Delivery.UNCERTAIN), []),
        (stands(Delivery.UNCERTAIN, asked=True, decision="leave"), []),
        (stands(Delivery.FAILED, error_code="4001"), ["Try again"]),
        (stands(Delivery.FAILED, error_code="4001", part=2, parts=3), ["Try part 2 again"]),
        (stands(Delivery.FAILED, error_code="4001", handle="h"), []),
        (stands(Delivery.FAILED, error_code="402"), []),
        (stands(Delivery.FAILED, error_code="5000"), []),
        (stands(Delivery.DELIVERED, asked=True), []),
    ],
)
def test_a_button_stands_only_where_sending_again_may_be_right(send, buttons):
    actions = [block for block in reply(send).blocks if block["type"] == "actions"]
    assert [button["text"]["text"] for block in actions for button in block["elements"]] == buttons
    assert all("twice" in button["confirm"]["text"]["text"] for block in actions for button in block["elements"][:-1])


def test_a_text_that_went_out_twice_is_said_to_once():
    send = stands(Delivery.SENT, decision="resend", decided_by="U2")
    later = changed(send, delivery=Delivery.DELIVERED, told=send.news)
    assert reply(send).text != reply(later).text


def test_a_first_try_that_is_only_queued_is_not_in_the_customer_s_hands():
    send = stands(Delivery.QUEUED, told=News.UNCERTAIN | News.DECIDED, decision="resend", decided_by="U2")
    assert "the customer has it twice" not in reply(send).text


def test_doubt_is_never_called_failure_and_promises_not_to_send_twice():
    said = heard(reply(stands(Delivery.UNCERTAIN, error_code="timeout")).text)
    assert "We don't know yet whether this went out" in said
    assert "won't send it again" in said
    assert not re.search("failed|not sent", said, re.IGNORECASE)


def test_each_part_of_a_long_text_is_named():
    parts = [changed(M, part=n, parts=3, delivery=d) for n, d in ((1, Delivery.DELIVERED), (2, Delivery.SENT))]
    parts.append(changed(M, part=3, parts=3, delivery=Delivery.FAILED, error_code="earlier_part_failed"))
    for post in (root(*parts), reply(*parts)):
        lines = heard(post.text).splitlines()
        assert [re.search(r"Part \d of 3", line)[0] for line in lines] == [f"Part {n} of 3" for n in (1, 2, 3)]
        assert "Delivered" in lines[0]
        assert "Sent" in lines[1]
        assert "an earlier part of this text was not sent" in lines[2]


def test_a_fallback_without_its_picture_reads_well():
    said = heard(reply(stands(Delivery.SENT, Service.SMS, told=News.SENT, picture_lost=True)).text)
    assert "as a text message (SMS) instead" in said
    assert "without the picture" in said
    lost = stands(Delivery.DELIVERED, told=News.DELIVERED, picture_lost=True, media_url="https://a.b/menu.pdf")
    assert "The text was sent without the file" in heard(reply(lost).text)


def test_a_lost_picture_is_not_called_gone_out_before_the_text_is():
    assert "went out" not in heard(reply(stands(Delivery.QUEUED, picture_lost=True)).text)


def test_news_after_the_watch_ended_is_not_contradicted_by_the_root():
    send = stands(Delivery.SENT, unconfirmed=True, told=News.UNCONFIRMED)
    assert "Sent after all as iMessage" in heard(reply(send).text)
    assert "no more news for 24 hours" not in heard(root(send).text)


def test_after_the_watch_ended_nobody_claims_to_be_waiting():
    send = stands(Delivery.SENT, unconfirmed=True, told=News.UNCONFIRMED)
    assert "Waiting" not in heard(reply(send).text)


# -- the root


def test_the_root_says_who_texts_whom_and_what():
    post = root(M)
    assert heard(post.text).startswith("Text from <@U1> to +1 ••• 2671: “Table at eight?”")
    assert "<@U1> to +1 ••• 2671" in post.blocks[0]["text"]["text"]
    assert quoted(post) == "Table at eight?"


def test_the_whole_number_is_not_shown_to_the_channel():
    for post in (root(M), reply(stands(Delivery.SENT)), reply(stands(Delivery.FAILED, error_code="4000"))):
        assert "415555" not in re.sub(r"\D", "", str(post))


@pytest.mark.parametrize("spelled", [NUMBER, "+1 415-555-2671", "(415) 555-2671"])
def test_the_vendor_does_not_give_the_number_away_either(spelled):
    send = stands(Delivery.FAILED, error_code="77", error_text=f"{spelled} is no mobile")
    assert "415555" not in re.sub(r"\D", "", str(root(send)) + str(reply(send)))


def test_style_picture_and_a_changed_place_are_said():
    said = root(changed(M, style="confetti", media_url="https://example.com/menu.png"), channel="D1").text
    assert "Style: confetti" in said
    assert "Picture: https://example.com/menu.png" in said
    assert "Reported here because I can't post where you asked" in said


def test_a_picture_without_a_text_is_announced_as_one():
    post = root(changed(M, text="", media_url="https://example.com/menu.png"))
    assert post.text.startswith("Picture from <@U1> to +1 ••• 2671")
    assert quoted(post) == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("http_429", "🕓 *Not sent yet*: Sendblue is busy, trying again at <!date^"),
        ("4001", "🕓 *Not sent yet*: Sendblue is busy, trying again at <!date^"),
        ("no_connection", "🕓 *Not sent yet*: I can't reach Sendblue, trying again at <!date^"),
        (
            "proxy_refused",
            "🕓 *Not sent yet*: the proxy on the way to Sendblue refuses the connection, trying again at <!date^",
        ),
        ("line_busy", "🕓 *Not sent yet*: Sendblue is busy, and other texts go first."),
    ],
)
def test_a_text_that_waits_says_why_and_until_when(code, said):
    waiting = changed(M, delivery=Delivery.ACCEPTED, error_code=code, lease_until=T0 + timedelta(seconds=60))
    assert said in root(waiting).text
    if code != "line_busy":
        assert "^{time}|18:05 UTC>." in root(waiting).text


def test_all_parts_of_a_text_are_quoted_as_one():
    parts = [changed(M, text=text, part=n, parts=2) for n, text in ((1, "Table "), (2, "at eight?"))]
    assert quoted(root(*parts)) == "Table at eight?"


def test_times_are_in_the_reader_s_own_zone():
    for post in (root(stands(Delivery.DELIVERED)), reply(stands(Delivery.DELIVERED))):
        assert f"<!date^{int(T0.timestamp())}^{{date_short_pretty}} at {{time}}|Nov 20, 18:04 UTC>" in post.text


# -- private answers


def test_the_promise_names_the_number_and_the_parts():
    said = "Got it: your text to +1 415-555-2671 is stored. I'll tell you what happens to it."
    assert answers.accepted(NUMBER, 1) == said
    assert "is stored. It is long, so it is cut into 3 parts. I'll" in answers.accepted(NUMBER, 3)


def test_the_promise_claims_nothing_that_may_not_come_true():
    """A text may still be refused: a guest's, one from a channel without the bot."""
    said = answers.accepted(NUMBER, 2)
    assert not re.search(r"I'm texting|goes out|thread|sent|sending", said)


def test_help_names_every_option_line_and_style():
    said = answers.help_text([LINE, "+15550100901"], STYLES)
    for word in ("/imessage status", "--media", "--from", "--style", LINE, "+15550100901", *STYLES):
        assert word in said


def test_help_says_how_to_answer_in_a_thread_and_which_rules_there_are():
    said = answers.help_text([LINE], STYLES)
    assert "in plain words" in said
    rules = "|".join(Replies)
    for word in ("`!`", f"`@{NAME}`", f"`/imessage replies {rules}`", "`/imessage replies`"):
        assert word in said


def test_a_refusal_begins_with_not_sent():
    assert answers.usage(UsageError("there is no text.")) == "Not sent: there is no text."
    assert answers.NOT_STORED.startswith("Not sent: ")
    assert "again" in answers.NOT_STORED


def test_the_last_messages_are_listed_with_their_state():
    sends = [stands(Delivery.DELIVERED), changed(M, text="", media_url="https://example.com/a.png")]
    said = heard(answers.status(sends, watched_for=DAY, recipient=None))
    assert "+1 415-555-2671: “Table at eight?”" in said
    assert "Delivered as iMessage" in said
    assert "a file" in said
    assert "Sending" in said


def test_what_is_no_longer_kept_is_said_to_be_so():
    forgotten = stands(Delivery.DELIVERED, text="", recipient="")
    said = answers.status([forgotten], watched_for=DAY, recipient=None)
    assert "a customer: text deleted" in said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("not_allowed", "Nothing was done: you are not on the list of people who may text customers."),
        ("stranger", "Nothing was done: people from outside this workspace"),
        ("no_answer", "I could not check whether you may do this, so nothing was done. Please click again."),
    ],
)
def test_a_click_that_is_not_permitted_is_explained(code, said):
    assert said in answers.not_permitted(code)


@pytest.mark.parametrize(
    ("send", "said"),
    [
        (None, "I don't know this message any more"),
        (stands(Delivery.UNCERTAIN, decision="resend", decided_by="U2"), "<@U2> has already sent it again"),
        (stands(Delivery.UNCERTAIN, decision="leave", decided_by="U2"), "<@U2> has already left it as it is"),
        (stands(Delivery.DELIVERED), "There is nothing to decide any more"),
    ],
)
def test_a_click_in_vain_is_explained(send, said):
    assert said in answers.in_vain(send)


@pytest.mark.parametrize(("recipient", "whom"), [(None, "anything yet"), (NUMBER, "anything to +1 415-555-2671 yet")])
def test_who_sent_nothing_is_told_how(recipient, whom):
    said = answers.status([], watched_for=DAY, recipient=recipient)
    assert whom in said
    assert "/imessage help" in said


@pytest.mark.parametrize(
    ("state", "says", "words"),
    [
        (thread(channel="U1"), "moved", "I report on your text in our direct messages"),
        (
            thread(stands(Delivery.FAILED, error_code="not_in_channel")),
            "closed",
            "Not sent: I'm not in this channel. Run `/invite @bluethread`, then send again.",
        ),
        (
            thread(stands(Delivery.DELIVERED, handle="h")),
            "closed",
            "I can no longer post about your text to +1 415-555-2671. Last known status: ✅ Delivered as iMessage",
        ),
        (
            thread(stands(Delivery.FAILED, handle="h", error_code="402")),
            "closed",
            "Last known status: ❌ Failed, Nov 20, 18:04 UTC: the customer has opted out.",
        ),
    ],
)
def test_what_cannot_be_said_in_the_thread_is_said_privately(state, says, words):
    assert words in heard(answers.private_note(state, says, watched_for=DAY))


# -- any state, any text

outside = st.lists(
    st.sampled_from([*EVIL, "&", "<", ">", "*", "_", "`", "“", "\n", ":wave:", "@channel", "https://evil.example "])
    | st.text(max_size=8),
    max_size=12,
).map("".join)
long_outside = st.builds(lambda piece, n: (piece * n)[:20_000], outside, st.integers(1, 2_000))
texts = outside | long_outside
news = st.integers(0, sum(News)).map(News)


def sends_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Send]:
    return st.builds(
        changed,
        st.just(M),
        text=texts,
        recipient=st.sampled_from([NUMBER, ""]),  # "": no longer kept
        delivery=st.sampled_from(Delivery),
        service=st.sampled_from(Service),
        picture_lost=st.booleans(),
        unconfirmed=st.booleans(),
        handle=st.sampled_from([None, "h"]),
        error_code=st.sampled_from(["", "402", "5504", "timeout", "restricted_action_x", *EVIL]) | outside,
        error_text=texts.map(lambda text: text[:500]),
        style=st.sampled_from([None, *STYLES]),
        media_url=st.none() | outside.map("https://x.example/{}.png".format),
        told=news,
        asked=st.booleans(),
        decision=st.sampled_from(["", "resend", "leave"]),
        decided_by=st.just("U2"),
        try_number=st.integers(1, 3),
    )


def threads_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Thread]:
    def numbered(sends: list[Send], channel: str) -> Thread:
        parts = [
            changed(send, part=at, parts=len(sends), under_way=send.news or News.PICTURE_LOST)
            for at, send in enumerate(sends, start=1)
        ]
        return thread(*parts, channel=channel)

    several = st.lists(sends_of(texts), min_size=1, max_size=3)
    return st.builds(numbered, several, st.sampled_from(["C1", "D1"]))


OURS = re.compile(r"<@U[12]>|<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[A-Z][a-z]{2} \d\d?, \d\d:\d\d UTC>")
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")


def heard(text: str) -> str:
    """What a screen reader says: dates as in their fallback, no bold, a pause for a dot."""
    return re.sub(r"<!date[^|]*\|([^>]*)>", r"\1", text).replace("*", "").replace(" · ", ", ")


def quoted(post: Post) -> str:
    """What the root's quotation shows."""
    return "".join(
        leaf["text"]
        for block in post.blocks
        if block["type"] == "rich_text"
        for element in block["elements"]
        for leaf in element["elements"]
    )


def formatted(post: Post) -> list[str]:
    """All that Slack formats: the text and every mrkdwn object. Nothing else may hold markup."""
    found = [post.text]
    for block in post.blocks:
        objects = [block["text"]] if block["type"] == "section" else block.get("elements", [])
        if block["type"] == "actions":
            assert all(button["text"]["type"] == "plain_text" for button in objects)
            continue
        if block["type"] == "rich_text":
            [quote] = objects
            assert quote["type"] == "rich_text_quote"
            assert [leaf["type"] for leaf in quote["elements"]] == ["text"]
            continue
        for mrkdwn in objects:
            assert mrkdwn["type"] == "mrkdwn"
            assert mrkdwn["verbatim"] is True
            found.append(mrkdwn["text"])
    return found


def harmless(text: str) -> bool:
    """Whether nothing from outside can ping or pose as a link."""
    return not re.search("[<>]", OURS.sub("", text))


def fits(post: Post) -> bool:
    """Slack's limits, as its reference has them."""
    assert len(post.blocks) <= 50
    assert len(json.dumps(post.blocks, ensure_ascii=False)) <= 13_200
    for block in post.blocks:
        if block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= 3_000
        if block["type"] == "actions":
            assert 1 <= len(block["elements"]) <= 25
            assert all(len(button["text"]["text"]) <= 75 for button in block["elements"])
        if block["type"] == "context":
            assert 1 <= len(block["elements"]) <= 10
            assert all(1 <= len(element["text"]) <= 3_000 for element in block["elements"])
    return 0 < len(post.text) <= 40_000


STATES = {
    Delivery.UNCERTAIN: "Not known",
    Delivery.SENT: "Sent",
    Delivery.FAILED: "Failed|Not sent",
    Delivery.DELIVERED: "Delivered",
    Delivery.READ: "Read",
}
EARLY = "Sending|Not sent yet|Taken by Sendblue"


@settings(deadline=None)
@given(state=threads_of(outside))
def test_nothing_from_outside_pings_or_poses_as_a_link(state):
    posts = [wording.root(state, watched_for=DAY), wording.reply(state, watched_for=DAY)]
    for post in posts:
        assert all(harmless(text) for text in formatted(post))
    assert all(harmless(answers.private_note(state, says, watched_for=DAY)) for says in ("moved", "closed"))
    assert harmless(answers.status(state.sends, watched_for=DAY, recipient=NUMBER))


@settings(deadline=None)
@given(state=threads_of(texts))
def test_any_post_fits_into_slack(state):
    opened, told = wording.root(state, watched_for=DAY), wording.reply(state, watched_for=DAY)
    assert fits(opened)
    assert len(opened.text) <= 4_000  # the most that chat.update takes
    assert fits(told)
    assert not any(re.search(r"<[!@#]?(channel|here|U666|C1|subteam|http)", text) for text in formatted(opened))


@settings(deadline=None)
@given(send=sends_of(outside.map(lambda text: text[:200])))
def test_the_text_alone_says_the_state(send):
    said = heard(root(changed(send, error_text=send.known.error_text[:200])).text)
    assert re.search(STATES.get(send.known.delivery, EARLY), said)


@settings(deadline=None)
@given(send=sends_of(outside))
def test_the_text_says_all_that_the_blocks_say(send):
    post = root(send)
    context = post.blocks[-1]["elements"]
    assert all(element["text"] in post.text for element in context)


@pytest.mark.parametrize("piece", ["&", "<", "a", "😀"])
@pytest.mark.parametrize("length", [500, 2_000, 40_000])
def test_a_very_long_text_leaves_room_for_its_state(piece, length):
    send = stands(Delivery.FAILED, text=piece * length, error_code="77", error_text="no luck")
    assert "Sendblue says “no luck” (code 77)." in root(send).text


def test_nothing_is_cut_in_the_middle_of_a_sign():
    parts = [stands(Delivery.FAILED, error_code="77", error_text="&" * 500, part=n, parts=2) for n in (1, 2)]
    for post in (root(*parts), reply(*parts)):
        assert not any(ENTITY.search(text) for text in formatted(post))


def test_the_state_of_every_part_of_the_longest_text_is_told():
    """40,000 ampersands, each escaped, with all that a root can hold besides."""
    rest = {"text": "&" * 13_000, "delivery": Delivery.FAILED, "parts": 3, "style": "celebration"}
    picture = f"https://example.com/{'a' * 180}.png"
    failed = changed(M, part=1, handle="h", error_code="77", error_text="x" * 300, media_url=picture, **rest)
    held = [changed(M, part=n, error_code="earlier_part_failed", **rest) for n in (2, 3)]
    post = root(failed, *held, channel="D1")
    for said in (post.text, str(post.blocks)):
        assert "Part 1 of 3: ❌ *Failed*" in said
        assert "Part 3 of 3: ❌ *Not sent*" in said
