"""How calls leave this process: through which proxy, trusting whose certificates, and how much of an answer is read.

The first two come from the environment, as in other programs: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in either
case, SSL_CERT_FILE and SSL_CERT_DIR. The HTTP libraries differ in how they read these, so none of them is asked to.
"""

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import certifi


def proxy_for(url: str) -> str | None:
    """Return the proxy (`http://host:port`) through which a URL is called; None: directly, as on this machine."""
    parts = urlsplit(url)
    name, host = _proxy_variable(parts.scheme), parts.hostname or ""
    direct = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if name is None or is_loopback(host) or any(_covers(entry.strip().lower(), host, port) for entry in direct):
        return None
    proxy = os.environ[name].strip()
    return proxy if "://" in proxy else f"http://{proxy}"


def network_problems(urls: Sequence[str]) -> list[str]:
    """Return a sentence for each variable with which the URLs cannot be called; none when all is well."""
    proxies = {urlsplit(url).scheme: proxy for url in urls if (proxy := proxy_for(url))}
    problems = [
        f"{_proxy_variable(scheme)}: must be like http://proxy.example.com:3128; no other kind works here"
        for scheme, proxy in proxies.items()
        if (parts := parts_of(proxy)) is None or parts.scheme != "http"
    ]
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
        except OSError:  # ssl.SSLError is one, too
            problems.append("SSL_CERT_FILE: must be a file with certificates in PEM format; correct it or unset it")
    if folder and not any(Path(one).is_dir() for one in folder.split(os.pathsep)):
        problems.append("SSL_CERT_DIR: there is no such folder; correct it or unset it")
    return problems


@cache
def trusted() -> ssl.SSLContext:
    """Return whose certificates are believed: SSL_CERT_FILE's and SSL_CERT_DIR's, else the system's and certifi's."""
    context = ssl.create_default_context()  # OpenSSL reads both variables itself
    if not os.environ.get("SSL_CERT_FILE"):
        context.load_verify_locations(certifi.where())
    return context


def is_host(name: str) -> bool:
    """Whether this can be the name or address of a host. International names must be spelled as xn-- names."""
    try:
        return ip_address(name) is not None
    except ValueError:
        labels = name.removesuffix(".").split(".")
        return all(re.fullmatch(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", label) for label in labels)


def parts_of(url: str) -> SplitResult | None:
    """Return the parts of a URL with a host and a port that can be; None for any other."""
    try:
        parts = urlsplit(url)
        return parts if is_host(parts.hostname or "") and parts.port != 0 else None
    except ValueError:  # a port or an address that is none
        return None


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxy_variable(scheme: str) -> str | None:
    names = [f"{kind}_proxy" for kind in (scheme, "all")]
    return next((each for name in names for each in (name, name.upper()) if os.environ.get(each, "").strip()), None)


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY means this host: `*`, a name and what is below it, an address, a network."""
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # the one or the other is a name
        name, _, wanted = entry.partition(":")
        name = name.removeprefix("*").removeprefix(".")
        return entry == "*" or (bool(name) and wanted in ("", str(port)) and f".{host}".endswith(f".{name}"))


_LARGEST_ANSWER = 2 * 1024 * 1024  # bytes; none that we ask for is larger; read as JSON it takes thirty times as much
_USUAL_ANSWER = 128 * 1024


class Reading:
    """Reads answers up to the largest size, and those above the usual size two at a time. error: of longer ones."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error
        self._large = asyncio.Semaphore(2)

    async def whole(self, pieces: AsyncIterator[bytes]) -> bytes:
        body = bytearray()
        async with AsyncExitStack() as stack:
            async for piece in pieces:
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise self._error("the answer is too large")
                if len(body) > _USUAL_ANSWER >= len(body) - len(piece):  # with this piece
                    await stack.enter_async_context(self._large)
        return bytes(body)
