"""The settings: the same in the code, in `.env.example` and in `app.json`, both ways."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings, load_settings
from tests.deployment import ROOT

EXAMPLE = ROOT / ".env.example"
LINES = EXAMPLE.read_text().splitlines()
APP = json.loads((ROOT / "app.json").read_text())
ENV = APP["env"]

NAMES = {name.upper() for name in Settings.model_fields}
REQUIRED = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
SET_BY_THE_PLATFORM = {"HOST", "PORT", "DATABASE_URL"}
POINTLESS_THERE = {"ALLOW_EPHEMERAL_SQLITE"}
"""The add-on brings PostgreSQL."""
EMPTY = {name.upper() for name in Settings.model_fields if str(Settings.model_fields[name].default) == ""}

ACTIVE = re.compile(r"([A-Z][A-Z_]+)=(.*)")
OPTIONAL = re.compile(r"# ([A-Z][A-Z_]+)=(.*)")


def _example(pattern: re.Pattern[str]) -> dict[str, str]:
    found = [match for line in LINES if (match := pattern.fullmatch(line))]
    names = [match[1] for match in found]
    assert len(names) == len(set(names))
    return {match[1]: match[2] for match in found}


def _loaded(path: Path, lines: list[str]) -> Settings:
    path.write_text("\n".join(lines) + "\n")
    return load_settings(_env_file=path)


def test_the_example_sets_what_must_be_set_and_shows_what_may_be() -> None:
    assert set(_example(ACTIVE)) == REQUIRED
    assert set(_example(OPTIONAL)) == NAMES - REQUIRED


def test_the_example_copied_to_env_works(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path / ".env")  # the tests run in tmp_path
    settings = load_settings()
    assert settings.lines == ("+15550100900",)
    assert settings.public_url == "https://YOUR-APP.example.com"


def test_the_examples_optional_values_are_the_defaults(tmp_path: Path) -> None:
    everything = [line.removeprefix("# ") if OPTIONAL.fullmatch(line) else line for line in LINES]
    assert _loaded(tmp_path / "all", everything) == load_settings(_env_file=EXAMPLE)
    assert all(re.fullmatch(r"[^'\"#\s]*", value) for value in {**_example(ACTIVE), **_example(OPTIONAL)}.values()), (
        "Docker and systemd read quotes, comments and blanks in another way than python does"
    )


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_setting_of_the_example_is_explained(name: str) -> None:
    place = next(n for n, line in enumerate(LINES) if line.startswith((f"{name}=", f"# {name}=")))
    assert re.match(r"# \S", LINES[place - 1])
    assert not OPTIONAL.fullmatch(LINES[place - 1])


def test_the_examples_secrets_cannot_be_taken_for_real_ones() -> None:
    example = _example(ACTIVE)
    for name in ("SLACK_BOT_TOKEN", "SENDBLUE_API_KEY_ID", "SENDBLUE_API_SECRET_KEY", "CALLBACK_SECRET"):
        assert "EXAMPLE" in example[name]
        assert "REPLACE-ME" in example[name]
    assert set(example["SLACK_SIGNING_SECRET"]) == {"0"}
    assert example["SLACK_BOT_TOKEN"].startswith("xoxb-")


def test_app_json_asks_for_what_must_be_set_and_offers_what_may_be() -> None:
    assert set(ENV) == NAMES - SET_BY_THE_PLATFORM - POINTLESS_THERE
    assert {name for name, entry in ENV.items() if entry["required"]} == REQUIRED


def test_app_json_explains_every_setting() -> None:
    assert [name for name, entry in ENV.items() if not entry["description"].endswith(".")] == []


def test_app_json_has_only_what_heroku_knows() -> None:
    assert set(APP) == {"name", "description", "keywords", "stack", "addons", "formation", "env"}
    assert len(APP["name"]) <= 30
    for entry in ENV.values():
        assert set(entry) <= {"description", "required", "value", "generator"}
        assert all(isinstance(value, str) for name, value in entry.items() if name != "required")
        assert isinstance(entry["required"], bool)


def test_app_jsons_values_are_the_defaults(tmp_path: Path) -> None:
    offered = {name: entry["value"] for name, entry in ENV.items() if "value" in entry}
    assert set(offered) == set(ENV) - REQUIRED - EMPTY
    lines = [*LINES, *(f"{name}={value}" for name, value in offered.items())]
    assert _loaded(tmp_path / "offered", lines) == load_settings(_env_file=EXAMPLE)


def test_exactly_the_secret_that_is_ours_is_generated() -> None:
    assert {name for name, entry in ENV.items() if "generator" in entry} == {"CALLBACK_SECRET"}
    assert ENV["CALLBACK_SECRET"]["generator"] == "secret"
    made = "0123456789abcdef" * 4  # what Heroku makes: 64 hexadecimal digits
    assert load_settings(_env_file=EXAMPLE, callback_secret=made).callback_secrets == (made,)


def test_the_button_starts_only_with_the_postgresql_it_attaches(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [addon.partition(":")[0] for addon in APP["addons"]] == ["heroku-postgresql"]
    filled: dict[str, Any] = {"_env_file": EXAMPLE}
    monkeypatch.setenv("DYNO", "web.1")
    with pytest.raises(Exception, match="wiped"):
        load_settings(**filled)
    monkeypatch.setenv("DATABASE_URL", "postgres://user:password@host:5432/name")  # as the add-on writes it
    load_settings(**filled)


@pytest.mark.parametrize("page", ["docs/deploy.md", "docs/security.md"])
def test_the_pages_settings_exist(page: str) -> None:
    named = set(re.findall(r"\b([A-Z]+(?:_[A-Z]+)+)(?==|`)", (ROOT / page).read_text()))
    assert named - NAMES <= {"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"}
    assert len(named) > 10


def test_what_must_be_set_is_explained() -> None:
    page = (ROOT / "docs/deploy.md").read_text()
    assert {name for name in REQUIRED if name not in page} == set()
