"""Which pictures Sendblue can fetch: the others are refused, not dropped."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import UsageError
from handlers.media import EXTENSIONS, check_media

PUBLIC = "https"
ENDING = "must end with its file type"
SIGNED = "signed and will expire"
PAGE = "leads to a page or asks for a login"
PRIVATE = "must not have a name or password"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/menu.png",
        "https://example.com/a/b/menu.final.JPG",
        "https://cdn.example.com:8443/menu.png",
        "https://example.com/menu.png?width=300&v=2",
        "https://example.com/menu.png#top",
        "https://example.com/caf%C3%A9.jpeg",
        "https://bücher.example/menu.png",
        "https://bücher.中国/menu.png",
        "https://example.xn--fiqs8s/menu.png",
        "https://www.dropbox.com/s/abc/menu.png?raw=1",
        "https://dl.dropboxusercontent.com/s/abc/menu.png",
        "https://notslack.com/menu.png",
        "HTTPS://EXAMPLE.COM/MENU.PNG",
        *(f"https://example.com/file.{kind}" for kind in sorted(EXTENSIONS)),
    ],
)
def test_a_public_link_is_taken_as_it_is(url):
    assert check_media(url) == url


@pytest.mark.parametrize("kind", ["vcf", "vcard", "caf", "png", "jpg", "heic", "mp4", "pdf"])
def test_what_the_vendor_names_is_known(kind):
    assert kind in EXTENSIONS


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", PUBLIC),
        ("menu.png", PUBLIC),
        ("http://example.com/menu.png", PUBLIC),
        ("ftp://example.com/menu.png", PUBLIC),
        ("file:///etc/menu.png", PUBLIC),
        ("javascript:alert(1)//.png", PUBLIC),
        ("https:///menu.png", PUBLIC),
        ("https://localhost/menu.png", PUBLIC),
        ("https://[::1]/menu.png", PUBLIC),
        ("https://[/menu.png", "not a link"),
        ("https://exa℀mple.com/menu.png", "not a link"),
        ("https://example.com/my menu.png", PUBLIC),
        ("https://example.com/menu.png\n", PUBLIC),
        ("https://example.com/\x00menu.png", PUBLIC),
        ("https://ana@example.com/menu.png", PRIVATE),
        ("https://ana:secret@example.com/menu.png", PRIVATE),
        ("https://:@example.com/menu.png", PRIVATE),
        ("https://127.1/menu.png", PUBLIC),
        *(
            (f"https://foo.{end}/menu.png", PUBLIC)
            for end in ("corp", "intranet", "home.arpa", "private", "onion", ".com")
        ),
        ("https://-foo.com/menu.png", PUBLIC),
        ("https://224.0.0.1/menu.png", PUBLIC),
        ("https://foo.ｌｏｃａｌ/menu.png", PUBLIC),
        *((f"https://{host}/menu.png", PAGE) for host in ("storage.cloud.google.com", "acme.box.com", "onedrive.com")),
        ("https://github.com/acme/menu/blob/main/menu.png", PAGE),
        ("https://cdn.example.com/menu.png?ex=1&is=2&hm=3", SIGNED),
        ("https://cdn.example.com/menu.png?accessToken=3", SIGNED),
        ("https://0x7f.1/menu.png", PUBLIC),
        ("https://0x7f.0x0.0x0.0x1/menu.png", PUBLIC),
        ("https://017700000001/menu.png", PUBLIC),
        ("https://10.0.0.1./menu.png", PUBLIC),
        ("https://localhost./menu.png", PUBLIC),
        ("https://example.com./menu.png", PUBLIC),
        ("https://files.slack.com./menu.png", PUBLIC),
        ("https://１２７.0.0.1/menu.png", PUBLIC),
        ("https://intranet.corp1/menu.png", PUBLIC),
        ("https://files.slack.com/files-pri/T1-F1/menu.png", PAGE),
        ("https://acme.slack.com/files/U1/F1/menu.png", PAGE),
        ("https://ACME.Slack.com/files/U1/F1/menu.png", PAGE),
        ("https://www.dropbox.com/s/abc/menu.png?dl=0", PAGE),
        ("https://www.dropbox.com/scl/fi/abc/menu.png?rlkey=x", PAGE),
        ("https://drive.google.com/file/d/abc/view", PAGE),
        ("https://drive.google.com/file/d/abc/menu.png", PAGE),
        ("https://contoso.sharepoint.com/:i:/s/Sales/menu.png", PAGE),
        ("https://contoso-my.sharepoint.com/personal/ana/menu.png?web=1", PAGE),
        ("https://onedrive.live.com/menu.png", PAGE),
        ("https://ᵈrive.google.com/menu.png", PAGE),
        ("https://example.com/menu", ENDING),
        ("https://example.com/menu.png/", ENDING),
        ("https://example.com/menu.exe", ENDING),
        ("https://example.com/?file=menu.png", ENDING),
        ("https://example.com", ENDING),
        ("https://example.com/menu.png?X-Amz-Signature=abc&X-Amz-Expires=60", SIGNED),
        ("https://example.com/menu.png?x-goog-algorithm=abc", SIGNED),
        ("https://example.com/menu.png?sig=abc&se=2026", SIGNED),
        ("https://example.com/menu.png?sv=2026&sp=r", SIGNED),
        ("https://example.com/menu.png?Expires=1&Key-Pair-Id=2", SIGNED),
        ("https://example.com/menu.png?token", SIGNED),
        ("https://example.com/menu.png?Policy=abc", SIGNED),
    ],
)
def test_a_link_sendblue_cannot_fetch_is_refused_with_the_reason(url, said):
    with pytest.raises(UsageError, match="^(that|the) .*" + said):
        check_media(url)


@pytest.mark.parametrize("query", ["design=2", "assigned=ana", "significant=1", "spolicyx=1"])
def test_an_innocent_query_is_not_called_a_signature(query):
    check_media(f"https://example.com/menu.png?{query}")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.5", "192.168.1.10", "169.254.169.254", "printer.local", "printer.ᴸᴼᶜᴬᴸ"),
        *("[::1]", "[::ffff:8.8.8.8]"),
    ],
)
def test_a_private_address_is_not_public(host):
    with pytest.raises(UsageError, match="public"):
        check_media(f"https://{host}/menu.png")


@pytest.mark.parametrize("port", ["abc", "99999", "-1"])
def test_a_port_that_cannot_be_is_refused(port):
    with pytest.raises(UsageError):
        check_media(f"https://example.com:{port}/menu.png")


@settings(deadline=None)
@given(
    st.text(st.characters(), max_size=30)
    | st.builds(
        str.join,
        st.just(""),
        st.lists(st.sampled_from(["https://", "ex.com", "/", ".png", "[", "]", "@", ":", "?", "%", "#", "\n", "℀"])),
    )
)
def test_any_link_whatever_is_taken_or_refused(url):
    with suppress(UsageError):
        assert check_media(url) == url
