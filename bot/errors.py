"""Every error Bluethread raises on purpose, split by what the caller should do about it."""


class BluethreadError(Exception):
    """The root of them all; catch it only where a request or a command ends."""


class UsageError(BluethreadError):
    """`str(error)` tells a person in one sentence what to do. about_sending: whether a text was to be sent."""

    def __init__(self, sentence: str, *, about_sending: bool = True) -> None:
        super().__init__(sentence)
        self.about_sending = about_sending


class BadSettings(BluethreadError):  # noqa: N818 - reads as what it is
    """The start is refused. `str(error)` has one line per problem and no secret in it."""


class NotStored(BluethreadError):  # noqa: N818
    """The database did not take it and never will later: say "not sent"."""


class MaybeStored(NotStored):
    """The connection broke in the commit itself. For a report: bring it again. For a person: say how to find out."""


class UnreadableReport(BluethreadError):  # noqa: N818
    """A callback or answer that is no report: answer 4xx, change nothing."""


class CallFailed(BluethreadError):  # noqa: N818
    """Slack or Sendblue did not do what was asked.

    code: their own word (`is_archived`, `4001`, `OPTED_OUT`), or ours in lower case (`timeout`). reason: their
    explanation, verbatim and untrusted; may be empty. handle: Sendblue's for the text, when the answer named one.
    """

    def __init__(self, code: str, reason: str = "", *, handle: str | None = None) -> None:
        super().__init__(code)
        self.code, self.reason, self.handle = code, reason, handle


class Refused(CallFailed):
    """A clear no: asking again changes nothing. Tell the person."""


class NotSent(CallFailed):
    """It certainly did not happen. Ask again after `retry_after` seconds (None: choose a backoff)."""

    def __init__(self, code: str, reason: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(code, reason)
        self.retry_after = retry_after


class Uncertain(CallFailed):
    """It may have happened: look for evidence, never repeat blindly."""
