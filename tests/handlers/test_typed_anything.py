"""What holds for whatever is typed in a thread, and for whatever else arrives."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.reply import Edit, Removal, Reply
from bot.slack.markup import emoji_of, escape, named
from handlers.typed import read_event
from tests.handlers.slack_messages import US, blocks, emoji, link, listed, part, said, section, text, told, user

_SIGNS = "<>&;|@#!^*_~` \n"

_SPELLED = [
    (user("U0BEN"), "<@U0BEN>"),
    (user(US), f"<@{US}>"),
    ({"type": "channel", "channel_id": "C0X"}, "<#C0X|general>"),
    ({"type": "usergroup", "usergroup_id": "S0X"}, "<!subteam^S0X|@cooks>"),
    ({"type": "broadcast", "range": "here"}, "<!here>"),
    ({"type": "date", "timestamp": 1, "fallback": "1 Jan"}, "<!date^1^{date}|1 Jan>"),
    (emoji("party_parrot"), ":party_parrot:"),
    (link("https://a.example/?y=1&z=2"), "<https://a.example/?y=1&amp;z=2>"),
    (link("http://b.example/:b:", "b.example/:b:"), "<http://b.example/:b:|b.example/:b:>"),
    (link("https://a.example", "menu"), "<https://a.example|menu>"),
    (link("mailto:ana@a.example", "ana@a.example"), "<mailto:ana@a.example|ana@a.example>"),
]
_EMOJI = ["wave", "+1", "flag-us", "female-technologist", "handshake"]


def _element(words, code):
    """Draw an element of a line, beside its spelling in `text`."""
    typed = st.text(st.sampled_from(words), min_size=1).map(str.strip).filter(bool)
    return st.one_of(
        st.sampled_from(_SPELLED),
        typed.map(lambda words: (text(words), escape(words))),
        st.tuples(typed, st.sampled_from([("bold", "*"), ("italic", "_"), ("strike", "~")])).map(
            lambda of: (text(of[0], **{of[1][0]: True}), of[1][1] + escape(of[0]) + of[1][1])
        ),
        _code(code).map(lambda typed: (text(typed, code=True), f"`{escape(typed)}`")),
        st.sampled_from(_EMOJI).map(lambda name: (emoji(name), f":{name}:")),
        st.tuples(st.sampled_from(_EMOJI), st.sampled_from(["2", "6", "2-5"])).map(
            lambda of: (emoji(of[0], skin_tone=of[1]), f":{of[0]}::skin-tone-{of[1]}:")
        ),
    )


def _code(code):
    return st.text(st.sampled_from(code), min_size=1).map(str.strip).filter(bool)


@st.composite
def _paragraphs(draw, words="abÄ字👍 &<>.,1", code="ab*_~:&<> "):
    """Draw what the composer makes, beside the same in `text`.

    words: has no signs of markup, since `text` does not tell typed ones from Slack's.
    """
    made = []
    for kind in draw(
        st.lists(st.sampled_from(["section", "quote", "bullet", "ordered", "code"]), min_size=1, max_size=4)
    ):
        lines = draw(st.lists(st.lists(_element(words, code), min_size=1, max_size=5), min_size=1, max_size=3))
        elements = [[one for element, _ in line for one in (element, text(" "))][:-1] for line in lines]
        spelled = [" ".join(spelling for _, spelling in line) for line in lines]
        if kind == "code":
            typed = draw(_code(code))
            made.append((part("preformatted", typed), f"```{escape(typed)}```"))
        elif kind in ("section", "quote"):
            together = [one for line in elements for one in (*line, text("\n"))]
            made.append((part(kind, *together), "\n".join("&gt; " * (kind == "quote") + line for line in spelled)))
        else:
            items = [f"{f'{number}.' if kind == 'ordered' else '•'} {line}" for number, line in enumerate(spelled, 1)]
            made.append((listed(kind) | {"elements": [section(*line) for line in elements]}, "\n".join(items)))
    return blocks(*(block for block, _ in made)), "\n".join(spelling for _, spelling in made)


def _read(**fields):
    return read_event(told(said(**fields)))


@settings(deadline=None)
@given(_paragraphs())
def test_blocks_and_text_read_alike(composed):
    in_blocks, in_text = composed
    assert _read(blocks=in_blocks) == _read(text=in_text)
    assert _read(blocks=in_blocks).unread == ("emoji" if "party_parrot" in in_text else "")


@settings(deadline=None)
@given(_paragraphs(words="abÄ字👍 >.,1", code="ab*"))
def test_nothing_of_slacks_markup_reaches_a_phone(composed):
    reply = _read(blocks=composed[0])
    shown = named(reply.text, {"U0BEN": "@Ben"}).replace("b.example/:b:", "")
    assert re.search(r"<[@#!]|&(?:amp|lt|gt);|:[a-z0-9_+-]+:", shown) is None


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["C"], exclude_characters=":\u00a0") | st.sampled_from(_SIGNS)))
def test_what_is_typed_in_the_composer_without_markup_arrives_to_the_letter(typed):
    reply = _read(blocks=blocks(section(typed)))
    assert (reply.text, reply.drafted, reply.names_others) == (typed.strip(), False, False)


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["C"], exclude_characters=":\u00a0*_~`") | st.sampled_from("<>&;|@#!^ \n"))
)
def test_what_is_typed_without_markup_arrives_to_the_letter_from_text_as_well(typed):
    reply = _read(text=escape(typed))
    assert (reply.text, reply.drafted, reply.names_others) == (typed.strip(), False, False)


@settings(deadline=None)
@given(st.text(st.sampled_from("abc:+- 👍\n1"), max_size=40))
def test_a_name_that_stays_is_no_emojis_or_stands_inside_a_word(typed):
    shown = _read(blocks=blocks(section(typed))).text
    for name in re.finditer(r"(?<![^\s]):([a-z0-9_+-]+):", shown):
        assert emoji_of(name[1]) is None


_TYPES = ["rich_text", "text", "user", "emoji", "link", "date", "team", "channel", "new_thing", "call"]
_TYPES += [f"rich_text_{kind}" for kind in ("section", "list", "quote", "preformatted")]
_FIELDS = ["elements", "text", "style", "border", "indent", "offset", "user_id", "channel_id", "name", "unicode"]
_FIELDS += ["skin_tone", "url", "fallback", "ts", "is_share", "mode", "code", "user", "edited"]
_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([*_TYPES, "ordered", "1.2", 10**4000]),
    st.text(st.characters(exclude_categories=[]) | st.sampled_from(_SIGNS + ":\0\1\ud800")),
)  # fmt: skip
_json = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.fixed_dictionaries({"type": st.sampled_from(_TYPES)}, optional=dict.fromkeys(_FIELDS, inner))
    ),
    max_leaves=12,
)
_rich_text = st.lists(_json, max_size=4).map(lambda parts: blocks(*parts))
_event_fields = ["type", "subtype", "channel", "user", "team", "ts", "thread_ts", "client_msg_id", "files", "edited"]
_event_fields += ["attachments", "parent_user_id", "deleted_ts", "bot_id", "hidden"]
_message = st.fixed_dictionaries(
    {}, optional={"text": _json, "blocks": _rich_text | _json} | dict.fromkeys(_event_fields, _json)
).map(lambda fields: said(**fields))
_change = st.tuples(_message, _message | _json).map(
    lambda two: said(subtype="message_changed", message={"edited": {"ts": "1.2"}, **two[0]}, previous_message=two[1])
)


@settings(deadline=None)
@given(_message | _change, st.just([{"user_id": US}]) | _json)
def test_whatever_arrives_is_read_or_is_not_for_us(event, authorizations):
    read = read_event(told(event, authorizations=authorizations))
    assert isinstance(read, Reply | Edit | Removal | None)
    reply = read.reply if isinstance(read, Edit) else read
    if isinstance(reply, Reply):
        whole = "".join([reply.key, reply.team, reply.channel, reply.author, reply.text, reply.unread])
        assert "\0" not in whole.encode().decode()
        assert reply.at.tzinfo is not None


@pytest.mark.parametrize("kind", ["rich_text_list", "rich_text_section", "rich_text", "new_thing"])
def test_what_is_nested_without_end_is_held(kind):
    nested = {"type": kind, "elements": []}
    for _ in range(100_000):
        nested = {"type": kind, "elements": [nested]}
    assert _read(blocks=blocks(nested)).unread == kind
