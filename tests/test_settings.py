"""Settings: what is wrong is said in one line each, by name, and no secret is in it."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadSettings
from bot.settings import Settings, load_settings

NAMES = {*map(str.upper, Settings.model_fields), "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"}
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1234-hush",
    "SLACK_SIGNING_SECRET": "signing-hush",
    "SENDBLUE_API_KEY_ID": "key-id-hush",
    "SENDBLUE_API_SECRET_KEY": "key-secret-hush",
    "CALLBACK_SECRET": "callback-hush",
}
ENOUGH = SECRETS | {"SENDBLUE_FROM_NUMBER": "+15550100900", "PUBLIC_URL": "https://bot.example.com"}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load from an environment of its own; None leaves a setting out."""

    def load_from(**changes: str | None) -> Settings:
        for name, value in (ENOUGH | changes).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        return load_settings()

    return load_from


@pytest.fixture
def problems(load: Any) -> Any:
    """The lines a start with these settings ends with."""

    def lines_for(**changes: str | None) -> list[str]:
        with pytest.raises(BadSettings) as refused:
            load(**changes)
        said = str(refused.value)
        assert not any(secret in said for secret in SECRETS.values())
        return said.splitlines()

    return lines_for


def test_seven_settings_are_enough(load):
    found = load()
    assert (found.lines, found.port, found.default_region) == (("+15550100900",), 3000, "US")
    assert found.database_url == "sqlite:///bluethread.db"
    assert found.sendblue_api_url == "https://api.sendblue.co"
    assert (found.repoll_interval, found.stale_after, found.watch_for) == (30, 120, 86_400)


@pytest.mark.parametrize("name", ENOUGH)
def test_a_missing_setting_is_named(problems, name):
    assert problems(**{name: None}) == [f"{name} is not set"]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("nothing", ["", "  ", "\n"])
