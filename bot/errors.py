"""Every error Bluethread raises on purpose, split by what the caller should do about it.

BluethreadError
├── UsageError          a person asked for something that cannot be done: show them the sentence
├── BadSettings         the start is refused: show one line per problem
├── NotStored           the database did not take it and never will later: say "not sent"
│   └── MaybeStored     the database went away while it said yes or no: say that you cannot tell
├── UnreadableReport    a callback or answer that is no report: answer 4xx, change nothing
└── CallFailed          Slack or Sendblue did not do what was asked
    ├── Refused         a clear no: asking again changes nothing
    ├── NotSent         it certainly did not happen, and may be asked again later
    └── Uncertain       it may have happened: look for evidence, never repeat blindly
"""


class BluethreadError(Exception):
    """The root of the tree; catch it only where a request or a command ends."""


class UsageError(BluethreadError):
    """`str(error)` is one sentence for the person, saying what to do next.

    Attributes:
        about_sending: whether something was to be sent (and was not), or only asked.
    """

    def __init__(self, sentence: str, *, about_sending: bool = True) -> None:
        super().__init__(sentence)
        self.about_sending = about_sending


class BadSettings(BluethreadError):  # noqa: N818 - reads as what it is
    """`str(error)` has one line per problem and no secret in it."""


class NotStored(BluethreadError):  # noqa: N818
    """The work was given up before the database took it."""


class MaybeStored(NotStored):
    """The connection broke in the commit itself. For a report: bring it again. For a person: say how to find out."""


class UnreadableReport(BluethreadError):  # noqa: N818
    """Not a JSON object, or neither a handle nor a status in it."""


class CallFailed(BluethreadError):  # noqa: N818
    """A call to a neighbour failed.

    Attributes:
        code: the neighbour's own word (`is_archived`, `4001`, `OPTED_OUT`), or ours in lower case (`timeout`).
        reason: the neighbour's explanation, verbatim and untrusted; may be empty.
        handle: the vendor's handle, when the answer named one.
    """

    def __init__(self, code: str, reason: str = "", *, handle: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.handle = handle


class Refused(CallFailed):
    """Do not ask again; tell the person."""


class NotSent(CallFailed):
    """It certainly did not happen. Ask again after `retry_after` seconds (None: choose a backoff)."""

    def __init__(self, code: str, reason: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(code, reason)
        self.retry_after = retry_after


class Uncertain(CallFailed):
    """No answer, or one that says nothing."""
