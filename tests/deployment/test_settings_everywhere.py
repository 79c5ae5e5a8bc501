"""The settings: the same in the code, in `.env.example` and in `app.json`, both ways."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings, load_settings
from tests.deployment import EXAMPLE, FILLED_IN, ROOT, filled_in

LINES = EXAMPLE.read_text().splitlines()
APP = json.loads((ROOT / "app.json").read_text())
ENV = APP["env"]

NAMES = {name.upper() for name in Settings.model_fields}
REQUIRED = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
TO_DECIDE = {"ALLOWED_USERS", "ALLOWED_CHANNELS", "ALERT_CHANNEL", "DEFAULT_REGION"}
"""What a first deploy may well set, though nothing has to be set there."""
SET_BY_THE_PLATFORM = {"HOST": "127.0.0.1", "PORT": "5000", "DATABASE_URL": "postgres://user:password@host:5432/name"}
"""As the add-on and the platform write them."""
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


def test_the_example_works_once_its_values_are_replaced(tmp_path: Path) -> None:
    assert set(FILLED_IN) == REQUIRED
    assert not set(FILLED_IN.items()) & set(_example(ACTIVE).items())
    filled_in(tmp_path / ".env")  # the tests run in tmp_path
    settings = load_settings()
    assert settings.lines == (FILLED_IN["SENDBLUE_FROM_NUMBER"],)
    assert settings.public_url == FILLED_IN["PUBLIC_URL"]


def test_the_examples_optional_values_are_the_defaults(tmp_path: Path) -> None:
    example = filled_in(tmp_path / "filled")
    lines = example.read_text().splitlines()
    everything = [line.removeprefix("# ") if OPTIONAL.fullmatch(line) else line for line in lines]
    assert _loaded(tmp_path / "all", everything) == load_settings(_env_file=example)
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


def test_app_json_asks_for_what_must_be_set_and_for_little_else() -> None:
    assert set(ENV) == REQUIRED | TO_DECIDE
    assert {name for name, entry in ENV.items() if entry["required"]} == REQUIRED


def test_what_app_json_leaves_out_has_a_default_that_works_on_a_dyno(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the form filled in as briefly as it can be. That it also serves and works: test_procfile.py."""
    monkeypatch.setenv("DYNO", "web.1")
    form = {name: FILLED_IN[name] for name in REQUIRED} | SET_BY_THE_PLATFORM
    settings = _loaded(tmp_path / "form", [f"{name}={value}" for name, value in form.items()])
    for name in NAMES - set(form):
        assert getattr(settings, name.lower()) == Settings.model_fields[name.lower()].default, name


def test_app_json_explains_every_setting() -> None:
    assert [name for name, entry in ENV.items() if not entry["description"].endswith(".")] == []


def test_app_json_has_only_what_heroku_knows() -> None:
    about = {"name", "description", "keywords", "website", "repository", "logo"}
    assert set(APP) == about | {"stack", "addons", "formation", "env"}
    assert len(APP["name"]) <= 30
    for entry in ENV.values():
        assert set(entry) <= {"description", "required", "value", "generator"}
        assert all(isinstance(value, str) for name, value in entry.items() if name != "required")
        assert isinstance(entry["required"], bool)


def test_app_jsons_addresses_are_the_repositorys() -> None:
    repository = APP["repository"]
    assert f"git clone {repository} " in (ROOT / "README.md").read_text()
    assert f"git clone {repository} " in (ROOT / "docs/deploy.md").read_text()
    assert APP["website"] == f"{repository}#readme"
    logo = APP["logo"].removeprefix(f"{repository}/raw/main/")
    assert (ROOT / logo).read_text().startswith("<svg ")


def test_app_jsons_values_are_the_defaults(tmp_path: Path) -> None:
    offered = {name: entry["value"] for name, entry in ENV.items() if "value" in entry}
    assert set(offered) == set(ENV) - REQUIRED - EMPTY
    example = filled_in(tmp_path / "filled")
    lines = [*example.read_text().splitlines(), *(f"{name}={value}" for name, value in offered.items())]
    assert _loaded(tmp_path / "offered", lines) == load_settings(_env_file=example)


def test_exactly_the_secret_that_is_ours_is_generated(tmp_path: Path) -> None:
    assert {name for name, entry in ENV.items() if "generator" in entry} == {"CALLBACK_SECRET"}
    assert ENV["CALLBACK_SECRET"]["generator"] == "secret"
    made = "0123456789abcdef" * 4  # what Heroku makes: 64 hexadecimal digits
    example = filled_in(tmp_path / "filled")
    assert load_settings(_env_file=example, callback_secret=made).callback_secrets == (made,)


def test_the_button_starts_only_with_the_postgresql_it_attaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [addon.partition(":")[0] for addon in APP["addons"]] == ["heroku-postgresql"]
    filled: dict[str, Any] = {"_env_file": filled_in(tmp_path / "filled")}
    monkeypatch.setenv("DYNO", "web.1")
    with pytest.raises(Exception, match="erased"):
        load_settings(**filled)
    monkeypatch.setenv("DATABASE_URL", SET_BY_THE_PLATFORM["DATABASE_URL"])
    load_settings(**filled)


@pytest.mark.parametrize("page", ["docs/deploy.md", "docs/security.md"])
def test_the_pages_settings_exist(page: str) -> None:
    named = set(re.findall(r"\b([A-Z]+(?:_[A-Z]+)+)(?==|`)", (ROOT / page).read_text()))
    of_compose = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yml").read_text()))
    assert named - NAMES - of_compose <= {"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"}
    assert len(named) > 10


def test_what_must_be_set_is_explained() -> None:
    page = (ROOT / "docs/deploy.md").read_text()
    assert {name for name in REQUIRED if name not in page} == set()