def test_an_empty_secret_is_none(problems, name, nothing):
    [line] = problems(**{name: nothing})
    assert re.fullmatch(f"{name}( is not set|: is empty)", line)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PUBLIC_URL", "bot.example.com", "must be an https URL without a query"),
        ("PUBLIC_URL", "https://", "must be an https URL without a query"),
        ("PUBLIC_URL", "ftp://bot.example.com", "must be an https URL without a query"),
        ("PUBLIC_URL", "https://bot.example.com/?a=1", "must be an https URL without a query"),
        ("PUBLIC_URL", "https://bot.example.com/?", "must be an https URL without a query"),
        ("PUBLIC_URL", "https://ana:hush@bot.example.com", "must be an https URL without a query"),
        ("PUBLIC_URL", "https://@bot.example.com/a", "must be an https URL without a query"),
        ("PUBLIC_URL", "http://bot.example.com", "must begin with https://"),
        ("PUBLIC_URL", "http://10.0.0.1:3000", "must begin with https://"),
        ("PUBLIC_URL", "https://YOUR-APP.example.com", "is still the example's value"),
        ("PUBLIC_URL", "https://bot.example.com/#a", "must be an https URL without a query"),
        ("PUBLIC_URL", "http://[", "must be an https URL without a query"),
        ("SLACK_API_URL", "http://[", "must be an http(s) URL without a query"),
        ("SENDBLUE_API_URL", "http://api.sendblue.co", "must begin with https://, because keys and texts travel there"),
        ("SENDBLUE_API_URL", "https://api.send\u200bblue.co", "must be an http(s) URL without a query"),
        ("SENDBLUE_API_URL", "https://a..b", "must be an http(s) URL without a query"),
        ("SENDBLUE_FROM_NUMBER", "+15550100900;ext=5", "must be E.164"),
        ("SENDBLUE_FROM_NUMBER", "+1-800-FLOWERS", "must be E.164"),
        ("DEFAULT_REGION", "ß", "must be a two-letter country code"),
        ("PORT", "1" * 400, "must be a whole number from 0 to 65535"),
        ("DATABASE_URL", "postgres://u:p@db..example.com/x", "check its host"),
        ("DATABASE_URL", "postgres://u:p@one:5432,two:port/x", "cannot be read"),
        ("DATABASE_URL", "sqlite:///a%00b.db", "cannot be read"),
        ("HOST", "b\udcfcro", "is not plain text: set it again"),
        ("SLACK_API_URL", "slack", "must be an http(s) URL without a query"),
        ("SENDBLUE_API_URL", "https:", "must be an http(s) URL without a query"),
        ("SENDBLUE_FROM_NUMBER", "5550100900", "must be E.164, such as +15550100900"),
        ("SENDBLUE_FROM_NUMBER", "+1", "must be E.164, such as +15550100900"),
        ("SENDBLUE_FROM_NUMBER", "+15550100900,", "must be E.164, such as +15550100900 (several: separated by commas)"),
        ("SENDBLUE_FROM_NUMBER", "+15550100900;+15550100901", "separated by commas"),
        ("PORT", "abc", "must be a whole number from 0 to 65535"),
        ("PORT", "70000", "must be a whole number from 0 to 65535"),
        ("PORT", "3000.5", "must be a whole number from 0 to 65535"),
        ("PORT", "-1", "must be a whole number from 0 to 65535"),
        ("DEFAULT_REGION", "USA", "must be a two-letter country code, such as US"),
        ("DEFAULT_REGION", "UK", "must be a two-letter country code, such as US"),
        ("REPOLL_INTERVAL", "0", "must be a number of seconds from 0.05 to"),
        ("REPOLL_INTERVAL", "0.001", "must be a number of seconds from 0.05 to"),
        ("STALE_AFTER", "120" + " " * 45 + "x", "must be a number of seconds from 0.1 to"),
        ("STALE_AFTER", "-1", "must be a number of seconds from 0.1 to"),
        ("WATCH_FOR", "nan", "must be a number of seconds from 1 to"),
        ("WATCH_FOR", "1", "must be longer than SENDBLUE_TIMEOUT"),
        ("SEND_WITHIN", "0.001", "must be a number of seconds from 1 to"),
        ("SENDBLUE_TIMEOUT", "0.01", "must be a number of seconds from 0.5 to"),
        ("DATABASE_POOL_SIZE", "0", "must be a whole number from 1 to 100"),
        ("DOUBT_WINDOW", "10 minutes", "must be a number of seconds"),
        ("SENDBLUE_TIMEOUT", "-", "must be a number of seconds"),
        ("SLACK_POST_INTERVAL", "-0.1", "must be a number of seconds from 0 to 3600"),
        ("SENDBLUE_SEND_INTERVAL", "x", "must be a number of seconds from 0 to 3600"),
        ("LOG_LEVEL", "LOUD", "must be DEBUG, INFO, WARNING or ERROR"),
        ("LOG_FORMAT", "xml", "must be json, console or auto"),
        ("ALLOW_EPHEMERAL_SQLITE", "maybe", "must be true or false"),
        ("SLACK_BOT_TOKEN", "hello", "must begin with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxp-1234-hush", "is not a bot's token"),
        ("SLACK_BOT_TOKEN", "xoxb-", "must begin with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxb-1 2", "has a space or a character that is invisible"),
        ("SLACK_SIGNING_SECRET", "0" * 32, "can be guessed"),
        ("SLACK_SIGNING_SECRET", "secret", "is too short and can be guessed: it needs 12 characters or more"),
        ("CALLBACK_SECRET", "xyxyxyxyxyxyxyxy", "can be guessed"),
        ("CALLBACK_SECRET", "secret", "is too short"),
        ("CALLBACK_SECRET", "long-enough-to-be-kept,short", "is too short"),
        ("CALLBACK_SECRET", "EXAMPLE-REPLACE-ME-WITH-43-RANDOM-CHARACTERS", "is still the example's value"),
        ("SENDBLUE_WEBHOOK_SECRET", "secret", "is too short"),
        ("SENDBLUE_WEBHOOK_SECRET", "a" * 40, "can be guessed"),
        ("SENDBLUE_API_KEY_ID", "EXAMPLE-KEY-ID-REPLACE-ME", "is still the example's value"),
        ("SENDBLUE_API_SECRET_KEY", "key\u200b-hush", "invisible or not ASCII"),
        ("SENDBLUE_API_SECRET_KEY", "schlüssel", "invisible or not ASCII"),
        ("SENDBLUE_API_KEY_ID", "key id", "has a space"),
        ("METRICS_TOKEN", "tokén", "invisible or not ASCII"),
        ("DATABASE_URL", "postgres://u:pa[ss@host/name", "%5B for ["),
        ("DATABASE_URL", "postgres://u:p@host:port/name", "the port after it must be a number"),
        ("ALLOWED_CHANNELS", "general", "must be Slack ids that begin with C or G or D, separated by commas"),
        ("ALLOWED_CHANNELS", "C0GENERAL,#general", "must be Slack ids"),
        ("ALLOWED_USERS", "@ana", "must be Slack ids that begin with U or W or S, separated by commas"),
        ("ALERT_CHANNEL", "#ops", "must be one Slack id that begins with C or G or D or U"),
        ("ALERT_CHANNEL", "C0OPS,C0DEV", "must be one Slack id"),
        ("ALERT_CHANNEL", "C0OPS,", "must be one Slack id"),
    ],
)
def test_a_malformed_setting_is_named_with_what_is_right(problems, name, value, said):
    [line] = problems(**{name: value})
    assert line.startswith(f"{name}: ")
    assert said in line


