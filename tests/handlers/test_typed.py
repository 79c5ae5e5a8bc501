"""What a person typed in a thread, as the customer's phone shows it."""

import pytest

from bot.domain.reply import Reply
from bot.slack.markup import mentioned, named
from handlers.typed import read_event
from tests.handlers.slack_messages import US, blocks, emoji, link, listed, part, said, section, text, told, user

NAMES = {"U0BEN": "@Ben", "C0X": "#general", "S0KITCHEN": "@kitchen"}


def phone(reply):
    """Return what the customer reads, once all names are known."""
    return named(reply.text, NAMES) if reply.drafted else reply.text


def composed(*parts):
    return read_event(told(said(text="something else", blocks=blocks(*parts))))


def marked(words):
    return read_event(told(said(text=words)))


def test_a_reply_is_read_whole():
    words = section("Hi ", user("U0BEN"), " see ", link("https://a.example", "menu"), " ", emoji("wave", skin_tone=3))
    assert composed(words) == Reply(
        key="reply:T0TEAM:U0ANA:0f6c-11",
        team="T0TEAM",
        channel="C0EXAMPLE",
        thread_ts="1763990000.000100",
        ts="1764000000.000200",
        author="U0ANA",
        text="Hi <@U0BEN> see menu (https://a.example) 👋🏼",
        drafted=True,
        to_us=False,
        names_others=True,
    )


@pytest.mark.parametrize(
    ("elements", "shown"),
    [
        (["fish & chips, 1 < 2"], "fish & chips, 1 < 2"),
        (["&amp; <@U0BEN> &lt;!here&gt;"], "&amp; <@U0BEN> &lt;!here&gt;"),
        ([text("bold", bold=True), text(" and ", italic=True), text("gone", strike=True)], "bold and gone"),
        (["*not bold* and _not italic_"], "*not bold* and _not italic_"),
        (["  two\nlines  "], "two\nlines"),
        (["at 10:30:20"], "at 10:30:20"),
        (["see :wave:"], "see 👋"),
        ([text(":wave: <@U0BEN>", code=True)], ":wave: <@U0BEN>"),
        ([link("https://a.example")], "https://a.example"),
        ([link("http://a.example", "a.example")], "a.example"),
        ([link("https://a.example/x", "our menu")], "our menu (https://a.example/x)"),
        ([link("https://evil.example", "bank.example")], "bank.example (https://evil.example)"),
        ([link("https://a.example/:b:/x?y=1&z=2")], "https://a.example/:b:/x?y=1&z=2"),
        ([link("mailto:ana@a.example", "ana@a.example")], "ana@a.example"),
        ([link("mailto:ana@a.example")], "ana@a.example"),
        ([link("tel:+14155552671", "(415) 555-2671")], "(415) 555-2671"),
        ([user("U0BEN"), " and ", user("U0CARL")], "@Ben and @somebody"),
        ([{"type": "channel", "channel_id": "C0X"}, {"type": "channel", "channel_id": "G0Y"}], "#general#a channel"),
        ([{"type": "usergroup", "usergroup_id": "S0KITCHEN"}], "@kitchen"),
        ([{"type": "usergroup", "usergroup_id": "S0OTHER"}], "@a group"),
        ([{"type": "broadcast", "range": "here"}], "@here"),
        ([{"type": "date", "timestamp": 1764000000, "format": "{date}", "fallback": "24 Nov"}], "24 Nov"),
        ([{"type": "color", "value": "#F405B3"}], "#F405B3"),
        ([{"type": "new_thing", "text": "words", "url": "https://a.example"}], "words"),
        ([{"type": "new_thing", "fallback": "less & <!here>"}], "less & <!here>"),
        ([{"type": "new_thing", "url": "https://a.example"}], "https://a.example"),
        (["no\u00a0break, zero\u200b\u2060\ufeff width, a\u200d\u200db, 👍\u200d!"], "no break, zero width, ab, 👍!"),
        (["👩\u200d👧 می\u200cخواهم ❤\ufe0f\u200d🔥"], "👩\u200d👧 می\u200cخواهم ❤\ufe0f\u200d🔥"),
        (["NUL\0 and \ud83d", "\ude00"], "NUL and 😀"),
    ],
)
def test_each_element_becomes_what_a_phone_shows(elements, shown):
    assert phone(composed(section(*elements))) == shown
    assert composed(section(*elements)).unread == ""


