"""Bytes in the sandbox: kept for a while, or made up."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from sandbox.contents import PIECE, MadeUp, Store, TooLargeError, type_of
from tests.samples import FAITHFUL, JPEG


async def coming(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_what_comes_in_pieces_is_kept_whole():
    content = await Store().take(coming(b"ab", b"", b"c"), most=3)
    assert (content.data, content.size, content.sha256) == (b"abc", 3, hashlib.sha256(b"abc").hexdigest())
    with pytest.raises(TooLargeError):
        await Store().take(coming(b"ab", b"cd"), most=3)


async def test_the_oldest_bytes_go_first_and_size_and_digest_stay():
    store = Store(capacity=5)
    first, second, third = store.keep(b"abc"), await store.take(coming(b"de"), most=9), store.keep(b"f")
    assert [content.readable for content in (first, second, third)] == [False, True, True]
    assert (first.size, first.sha256) == (3, hashlib.sha256(b"abc").hexdigest())
    assert b"".join(second.pieces()) == b"de"


async def test_files_that_are_too_large_to_keep_push_none_out():
    store = Store(capacity=5)
    store.largest_kept = 2
    small = store.keep(b"ab")
    large = [store.keep(b"abc"), await store.take(coming(b"ab", b"cd"), most=9)]
    assert [small.readable, *(content.readable for content in large)] == [True, False, False]
    assert large[1].sha256 == hashlib.sha256(b"abcd").hexdigest()


@pytest.mark.parametrize("size", [0, 3, len(JPEG), PIECE, PIECE + len(JPEG), 3 * PIECE + 1])
def test_a_made_up_file_begins_as_asked_and_has_its_size(size):
    made = MadeUp(size, JPEG)
    data = b"".join(made.pieces())
    assert (len(data), made.size, made.readable) == (size, size, True)
    assert data[: len(JPEG)] == JPEG[:size]
    assert made.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", FAITHFUL)
def test_a_name_promises_a_type(name):
    assert type_of(name) == type_of(name.upper()) == FAITHFUL[name][0]
