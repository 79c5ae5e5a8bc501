"""Every shape in which Sendblue tells what a customer said becomes the same kind of value."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.domain.message import Inbound
from bot.domain.number import sender
from bot.errors import UnreadableReport
from bot.sendblue.inbound import parse_inbound, parse_inbound_page
from bot.sendblue.wire import fields_of

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FOLDER = Path(__file__).parent.parent / "shapes" / "sendblue" / "inbound"
LINE, CUSTOMER = "+15550100900", "+15550100001"
NOBODY = ("12", "+12", "a" * 41, "123456789012345678", "...", "a:b", "<!channel>", "a@<!channel>", "a@b@c", "*b*", "@")
SAID_AT = datetime(2026, 11, 20, 18, 9, tzinfo=UTC)


def read(name: str, **changes: Any) -> Inbound | None:
    fields = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes())
    return parse_inbound(fields_of(msgspec.json.encode(fields | changes)), now=NOW, region="US")


def parsed(name: str, **changes: Any) -> Inbound:
    said = read(name, **changes)
    assert said is not None
    return said


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_every_shape_is_read_or_is_no_message(name: str) -> None:
    if name in ("receive_echo_of_ours", "typing_indicator", "server_sent_event"):
        assert read(name) is None
        return
    said = parsed(name)
    assert said.line == LINE
    assert said.customer in (CUSTOMER, "+14155550101") or said.is_group or "@" in said.customer
    assert said.text or said.files
    assert said.at <= NOW


def test_a_text_is_read_word_for_word() -> None:
    said = parsed("receive")
    assert (said.text, said.files, said.at, said.opted_out) == ("Eight works", (), SAID_AT, False)
    assert said.key == f"in:{said.handle}"


@pytest.mark.parametrize("name", ["receive_image", "receive_audio", "receive_video", "receive_contact"])
def test_media_comes_as_addresses(name: str) -> None:
    [url] = parsed(name).files
    assert url.startswith("https://")


def test_several_media_in_one_message_are_kept() -> None:
    urls = ["https://storage.googleapis.com/1.jpg", "https://storage.googleapis.com/2.jpg"]
    assert parsed("receive", media_url=urls).files == tuple(urls)


def test_a_location_is_said_in_words() -> None:
    assert "📍" in parsed("receive_location").text


@pytest.mark.parametrize("name", ["receive_group", "receive_group_called_message"])
def test_a_group_is_known_by_its_id_and_says_who_spoke(name: str) -> None:
    said = parsed(name)
    assert said.customer == "group:sb_group_5e1c0d6a-7b52-4f0e-9a41-2f6f5d0c1b77"
    assert said.text == "+1 ••• 0001: Eight works"


@pytest.mark.parametrize("number", ["5550100900", "(555) 010-0900", "+1 555 010 0900"])
def test_a_line_is_ours_however_it_is_written(number: str) -> None:
    assert parsed("receive", sendblue_number=None, to_number=number).line == LINE


def test_somebody_may_write_from_an_e_mail_address() -> None:
    assert parsed("receive", from_number="Ana@Example.com").customer == "ana@example.com"


@pytest.mark.parametrize("region", ["US", "DE"])
@pytest.mark.parametrize(
    "spelled",
    ["723", "72345", "723456", " 72345 ", 72345, "AMAZON", "Booking.com", "Domino's  Pizza", "AT&T", "Bäcker", "1und1"],
)
def test_a_company_may_write_from_a_short_code_or_under_a_name(spelled: object, region: str) -> None:
    fields = msgspec.json.decode((FOLDER / "receive.json").read_bytes()) | {"from_number": spelled}
    said = parse_inbound(fields_of(msgspec.json.encode(fields)), now=NOW, region=region)
    assert said is not None
    assert said.customer == " ".join(str(spelled).split())


@pytest.mark.parametrize(("region", "known"), [("US", "72345678"), ("SG", "+6572345678")])
def test_a_longer_short_code_is_one_where_no_number_is_as_short(region: str, known: str) -> None:
    assert sender("72345678", region) == known


@pytest.mark.parametrize("line", ["72345", "AMAZON", "ana@example.com", None])
def test_a_line_is_a_number(line: object) -> None:
    with pytest.raises(UnreadableReport):
        read("receive", sendblue_number=line, to_number=line)


def test_an_address_of_a_file_that_cannot_be_taken_apart_is_left_out() -> None:
    assert parsed("receive", media_url=["https://[broken/cat.jpg", "https://a.example/dog.jpg"]).files == (
        "https://a.example/dog.jpg",
    )


@pytest.mark.parametrize("flag", [True, "true"])
def test_the_vendors_word_on_opting_out_is_read(flag: object) -> None:
    assert parsed("receive", opted_out=flag).opted_out


@pytest.mark.parametrize("at", ["2036-01-01T00:00:00Z", "1990-01-01T00:00:00Z", "soon", None, 17])
def test_a_time_that_cannot_be_is_not_believed(at: object) -> None:
    assert parsed("receive", date_sent=at, date_created=None).at == NOW


@pytest.mark.parametrize(
    "changes",
    [
        {"message_handle": None},
        {"from_number": None, "number": None},
        *(
            {"from_number": wrong, "number": ""}
            for wrong in ("12", "+12", "a" * 41, "123456789012345678", "...", "a:b")
        ),
        *(
            {"from_number": wrong, "number": ""}
            for wrong in ("<!channel>", "a@<!channel>", "a@b@c", "*bold*", "@", "a|b")
        ),
        {"sendblue_number": None, "to_number": None},
        {"sendblue_number": ["a"], "to_number": {}},
    ],
)
def test_what_lacks_a_handle_a_sender_or_a_line_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableReport):
        read("receive", **changes)


def test_a_page_leaves_out_what_cannot_be_read_and_counts_it() -> None:
    good = msgspec.json.decode((FOLDER / "receive.json").read_bytes())
    items = [
        good,
        good | {"message_handle": "2", "from_number": None, "number": None},
        "junk",
        good | {"is_outbound": True},
    ]
    body = msgspec.json.encode({"status": "OK", "data": items, "pagination": {"hasMore": True}})
    page = parse_inbound_page(body, now=NOW, region="US")
    assert [said.text for said in page.said] == ["Eight works"]
    assert (len(page.names), page.more) == (3, True)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": {}}', b"\xff"])
def test_a_page_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableReport):
        parse_inbound_page(body, now=NOW, region="US")
