"""The account's webhook: nobody without the secret is heard, and what comes both ways counts once."""

import asyncio
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest

from bot.errors import NotStored
from bot.sendblue.tokens import CallbackTokens
from bot.services.reaching import Identity
from bot.storage.keys import SIGNATURE, first_seen
from tests.conftest import CALLBACK, CUSTOMER, LINE, Stage, until
from tests.statements import asking, by_writer, doing

DOOR = "/sendblue/webhook"
NEW, OLD = "webhook-secret-2", "webhook-secret-1"
SIGNED = {"sb-signing-secret": NEW}


@pytest.fixture
async def sent(open_stage: Callable[..., Any]) -> Stage:
    """A stage with one text under way that reports nothing by itself."""
    stage: Stage = await open_stage(sendblue_webhook_secret=f"{NEW},{OLD}")
    stage.sendblue.faults.lose_callbacks = True
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(lambda: "Sending" in stage.shown() and stage.bubbles())
    await until(lambda: history(stage))
    return stage


def body(stage: Stage, status: str = "DELIVERED", **fields: Any) -> dict[str, Any]:
    """What Sendblue says, whichever way."""
    about = {"message_handle": stage.bubbles()[0].handle, "is_outbound": True, "number": CUSTOMER}
    return about | {"status": status, "service": "iMessage"} | fields


def history(stage: Stage) -> list[tuple[str, str]]:
    """Source and word of every report there is."""
    assert stage.app is not None
    return [tuple(row) for row in stage.app.database.read(asking("SELECT source, word FROM reports ORDER BY id"))]


@pytest.mark.parametrize("secret", [NEW, OLD])
async def test_with_any_accepted_secret_a_delivery_is_told(sent: Stage, secret: str) -> None:
    answer = await sent.callback(body(sent), path=DOOR, headers={"sb-signing-secret": secret})
    assert answer.status_code == 200
    await until(lambda: any("Delivered as iMessage" in text for text in sent.replies()))


@pytest.mark.parametrize(
    "headers", [{}, {"sb-signing-secret": ""}, {"sb-signing-secret": "wrong"}, {"sb-signing-secret": f"{NEW},{OLD}"}]
)
async def test_without_the_secret_nothing_is_heard(sent: Stage, headers: dict[str, str]) -> None:
    before = history(sent)
    assert (await sent.callback(body(sent), path=DOOR, headers=headers)).status_code == 401
    assert history(sent) == before


async def test_where_no_secret_is_set_there_is_no_such_door(stage: Stage) -> None:
    for headers in ({}, {"sb-signing-secret": ""}):
        assert (await stage.callback({"status": "SENT"}, path=DOOR, headers=headers)).status_code == 404


@pytest.mark.parametrize("account_first", [True, False])
async def test_the_same_news_both_ways_is_one_line_of_history_and_one_reply(sent: Stage, account_first: bool) -> None:
    ways: list[dict[str, Any]] = [{"path": DOOR, "headers": SIGNED}, {}]
    for way in (ways if account_first else ways[::-1]) * 2:
        assert (await sent.callback(body(sent), **way)).status_code == 200
    await until(lambda: "Delivered" in sent.shown())
    await asyncio.sleep(0.1)
    assert [word for source, word in history(sent) if source == "callback"] == ["DELIVERED"]
    assert len(sent.replies()) == 1


async def test_news_never_goes_backwards_here_either(sent: Stage) -> None:
    await sent.callback(body(sent), path=DOOR, headers=SIGNED)
    await until(lambda: "Delivered" in sent.shown())
    assert (await sent.callback(body(sent, "SENT"), path=DOOR, headers=SIGNED)).status_code == 200
    await sent.get("/readyz")
    assert "Delivered" in sent.shown()


async def test_form_encoded_news_is_understood(sent: Stage) -> None:
    form = urlencode(body(sent)).encode()
    headers = SIGNED | {"content-type": "application/x-www-form-urlencoded"}
    assert (await sent.callback(form, path=DOOR, headers=headers)).status_code == 200
    await until(lambda: "Delivered" in sent.shown())


@pytest.mark.parametrize(
    "change",
    [
        {"message_handle": "nobody-knows-this-one"},
        {"is_outbound": False, "sendblue_number": LINE},
        {"is_outbound": "false", "sendblue_number": LINE},
        {"is_outbound": False, "status": "RECEIVED", "to_number": LINE},
        {"message_handle": None, "status": None, "event": "line_blocked"},
        {"message_handle": None},
        {"message_handle": ["a", "list"]},
    ],
)
async def test_what_is_not_ours_changes_nothing(sent: Stage, change: dict[str, Any]) -> None:
    before = history(sent)
    assert (await sent.callback(body(sent) | change, path=DOOR, headers=SIGNED)).status_code == 200
    assert history(sent) == before
    assert "Sending" in sent.shown()


@pytest.mark.parametrize("change", [{"is_outbound": False}, {"is_outbound": False, "number": None, "to_number": LINE}])
async def test_what_a_customer_said_without_sender_or_line_is_refused(sent: Stage, change: dict[str, Any]) -> None:
    assert (await sent.callback(body(sent) | change, path=DOOR, headers=SIGNED)).status_code == 400