@pytest.mark.parametrize("url", ["mysql://u:hush@host/d", "bluethread.db", "sqlite://", "sqlite+aiosqlite:///x.db"])
def test_a_database_this_cannot_use_is_refused_without_its_password(problems, url):
    [line] = problems(DATABASE_URL=url)
    assert line.startswith("DATABASE_URL")
    assert "hush" not in line


@pytest.mark.parametrize("name", ["SENDBLUE_API_URL", "PORT", "DATABASE_URL", "LOG_LEVEL", "ALLOW_EPHEMERAL_SQLITE"])
def test_an_optional_setting_left_empty_is_as_good_as_absent(load, name):
    """`.env.example` and hosts' forms are full of empty ones."""
    assert getattr(load(**{name: ""}), name.lower()) == getattr(load(**{name: None}), name.lower())


def test_several_problems_are_several_lines(problems):
    lines = problems(SLACK_BOT_TOKEN=None, PUBLIC_URL="nowhere", PORT="x", CALLBACK_SECRET="")
    assert [line.split(":")[0].split(" ")[0] for line in lines] == [
        "SLACK_BOT_TOKEN",
        "PUBLIC_URL",
        "CALLBACK_SECRET",
        "PORT",
    ]


OAUTH = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "oauth-hush"}


def test_settings_that_make_bolt_ignore_our_token_are_refused(problems):
    [line] = problems(**OAUTH)
    assert "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET must not be set" in line
    assert "oauth-hush" not in line


@pytest.mark.parametrize("name", OAUTH)
def test_half_of_them_is_refused_as_well(problems, name):
    [line] = problems(**{name: OAUTH[name]})
    assert name in line


def test_sqlite_on_a_disk_that_is_wiped_is_refused_with_a_way_on(problems):
    [line] = problems(DYNO="web.1")
    assert "a dyno's disk is erased" in line
    assert "ALLOW_EPHEMERAL_SQLITE=true" in line


def test_sqlite_leaves_no_work_to_another_process(problems):
    [line] = problems(WEB_ALSO_WORKS="false")
    assert line.startswith("WEB_ALSO_WORKS=false needs PostgreSQL")


def test_to_try_things_out_a_wiped_disk_will_do(load):
    assert load(DYNO="web.1", ALLOW_EPHEMERAL_SQLITE="true").allow_ephemeral_sqlite


