"""The unguessable part of a callback's address."""

import hmac
from collections.abc import Sequence
from uuid import UUID


class CallbackTokens:
    """An HMAC of the send id. secrets: the first signs, all are accepted, so that one can be replaced."""

    def __init__(self, public_url: str, secrets: Sequence[str]) -> None:
        self._public_url = public_url
        self._secrets = [secret.encode() for secret in secrets]

    def url(self, send_id: UUID) -> str:
        token = _token(send_id, self._secrets[0])
        return f"{self._public_url}/sendblue/status/{send_id.hex}/{token.decode()}"

    def are_right(self, send_id: UUID, token: str) -> bool:
        """Whether the token belongs to the id. Takes the same time whichever is wrong."""
        given = token.encode(errors="replace")
        matches = [hmac.compare_digest(_token(send_id, secret), given) for secret in self._secrets]
        return any(matches)


def _token(send_id: UUID, secret: bytes) -> bytes:
    # Not hmac.digest: it releases the interpreter's lock, and the writing thread would commit one row instead of many.
    return hmac.new(secret, send_id.bytes, "sha256").hexdigest()[:40].encode()
