"""STOP and START on the pretend phone, and what the pretend Sendblue makes of them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.board import Board
from sandbox.sendblue import PretendSendblue
from sandbox.serving import serving

ANA, BEN = "+14155552671", "+14155550132"
LINE, OTHER_LINE = "+15550100900", "+15550100901"
KEYS = {"sb-api-key-id": "pretend-key", "sb-api-secret-key": "pretend-secret"}

STOPPING = [
    *("STOP", "stop", "Stop.", "  sToP !! ", "STOP…", "stop?!", "STOP\n", "STOP . !"),
    *("unsubscribe", "Cancel", "opt out", "OPT   OUT.", "opt\tout", "Revoke", "END", "Quit;"),
]
GOING_ON = ["", "Please stop", "STOP it", "stopp", "s top", "non-stop", "¿stop", "The end", "optout", "START", "No"]


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def sendblue(board) -> PretendSendblue:
    return PretendSendblue(board, key_id="pretend-key", secret="pretend-secret", lines=[LINE, OTHER_LINE], step=0)


@pytest.fixture
async def send(sendblue) -> AsyncIterator[object]:
    async with serving(sendblue.app, grace=0.1) as url, httpx.AsyncClient(base_url=url, verify=False) as http:

        async def send(number: str = ANA, line: str = LINE) -> httpx.Response:
            text = {"number": number, "from_number": line, "content": "Hi"}
            return await http.post("/api/send-message", json=text, headers=KEYS)

        yield send
    await sendblue.aclose()


@pytest.mark.parametrize("word", STOPPING)
async def test_whoever_says_stop_gets_no_more_texts_from_the_whole_account(sendblue, send, word):
    await sendblue.customer_says(ANA, word)
    for line in (LINE, OTHER_LINE):
        answer = await send(line=line)
        body = answer.json()
        detail = body.pop("error_detail")
        assert (answer.status_code, body) == (
            400,
            {
                "accountEmail": "ops@example.com",
                "status": "ERROR",
                "error_code": 402,
                "error_message": "OPTED_OUT",
                "error_reason": "SpamRule",
                "from_number": line,
                "number": ANA,
            },
        )
        assert "declined because the user opted out" in detail
    assert [message for message in sendblue.messages if message.outbound] == []
    assert (await send(number=BEN)).status_code == 202


@pytest.mark.parametrize("words", GOING_ON)
async def test_only_the_whole_message_counts(sendblue, send, words):
    await sendblue.customer_says(ANA, words)
    assert (await send()).status_code == 202
    assert [message.body()["opted_out"] for message in sendblue.messages if not message.outbound] == [False]


@pytest.mark.parametrize("word", ["START", "start", " Start. "])
async def test_start_lets_texts_in_again(sendblue, send, word):
    await sendblue.customer_says(ANA, "STOP")
    await sendblue.customer_says(ANA, "Did you hear?")
    assert (await send()).status_code == 400
    await sendblue.customer_says(ANA, word)
    assert (await send()).status_code == 202


async def test_what_a_customer_writes_says_whether_they_are_opted_out_by_then(sendblue):
    """In the list and in the webhook alike: both are a message's body."""
    for words in ("Hello", "STOP", "Did you hear?", "START", "Back again"):
        await sendblue.customer_says(ANA, words)
    await sendblue.customer_says(BEN, "Hello from Ben")
    heard = {message.content: message.body()["opted_out"] for message in sendblue.messages}
    assert heard == {
        "Hello": False,
        "STOP": True,
        "Did you hear?": True,
        "START": False,
        "Back again": False,
        "Hello from Ben": False,
    }


async def test_the_page_is_told(board, sendblue):
    with board.listen() as listener:
        await sendblue.customer_says(ANA, "Stop")
        await sendblue.customer_says(BEN, "quit")
        assert sendblue.snapshot()["opted_out"] == [BEN, ANA]
        await sendblue.customer_says(BEN, "Hm")
        await sendblue.customer_says(BEN, "start")
        assert sendblue.snapshot()["opted_out"] == [ANA]
        listener.end()
        told = [data["numbers"] async for kind, data in listener.events(1) if kind == "opted_out"]
    assert told == [[ANA], [BEN, ANA], [ANA]]


async def test_the_switch_and_stop_agree(sendblue, send):
    """The switch is as if everybody had said STOP: the same refusal, the same note on what they write."""
    await sendblue.customer_says(BEN, "STOP")
    said = (await send(number=BEN)).json()
    sendblue.faults.opted_out = True
    switched = (await send(number=ANA)).json()
    assert switched == said | {"number": ANA}
    await sendblue.customer_says(ANA, "START")
    assert sendblue.messages[-1].body()["opted_out"] is True
    assert (await send(number=ANA)).status_code == 400
    sendblue.faults.opted_out = False
    assert (await send(number=ANA)).status_code == 202
    assert (await send(number=BEN)).status_code == 400