@pytest.mark.parametrize("also", [{"DYNO": "web.1"}, {"PORT": "x"}, {"DATABASE_URL": "mysql://x"}])
def test_every_problem_is_said_at_the_first_start(problems, also):
    assert len(problems(**OAUTH, **also)) == 2


def test_several_lines_of_ours_are_separated_by_commas_in_any_spelling(load):
    found = load(SENDBLUE_FROM_NUMBER=" +15550100900, +1 (555) 010-0901 ")
    assert found.lines == ("+15550100900", "+15550100901")


def test_several_callback_secrets_are_separated_by_commas_newest_first(load):
    found = load(CALLBACK_SECRET=" new-callback-hush, old-callback-hush,")
    assert found.callback_secrets == ("new-callback-hush", "old-callback-hush")
    assert set(found.callback_secrets) <= set(found.secrets)


def test_who_may_text_is_a_list_of_ids_in_any_spelling(load):
    rules = load(ALLOWED_CHANNELS=" C0GENERAL, G0SECRET,", ALLOWED_USERS="U0ANA,W0BEN, S0TEAM").rules
    assert set(rules.channels) == {"C0GENERAL", "G0SECRET"}
    assert (set(rules.users), set(rules.groups)) == ({"U0ANA", "W0BEN"}, {"S0TEAM"})
    assert not rules.guests


def test_each_of_several_webhook_secrets_is_known_to_the_redaction(load):
    found = load(SENDBLUE_WEBHOOK_SECRET="new-webhook-hush,old-webhook-hush")
    assert found.webhook_secrets == ("new-webhook-hush", "old-webhook-hush")
    assert set(found.webhook_secrets) <= set(found.secrets)


@pytest.mark.parametrize("nothing", [",", " , "])
def test_a_callback_secret_of_commas_is_empty(problems, nothing):
    assert problems(CALLBACK_SECRET=nothing) == ["CALLBACK_SECRET: is empty"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://bot.example.com/", "https://bot.example.com"),
        ("https://bot.example.com/bots//a@b/", "https://bot.example.com/bots//a@b"),  # no user: it stands in the path
        *((url, url) for url in ("http://127.0.0.1:3000", "http://[::1]:3000", "http://localhost:3000")),
    ],
)
def test_a_url_s_last_slash_makes_no_difference(load, written, read):
    assert load(PUBLIC_URL=written).public_url == read


@pytest.mark.parametrize(
    "url", ["https://bot example.com", "https://bot.example.com:abc", "https://bot.example.com:99999"]
)
def test_a_url_nobody_can_call_is_refused(problems, url):
    problems(PUBLIC_URL=url)


@pytest.mark.parametrize(("name", "value"), [("REPOLL_INTERVAL", "inf"), ("WATCH_FOR", "1e300")])
def test_a_value_that_only_looks_right_is_refused(problems, name, value):
    problems(**{name: value})


@pytest.mark.parametrize("name", SECRETS)
def test_white_space_around_a_secret_is_no_part_of_it(load, name):
    """Where settings are pasted, a line break comes with them."""
    found = load(**{name: f" {SECRETS[name]}\n"})
    assert getattr(found, name.lower()).get_secret_value() == SECRETS[name]


SMALL = {
    "REPOLL_INTERVAL": "1",
    "STALE_AFTER": "2",
    "SENDBLUE_TIMEOUT": "2",
    "DOUBT_WINDOW": "4",
    "WATCH_FOR": "60",
    "SLACK_POST_INTERVAL": "0.05",
    "SENDBLUE_SEND_INTERVAL": "0.02",
    "SLACK_API_URL": "http://127.0.0.1:1/api",
    "SENDBLUE_API_URL": "http://127.0.0.1:2",
}


@pytest.mark.parametrize("which", [list(SMALL), *([name] for name in SMALL)])
def test_small_values_that_work_are_taken(load, which):
    load(**{name: SMALL[name] for name in which})


