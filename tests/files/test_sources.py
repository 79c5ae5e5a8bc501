"""Bytes come from where they may come from, and no private address hides behind a public name."""

import pytest

from bot.errors import Refused
from bot.files.sources import Source, allowed, is_public, origin_of

ORIGINS = frozenset({"https://slack.com", "http://127.0.0.1:8080", "http://[::1]:8080"})
LISTED = Source(ORIGINS, ("storage.googleapis.com", ".slack.com"))
ANY = Source(ORIGINS, any_public=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com/bucket/a%2Fb.jpg?sig=%2B%3d+x",
        "https://STORAGE.googleapis.com:443/",
        "https://files.slack.com/files-pri/T1-F1/download/a.jpg",
        "https://a.b.slack.com/",
    ],
)
def test_the_listed_hosts_are_called_at_public_addresses_and_by_the_very_url(url: str) -> None:
    for source in (LISTED, ANY):
        target, anywhere = allowed(url, source)
        assert (target.raw_path_qs, anywhere) == ("/" + url.split("/", 3)[3], False)


@pytest.mark.parametrize(
    "url", ["https://slack.com/api/a", "http://127.0.0.1:8080/a", "http://[::1]:8080/", "HTTPS://SLACK.com:443"]
)
def test_origins_are_called_wherever_they_stand(url: str) -> None:
    assert allowed(url, LISTED)[1] is True


HOSTILE = [
    *("http://files.slack.com/", "ftp://files.slack.com/", "file:///etc/passwd", "//files.slack.com/", "data:,x", ""),
    *("https://files.slack.com:8443/", "https://files.slack.com:80/", "https://files.slack.com:0/"),
    *(
        "https://files.slack.com:99999/",
        "https://files.slack.com:x/",
        "https:///files.slack.com/",
        "https:files.slack.com",
    ),
    *(
        "https://u:p@files.slack.com/",
        "https://u@files.slack.com/",
        "https://@files.slack.com/",
        "https://:@slack.com/",
    ),
    *(
        "https://files.slack.com/\r\nHost: evil",
        "https://files.slack.com/ a",
        "https://files.slack.com/ä",
        "https://fïles.slack.com/",
    ),
    *(
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://0/",
    ),
    *("https://[::ffff:127.0.0.1]/", "https://[::ffff:8.8.8.8]/", "https://[fe80::1%25eth0]/", "https://[fe80::1]/"),
    *("https://127.1/", "https://2130706433/", "https://127.0.0.1./", "https://0177.0.0.1/", "https://[::127.0.0.1]/"),
    *("https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/"),
    *(
        "https://files.slack.com\\.evil.com/",
        "https://evil\\@files.slack.com/",
        "https://[::1",
        "https://files..slack.com/",
    ),
    *("http://127.0.0.1:8081/", "https://127.0.0.1:8080/", "http://slack.com/", "https://slack.com:444/"),
]


@pytest.mark.parametrize("url", HOSTILE)
def test_what_is_not_allowed_is_not_called_even_if_any_public_host_is(url: str) -> None:
    for source in (LISTED, ANY):
        with pytest.raises(Refused) as refused:
            allowed(url, source)
        assert (refused.value.code, str(refused.value)) == ("file_host", "file_host")


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.com",
            "evilslack.com",
            "slack.com.evil.com",
            "files.slack.com.evil.com",
            "slack-files.com",
            ".slack.com",
        ),
        *("a.storage.googleapis.com", "storage.googleapis.com.", "8.8.8.8", "[2001:4860:4860::8888]"),
    ],
)
def test_no_other_host_is_called_than_those_listed(host: str) -> None:
    with pytest.raises(Refused):
        allowed(f"https://{host}/", LISTED)


@pytest.mark.parametrize("host", ["evil.com", "8.8.8.8", "[2001:4860:4860::8888]", "[64:ff9b::808:808]"])
def test_any_public_host_is_called_if_that_is_wanted(host: str) -> None:
    assert allowed(f"https://{host}/", ANY)[1] is False


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Slack.com/api/", "https://slack.com"),
        ("https://slack.com:443/api/", "https://slack.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:80/x", "http://localhost"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://u:p@slack.com/", ""),
        ("no URL", ""),
    ],
)
def test_an_origin_is_spelled_in_one_way(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((one, True) for one in ("8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808")),
        *((one, False) for one in ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0")),
        *((one, False) for one in ("169.254.169.254", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1")),
        *((one, False) for one in ("::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff0e::1", "2001:db8::1")),
        *((one, False) for one in ("::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "5f00::1")),
        *((one, False) for one in ("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "2001::1")),
        *((one, False) for one in ("127.1", "2130706433", "localhost", "")),
    ],
)
def test_only_the_public_internet_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public