@pytest.mark.parametrize(
    ("element", "shown"),
    [
        (emoji("wave"), "👋"),
        (emoji("wave", unicode="1f44b"), "👋"),
        (emoji("wave", unicode="1f44b", skin_tone=3), "👋🏼"),
        (emoji("wave", unicode="1f44b-1f3fc", skin_tone=3), "👋🏼"),
        (emoji("wave", unicode="1f44b-1f3fc"), "👋🏼"),
        (emoji("wave::skin-tone-2"), "👋🏻"),
        (emoji("wave::skin-tone-2", skin_tone=2, unicode="1f44b-1f3fb"), "👋🏻"),
        (emoji("people_holding_hands::skin-tone-2-5"), "🧑🏻‍🤝‍🧑🏾"),
        (emoji("handshake", skin_tone="2-5"), "🫱🏻‍🫲🏾"),
        (emoji("handshake", unicode="1faf1-1f3fb-200d-1faf2-1f3fe"), "🫱🏻‍🫲🏾"),
        (emoji("pizza", skin_tone=3), "🍕"),
        (emoji("flag-us"), "🇺🇸"),
        (emoji("knife_fork_plate"), "🍽️"),
        (emoji("newer_than_the_table", unicode="1fae9"), "\U0001fae9"),
        (emoji("party_parrot", url="https://a.example/parrot.gif"), "party_parrot"),
        (emoji(":party_parrot:"), "party_parrot"),
        (emoji("wave", skin_tone=True, unicode="not hex"), "👋"),
    ],
)
def test_an_emoji_has_its_tone_once_wherever_slack_says_it(element, shown):
    assert composed(section(element)).text == shown


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        (
            [section("We have:\n"), listed("bullet", "soup", "bread"), section("\nBye")],
            "We have:\n• soup\n• bread\n\nBye",
        ),
        ([section("We have:"), listed("ordered", "soup", "bread"), section("Bye")], "We have:\n1. soup\n2. bread\nBye"),
        (
            [
                listed("ordered", "first"),
                listed("bullet", "inner", indent=1),
                listed("ordered", "innermost", indent=2),
                listed("ordered", "second", "third", indent=0, offset=1),
            ],
            "1. first\n  • inner\n    1. innermost\n2. second\n3. third",
        ),
        ([part("quote", "two\nlines\n"), section("after")], "> two\n> lines\nafter"),
        ([listed("bullet", "a", "b", border=1), section("c")], "> • a\n> • b\nc"),
        (
            [part("preformatted", "x = `:wave:` <b>\n  y\n", border=0), section("after")],
            "x = `:wave:` <b>\n  y\n\nafter",
        ),
        ([section("one\n\n"), part("quote", "two")], "one\n\n> two"),
    ],
)
def test_paragraphs_lists_quotes_and_code_keep_their_lines(parts, shown):
    assert composed(*parts).text == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (
            "Hi <@U0BEN> see <https://a.example|menu> &amp; <#C0X|general>",
            "Hi @Ben see menu (https://a.example) & #general",
        ),
        (
            "<@U0BEN|ben> <#G0Y|> <!subteam^S0KITCHEN|@cooks> <!here> <!channel|channel>",
            "@Ben #a channel @kitchen @here @channel",
        ),
        ("<!date^1764000000^{date} at {time}^https://a.example|24 Nov> <!new|words>", "24 Nov words"),
        (
            "*bold* _it_ ~gone~ *_both_* _*both*_ 2 * 3 * 4, a_b_c, *no *",
            "bold it gone both both 2 * 3 * 4, a_b_c, *no *",
        ),
        ("`*a* :wave: &lt;b&gt;` and ```*c*\n<https://a.example>```", "*a* :wave: <b> and *c*\nhttps://a.example"),
        (":wave::skin-tone-3: Thanks:pray: at 12:30:wave:", "👋🏼 Thanks🙏 at 12:30👋"),
        (":handshake::skin-tone-2-5::wave:", "🫱🏻‍🫲🏾👋"),
        ("look :party_parrot:", "look party_parrot"),
        (
            "at 10:30:20 and 10:100:20, a:b:c, std::up::x, 12:30:",
            "at 10:30:20 and 10:100:20, a:b:c, std::up::x, 12:30:",
        ),
        ("&amp;lt;@U0BEN&amp;gt; &lt;!here&gt;", "&lt;@U0BEN&gt; <!here>"),
        ("&gt; quoted\n• item", "> quoted\n• item"),
        (
            "<mailto:ana@a.example|ana@a.example> <tel:+14155552671|(415)> <https://a.example/?a=1&amp;b>",
            "ana@a.example (415) https://a.example/?a=1&b",
        ),
        ("I <3 you <not a link>", "I <3 you <not a link>"),
    ],
)
def test_text_is_read_where_there_are_no_blocks(words, shown):
    reply = marked(words)
    custom = "party_parrot" in words  # no phone has that one, so it is asked about
    assert (phone(reply), reply.unread) == (shown, "emoji" if custom else "")


