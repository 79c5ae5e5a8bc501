"""What a setting may be: each check returns the value ready to use, or says in one line what is right. Pure."""

import re
from contextlib import suppress
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from bot.domain.number import in_e164, is_region
from bot.network import is_host, is_loopback, parts_of

_SHORTEST_SECRET = 12
_PLACEHOLDER = re.compile(r"REPLACE[-_]ME|^EXAMPLE|YOUR-APP|CHANGE[-_]?ME", re.IGNORECASE)


def listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _key(value: SecretStr) -> SecretStr:
    """Check what Slack or Sendblue gave out: it travels in headers, and what is copied may hold more than it shows."""
    text = value.get_secret_value()
    if not text.strip(", \t\n"):
        raise ValueError("is empty")
    if _PLACEHOLDER.search(text):
        raise ValueError("is still the example's value: replace it with your own value")
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("has a space or a character that is invisible or not ASCII: copy it again")
    return value


def _token(value: SecretStr) -> SecretStr:
    text = _key(value).get_secret_value()
    if re.match(r"xox[ac-z]-", text):
        raise ValueError("is not a bot's token: copy the Bot User OAuth Token, which begins with xoxb-")
    if not re.fullmatch(r"xoxb-[A-Za-z0-9-]+", text):
        raise ValueError("must begin with xoxb-: copy the Bot User OAuth Token from OAuth & Permissions")
    return value


def _guess_proof(value: SecretStr, *, optional: bool = False) -> SecretStr:
    """Check what others must not guess. Several may be separated by commas."""
    secrets = listed(value.get_secret_value())
    if not secrets and not optional:
        raise ValueError("is empty")
    for secret in secrets:
        _key(SecretStr(secret))
        if len(secret) < _SHORTEST_SECRET:
            raise ValueError(f"is too short and can be guessed: it needs {_SHORTEST_SECRET} characters or more")
        if len(set(secret)) < 3:
            raise ValueError("can be guessed: it repeats one or two characters")
    return value if secrets else SecretStr("")


def _url(value: str, *, public: bool = False) -> str:
    if public and _PLACEHOLDER.search(value):
        raise ValueError("is still the example's value: replace it with the address where this bot is reached")
    parts = parts_of(value) if re.fullmatch(r"(?i)https?://[!-~]+", value) else None
    if parts is None or parts.query or parts.fragment or (public and re.search("[?#]|^[^/]*//[^/]*@", value)):
        kind = "https" if public else "http(s)"
        raise ValueError(f"must be an {kind} URL without a query, such as https://bot.example.com")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        why = "Slack and Sendblue call it over the internet" if public else "keys and texts travel there"
        raise ValueError(f"must begin with https://, because {why}")
    return parts.geturl().rstrip("/")  # with its scheme in lower case


def _lines(value: str) -> str:
    for line in value.split(","):
        if in_e164(line.strip()) is None or not re.fullmatch(r"\+[()\d\s./-]+", line.strip()):
            raise ValueError("must be E.164, such as +15550100900 (several: separated by commas)")
    return value


def _database(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgres://", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("must be like sqlite:///bluethread.db or postgres://user:password@host/name")
    try:
        hosts = [urlsplit(f"//{host}") for host in urlsplit(value).netloc.rpartition("@")[2].split(",")]
        readable = all(host.port != 0 and (not host.hostname or is_host(host.hostname)) for host in hosts)
    except ValueError:
        readable = False
    if not readable or "%00" in value or "\x00" in value:
        raise ValueError(
            "cannot be read: check its host; the port after it must be a number; in the password write special "
            "characters as %XX, such as %40 for @ and %5B for ["
        )
    return value


def _region(value: str) -> str:
    if not value.isascii() or not is_region(value.upper()):
        raise ValueError("must be a two-letter country code, such as US")
    return value.upper()


def ids(kinds: str, *, one: bool = False) -> AfterValidator:
    """Slack ids that begin with one of these letters, separated by commas; or just one of them."""
    what = "one Slack id that begins with {}" if one else "Slack ids that begin with {}, separated by commas"

    def check(value: str) -> str:
        found = listed(value) if not one else (value,) if value else ()
        if not all(re.fullmatch(rf"[{kinds}][A-Z0-9]{{2,30}}", each) for each in found):
            raise ValueError(f"must be {what.format(' or '.join(kinds))}")
        return value

    return AfterValidator(check)


def number(least: float, most: float, unit: str = "", *, whole: bool = False) -> BeforeValidator:
    what = f"{'a whole number' if whole else 'a number'}{unit and f' of {unit}'} from {least:g} to {most:.10g}"

    def check(value: object) -> float:
        with suppress(ValueError):
            found = (int if whole else float)(str(value).strip())
            if least <= found <= most:
                return found
        raise ValueError(f"must be {what}")

    return BeforeValidator(check)


def one_of(*words: str) -> BeforeValidator:
    def check(value: object) -> str:
        for word in words:
            if str(value).strip().casefold() == word.casefold():
                return word
        raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}")

    return BeforeValidator(check)


def _boolean(value: object) -> bool:
    word = str(value).strip().casefold()
    if word not in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        raise ValueError("must be true or false")
    return word in ("true", "1", "yes", "on")


Key = Annotated[SecretStr, AfterValidator(_key)]
Token = Annotated[SecretStr, AfterValidator(_token)]
Secret = Annotated[SecretStr, AfterValidator(_guess_proof)]
OptionalSecret = Annotated[SecretStr, AfterValidator(partial(_guess_proof, optional=True))]
OptionalKey = Annotated[SecretStr, AfterValidator(lambda value: _key(value) if value else value)]
Url = Annotated[str, AfterValidator(_url)]
PublicUrl = Annotated[str, AfterValidator(partial(_url, public=True))]
Lines = Annotated[str, AfterValidator(_lines)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
Region = Annotated[str, AfterValidator(_region)]
Flag = Annotated[bool, BeforeValidator(_boolean)]
Pace = Annotated[float, number(0, 3600, "seconds")]
seconds = partial(number, most=10 * 366 * 86400, unit="seconds")  # at least so many, and at most ten years
