"""Hostile files and names through the whole bot: each ends as what it is or in a clear refusal.

No name reaches a path or a log, or is more than plain words in Slack and at Sendblue.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.files.kinds import KINDS, kind_of
from bot.sendblue.wire import EXTENSIONS
from sandbox.slack.file_records import SlackFile
from tests.conftest import CUSTOMER, KEY, SECRET, TOKEN, Stage, until
from tests.samples import HOSTILE_NAMES, JPEG, LYING
from tests.services.test_files import received, share, talk, thread  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("temporary", "nothing_private")

EVERYTHING = [*((name, JPEG) for name in HOSTILE_NAMES), *LYING.items()]
SHARES = [EVERYTHING[first::6] for first in range(6)]  # of all of them, for one bot each
PLAIN = re.compile(r"[^/\\<>:\"|?*\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]{1,100}")
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]")
"""What changes how other words look."""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where temporary files would have names. In the end there is none, nor anything else but the database."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} - {"temporary"}
    assert not {name for name in left if not name.startswith("bluethread.db")}


@pytest.fixture
def nothing_private(logged: Callable[[], str], talk: Stage) -> Iterator[None]:  # noqa: F811
    """Whatever is logged, as talkative as can be, names no file, URL, token or number."""
    yield
    said = logged()
    assert "report_applied" in said
    urls = [file.url for one in thread(talk) for file in one.files if isinstance(file, SlackFile)]
    urls += [one.media_url for one in talk.sendblue.messages if one.media_url]
    parts = {part for url in urls for part in (url, url.rpartition("/")[2])}
    paths = {"files-pri", "file-store", "/upload/v1/"}
    for private in {name for name, _ in EVERYTHING} | parts | paths | {TOKEN, KEY, SECRET, CUSTOMER[1:]}:
        assert len(private.strip(" .")) < 5 or private not in said, private


def copies_in(stage: Stage) -> list[SlackFile]:
    return [file for one in thread(stage) for file in one.files if one.bot_id and isinstance(file, SlackFile)]


def refusals_in(stage: Stage) -> list[str]:
    return [one.text for one in thread(stage) if one.text.startswith("📎 I could not copy")]


@pytest.mark.parametrize("files", SHARES)
async def test_what_a_customer_sends_is_shown_as_what_it_is_or_refused(
    talk: Stage,  # noqa: F811
    files: list[tuple[str, bytes]],
) -> None:
    for name, data in files:
        before, refused = len(copies_in(talk)), len(refusals_in(talk))
        await talk.sendblue.customer_says(CUSTOMER, "Look", media=[(name, data)])
        await until(lambda: len(copies_in(talk)) + len(refusals_in(talk)) > before + refused, within=15)  # noqa: B023
        if len(refusals_in(talk)) > refused:
            assert not data, name
            assert refusals_in(talk)[-1].endswith("it is empty."), name
            continue
        copy, kind = copies_in(talk)[-1], kind_of(data)
        assert PLAIN.fullmatch(copy.name), name
        assert not copy.name.startswith("."), name
        assert copy.name.endswith(f".{kind.extension}"), name
        assert copy.content is not None
        assert copy.content.data == data, name
        assert copy.title.lower().startswith(kind.what), name
    for post in thread(talk):
        assert set(re.findall(r"<[^>]*>?", post.text)) <= {"<@U0ANA>"}, "called is who wrote last; nothing is a link"
        assert not HIDDEN.search(post.text)
        elements = set(re.findall(r"'type': '(\w+)'", str(post.blocks)))
        assert post.text.startswith("📎") or not {"link", "broadcast", "usergroup", "channel", "mrkdwn"} & elements


@pytest.mark.parametrize("files", SHARES)
async def test_what_a_colleague_shares_reaches_the_phone_as_what_it_is_or_is_refused(
    talk: Stage,  # noqa: F811
    files: list[tuple[str, bytes]],
) -> None:
    for number, (name, data) in enumerate(files):
        words, before = f"See file {number}", len(talk.bubbles())
        reply = await share(talk, words, (name, data, "image/jpeg"))
        await until(lambda: {"x", "white_check_mark"} & set(reply.reactions), within=40)  # noqa: B023
        kind, texts = kind_of(data), talk.bubbles()[before:]
        if "x" in reply.reactions:
            assert not texts, name
            assert not data or kind.extension not in EXTENSIONS, name
            said = await until(lambda: [one for one in talk.replies() if words in one and "❌" in one])  # noqa: B023
            assert not name or name not in said[-1]
            continue
        medium = talk.sendblue.media.at(texts[0].media_url or "")
        assert medium is not None
        assert (len(texts), texts[0].content, received(talk, texts[0].media_url)) == (1, words, data), name
        assert PLAIN.fullmatch(medium.name), name
        assert (medium.name.rpartition(".")[2], medium.mimetype) == (kind.extension, KINDS[kind.extension].mimetype)


async def test_a_question_names_hostile_files_in_plain_words(talk: Stage) -> None:  # noqa: F811
    """Words that mention somebody are asked about by every rule."""
    for number, name in enumerate(HOSTILE_NAMES):
        words = f"See file {number} <@U0BEN>"
        await share(talk, words, (name, JPEG, "image/jpeg"))

    def questions() -> list[str]:
        return [one.text for one in talk.slack.ephemerals if "See file" in one.text]

    for asked in await until(lambda: len(questions()) == len(HOSTILE_NAMES) and questions(), within=60):
        named = asked.partition("📎")[2]
        assert named, asked
        assert not re.search(r"<[!@#h]", named), named
        assert not HIDDEN.search(named), named