def test_text_is_read_where_the_first_block_is_no_composers():
    assert read_event(told(said(text="Hello &amp; bye", blocks=[{"type": "section"}]))).text == "Hello & bye"


@pytest.mark.parametrize(
    ("fields", "unread"),
    [
        ({"blocks": blocks(section("a", {"type": "new_thing"}, {"type": "newer_thing"}))}, "new_thing"),
        ({"blocks": blocks(section({"type": "team", "team_id": "T0X"}))}, "team"),
        ({"blocks": blocks(section({"type": "date", "timestamp": 1, "url": "https://a.example"}))}, "date"),
        ({"blocks": blocks(section(user("not an id")))}, "user"),
        ({"blocks": blocks(section(text(7)))}, "text"),
        ({"blocks": blocks(section("half \ud800"))}, "text"),
        ({"blocks": blocks({"type": "rich_text_table"})}, "rich_text_table"),
        ({"blocks": blocks({"type": "rich_text_list", "elements": [{"type": "rich_text_quote"}]})}, "rich_text_quote"),
        ({"blocks": [*blocks(section("a")), {"type": "call"}]}, "call"),
        ({"blocks": [{"type": "rich_text", "elements": 5}]}, "rich_text"),
        ({"blocks": blocks("words", {"type": "<!here>"})}, "element"),
        ({"text": "hello <!new>"}, "mention"),
        ({"text": ["hello"]}, "text"),
        ({"attachments": [{"is_share": True, "text": "a forwarded message"}]}, "attachment"),
    ],
)
def test_the_first_part_that_no_text_stands_for_is_named(fields, unread):
    assert read_event(told(said(**fields))).unread == unread


def test_what_could_be_read_beside_it_is_kept():
    assert composed(section("before ", {"type": "new_thing"}, "after")).text == "before after"


@pytest.mark.parametrize(
    ("elements", "rest"),
    [
        ([user(US), " Sure, eight works"], "Sure, eight works"),
        ([" ", user(US), ": Sure"], "Sure"),
        ([user(US), ",\nSure"], "Sure"),
        ([user(US), " : Sure"], "Sure"),
        ([user(US), user(US), ":Sure"], "Sure"),
        ([user(US), " :) fine"], ":) fine"),
        ([user(US), ":( sorry"], ":( sorry"),
        ([user(US)], ""),
    ],
)
def test_our_mention_at_the_front_addresses_us_and_is_cut_off(elements, rest):
    reply = composed(section(*elements))
    assert (reply.text, reply.to_us, reply.names_others, reply.drafted) == (rest, True, False, False)


@pytest.mark.parametrize("elements", [["Ask ", user(US)], [user("U0BEN"), " ", user(US)]])
def test_our_mention_elsewhere_is_one_like_others(elements):
    reply = composed(section(*elements))
    assert (reply.to_us, reply.names_others) == (False, True)


@pytest.mark.parametrize(
    ("element", "names_others", "drafted"),
    [
        (user("U0BEN"), True, True),
        ({"type": "channel", "channel_id": "C0X"}, True, True),
        ({"type": "usergroup", "usergroup_id": "S0KITCHEN"}, True, True),
        ({"type": "broadcast", "range": "channel"}, True, False),
        ({"type": "new_thing", "channel_id": "C0X", "message_ts": "1.2", "text": "a message"}, True, False),
        (text("<@U0BEN> <!here> @ben"), False, False),
        (link("https://a.example", "<@U0BEN>"), False, False),
    ],
)
def test_a_mention_of_others_is_told_from_words(element, names_others, drafted):
    reply = composed(section(user(US), element))
    assert (reply.names_others, reply.drafted, reply.to_us) == (names_others, drafted, True)


def test_signs_that_form_a_mention_once_markup_is_gone_are_none():
    reply = marked("<*@U0BEN*> <!her")
    assert (reply.text, reply.names_others) == ("<@U0BEN> <!her", False)


def test_names_take_the_place_of_mentions_and_typed_signs_stay():
    reply = composed(section("<@U0BEN> & &amp; ", user("U0BEN"), user("U0EVE"), user("U0BEN")))
    assert mentioned(reply.text) == ["U0BEN", "U0EVE"]
    assert (
        named(reply.text, {"U0BEN": "Ben &lt;", "U0EVE": "@<@U0BEN>"}) == "<@U0BEN> & &amp; @Ben &lt;@<@U0BEN>@Ben &lt;"
    )
