"""Where bytes may be fetched from: which URLs, and which addresses behind a name. Pure."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from msgspec import Struct
from yarl import URL

from bot.errors import Refused
from bot.network import is_host

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all of IPv6 that was ever handed out for the internet
_6TO4 = IPv6Network("2002::/16")  # within it; carries any IPv4 address, private ones too
_NAT64 = IPv6Network("64:ff9b::/96")  # how a network without IPv4 spells IPv4 addresses


class Source(Struct, frozen=True):
    """Whose files may be fetched.

    origins: those of the APIs that the settings name, as `origin_of` spells them; at any address, by http too.
    hosts: names, such as "storage.googleapis.com"; ".slack.com" means what is below slack.com. any_public: all other
    hosts, too. Hosts are called by https, on port 443, at public addresses.
    """

    origins: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    any_public: bool = False


def origin_of(url: str) -> str:
    """Return scheme://host[:port] of a URL, in lower case and without a port that goes without saying; "" if none."""
    parsed = _parsed(url)
    return _origin(parsed) if parsed else ""


def allowed(url: str, source: Source) -> tuple[URL, bool]:
    """Return the URL to call, and whether it may stand at any address. Raises Refused: it must not be called."""
    parsed = _parsed(url)
    if parsed is None:
        raise Refused("file_host")
    if _origin(parsed) in source.origins:
        return parsed, True
    host = str(parsed.raw_host).lower()
    listed = source.any_public or any(
        host.endswith(name) if name.startswith(".") else host == name for name in source.hosts
    )
    # An address is not looked up, so it is checked here; one that is spelled in another way (127.1) is none.
    is_address = ":" in host or host.replace(".", "").isdigit()
    if not listed or (parsed.scheme, parsed.port) != ("https", 443) or (is_address and not is_public(host)):
        raise Refused("file_host")
    return parsed, False


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet. No IPv6 address that carries a private IPv4 address is."""
    try:
        one = ip_address(address)
    except ValueError:
        return False
    if isinstance(one, IPv6Address) and one in _NAT64:
        one = IPv4Address(one.packed[-4:])
    if isinstance(one, IPv6Address):
        return one.is_global and one in _GLOBAL_UNICAST and one not in _6TO4
    return one.is_global and not one.is_multicast


def _parsed(url: str) -> URL | None:
    """Return a URL of which no character changes on the way, because many are signed; None for one that is none."""
    plain = url.isascii() and url.isprintable() and " " not in url
    try:
        parsed = URL(url, encoded=True)
        right = is_host(parsed.raw_host or "") and parsed.port and "@" not in parsed.raw_authority
    except ValueError:  # also of the port, once it is asked for
        return None
    return parsed if plain and right else None


def _origin(url: URL) -> str:
    default = {"http": ":80", "https": ":443"}.get(url.scheme, "")
    return f"{url.scheme}://{url.raw_authority.lower().removesuffix(default)}"