@pytest.mark.parametrize(("written", "read"), [("info", "INFO"), ("Warning", "WARNING")])
def test_a_word_may_be_written_in_any_case(load, written, read):
    assert load(LOG_LEVEL=written).log_level == read


EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"


def test_the_example_as_it_is_does_not_start():
    """With its secrets a stranger could sign commands."""
    with pytest.raises(BadSettings) as refused:
        load_settings(_env_file=EXAMPLE)
    named = [line.partition(":")[0] for line in str(refused.value).splitlines()]
    assert set(named) == {*SECRETS, "PUBLIC_URL"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("PORT=4000\n".encode("utf-16"), ".env: is not UTF-8 text"),
        ("PORT=4000\n".encode("utf-16-le"), ".env: is not UTF-8 text"),
        ("HOST=büro\n".encode("latin-1"), ".env: is not UTF-8 text"),
        (b"PORT=4000\nSLACK_BOT_TOKEN: xoxb-1-2\n", ".env: line 2 is not NAME=value"),
    ],
)
def test_a_file_of_settings_that_cannot_be_read_is_named(problems, written, said):
    Path(".env").write_bytes(written)
    [line] = problems()
    assert line.startswith(said)


def test_a_folder_in_place_of_the_file_is_named(problems):
    Path(".env").mkdir()
    [line] = problems()
    assert line.startswith(".env: cannot be read")


def test_a_pipe_in_place_of_the_file_is_not_waited_for(problems):
    os.mkfifo(".env")
    [line] = problems()
    assert line.startswith(".env: cannot be read")


def test_the_scheme_of_an_address_is_read_in_any_case(load):
    found = load(SENDBLUE_API_URL="HTTPS://api.sendblue.co", PUBLIC_URL="HTTPS://bot.example.com")
    assert (found.sendblue_api_url, found.public_url) == ("https://api.sendblue.co", "https://bot.example.com")


def test_a_mark_at_the_beginning_of_the_file_hides_no_setting(load):
    Path(".env").write_text("PORT=4000\n", "utf-8-sig")
    assert load().port == 4000


def test_a_region_may_be_written_small(load):
    assert load(DEFAULT_REGION="de").default_region == "DE"


def test_env_files_are_read_and_the_environment_wins(load):
    Path(".env").write_text("PORT=4000\nHOST=127.0.0.1\nUNKNOWN=1\n")
    found = load(HOST="::1")
    assert (found.port, found.host) == (4000, "::1")


def test_a_start_with_nothing_but_an_env_file():
    Path(".env").write_text("\n".join(f"{name}={value}" for name, value in ENOUGH.items()))
    assert load_settings().lines == ("+15550100900",)


def test_every_secret_is_known_to_the_redaction_and_printed_nowhere(load):
    found = load(SENDBLUE_WEBHOOK_SECRET="webhook-hush")
    for secret in (*SECRETS.values(), "webhook-hush"):
        assert secret in found.secrets
        assert secret not in repr(found)
    assert "" not in load(SENDBLUE_WEBHOOK_SECRET="").secrets
    assert {"pa%40ss-word", "pa@ss-word"} <= set(load(DATABASE_URL="postgres://u:pa%40ss-word@h/n").secrets)


@settings(deadline=None)
@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from(
                ["", "hush-hush", "+1", "hush-hush-hush,hush-hush-hush", "http://hush-hush@", "1e999", "web.1"]
            )
            for name in NAMES | {"DYNO"}
        },
    )
)
def test_whatever_is_set_the_start_works_or_ends_in_readable_lines(values):
    with pytest.MonkeyPatch.context() as environment:
        for name, value in (ENOUGH | values).items():
            environment.setenv(name, value)
        try:
            load_settings()
        except BadSettings as error:
            lines = str(error).splitlines()
            assert lines
            assert not any("hush" in line for line in lines)
            assert all(re.match("[A-Z_]+", line)[0] in NAMES for line in lines)