@pytest.mark.parametrize("garbage", [b"", b"[]", b"null", b"{", b'"DELIVERED"', b"\xff\xfe", b"[" * 5000])
async def test_garbage_is_refused(sent: Stage, garbage: bytes) -> None:
    assert (await sent.callback(garbage, path=DOOR, headers=SIGNED)).status_code == 400


async def test_a_body_over_64_kib_is_refused(sent: Stage) -> None:
    large = b'{"status": "' + b"x" * 65_536 + b'"}'
    assert (await sent.callback(large, path=DOOR, headers=SIGNED)).status_code == 413


async def test_what_could_not_be_stored_is_asked_for_again(sent: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent.app is not None

    async def away(*_: object, **__: object) -> None:
        raise NotStored("OperationalError")

    for name in ("read", "write"):
        with monkeypatch.context() as patched:
            patched.setattr(sent.app.store, name, away)
            assert (await sent.callback(body(sent), path=DOOR, headers=SIGNED)).status_code == 503
    assert (await sent.callback(body(sent), path=DOOR, headers=SIGNED)).status_code == 200
    await until(lambda: "Delivered" in sent.shown())


async def test_neither_secret_nor_number_reaches_a_log(sent: Stage, logged: Callable[[], str]) -> None:
    for headers in (SIGNED, {"sb-signing-secret": "wrong-secret"}):
        await sent.callback(body(sent), path=DOOR, headers=headers)
    said = logged()
    assert "account_webhook_refused" in said
    assert not any(private in said for private in (NEW, "wrong-secret", CUSTOMER[-7:]))


async def test_a_proof_of_identity_is_no_callback_token() -> None:
    """Whoever has anything signed by asking /healthz still cannot report on a text."""
    bot, tokens = Identity(CALLBACK, lambda: b""), CallbackTokens("https://bot.example.com", [CALLBACK])
    send_id = UUID(bytes=b"abcdefghijklmnop")
    nonce = send_id.bytes.decode()
    assert tokens.are_right(send_id, hmac.new(CALLBACK.encode(), nonce.encode(), sha256).hexdigest()[:40])
    proof = bot.prove(nonce).split()
    assert len(proof) == 2
    assert not any(tokens.are_right(send_id, line[:40]) for line in proof)


async def test_only_posts_are_taken(sent: Stage) -> None:
    async with httpx.AsyncClient(base_url=sent.url) as http:
        assert (await http.get(DOOR, headers=SIGNED)).status_code == 405


async def counted(stage: Stage, seen: str) -> float:
    text = (await stage.get("/metrics")).text
    found = re.search(rf'^bluethread_webhook_signatures_total{{seen="{seen}"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0


async def test_a_signature_is_counted_and_refuses_nothing(sent: Stage) -> None:
    yes, no = await counted(sent, "yes"), await counted(sent, "no")
    for signature in ("t=1,v1=0", "", "nonsense"):
        answer = await sent.callback(body(sent), path=DOOR, headers=SIGNED | {"X-Sendblue-Signature": signature})
        assert answer.status_code == 200
    await sent.callback(body(sent), path=DOOR, headers=SIGNED)
    await sent.callback(body(sent), path=DOOR, headers={"X-Sendblue-Signature": "t=1,v1=0"})  # a stranger's
    assert (await counted(sent, "yes") - yes, await counted(sent, "no") - no) == (3, 1)


async def seen_first(stage: Stage) -> datetime | None:
    assert stage.app is not None
    return await stage.app.store.read(partial(first_seen, name=SIGNATURE))


async def test_that_sendblue_signs_is_noted_once_and_for_good(sent: Stage) -> None:
    await sent.callback(body(sent), path=DOOR, headers=SIGNED)
    await sent.callback(body(sent), path=DOOR, headers={"X-Sendblue-Signature": "t=1,v1=0"})  # a stranger's
    assert await seen_first(sent) is None
    signed = SIGNED | {"X-Sendblue-Signature": "t=1,v1=0"}
    await asyncio.gather(*(sent.callback(body(sent), path=DOOR, headers=signed) for _ in range(5)))
    first = await seen_first(sent)
    assert first is not None
    assert sent.app is not None
    await sent.app.store.write(by_writer(doing("UPDATE keys SET name = 'moved' WHERE name = 'signature'")), None)
    await sent.callback(body(sent), path=DOOR, headers=signed)
    assert await seen_first(sent) is None  # this process does not write it again
    await sent.app.store.write(by_writer(doing("UPDATE keys SET name = 'signature' WHERE name = 'moved'")), None)
    await sent.restart()
    await sent.callback(body(sent), path=DOOR, headers=signed)
    assert await seen_first(sent) == first


async def test_what_cannot_be_noted_of_a_signature_hinders_no_news(sent: Stage) -> None:
    assert sent.app is not None
    refusing = "CREATE TRIGGER refuses BEFORE INSERT ON keys BEGIN SELECT RAISE(ABORT, 'no'); END"
    await sent.app.store.write(by_writer(doing(refusing)), None)
    signed = SIGNED | {"X-Sendblue-Signature": "t=1,v1=0"}
    assert (await sent.callback(body(sent), path=DOOR, headers=signed)).status_code == 200
    await until(lambda: "Delivered" in sent.shown())
    await sent.app.store.write(by_writer(doing("DROP TRIGGER refuses")), None)
    await sent.callback(body(sent), path=DOOR, headers=signed)
    assert await seen_first(sent) is not None
