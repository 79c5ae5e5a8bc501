"""The compose file, read line by line: there is no Docker here. What it would run, it runs with these settings."""

import re
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bot.cli import main
from bot.settings import Settings, load_settings
from tests.deployment import FILLED_IN, ROOT

SOURCE = (ROOT / "compose.yml").read_text()
COMPOSE = yaml.safe_load(SOURCE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DATABASE, MIGRATE, SERVE = SERVICES["database"], SERVICES["migrate"], SERVICES["serve"]
PASSWORD = "a-password_of-ours"


def _environment(service: dict[str, Any]) -> dict[str, str]:
    """What compose would set, with its one variable filled in."""
    return {
        name: re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}", PASSWORD, value)
        for name, value in service["environment"].items()
    }


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def test_it_is_the_bot_a_migration_and_a_postgresql() -> None:
    assert set(SERVICES) == {"database", "migrate", "serve"}
    assert DATABASE["image"] == "postgres:18"
    for ours in (MIGRATE, SERVE):
        assert (ours["build"], ours["image"], ours["env_file"]) == (".", "bluethread", ".env")


def test_nothing_but_the_password_is_asked_for_and_without_it_nothing_starts() -> None:
    assert set(re.findall(r"\$\{?(\w+)", SOURCE)) == {"POSTGRES_PASSWORD"}
    assert all(":?" in use for use in re.findall(r"\$\{[^}]*\}", SOURCE))
    assert "POSTGRES_PASSWORD" in (ROOT / "docs/deploy.md").read_text()


def test_the_migration_is_over_before_the_bot_serves() -> None:
    assert MIGRATE["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert SERVE["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert MIGRATE["restart"] == "no"
    assert SERVE["restart"] == DATABASE["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", ["migrate", "serve"])
def test_each_runs_a_command_there_is(service: str) -> None:
    python, minus_m, bot, *command = SERVICES[service]["command"]
    assert (python, minus_m, bot, command) == ("python", "-m", "bot", [service])
    assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


def test_the_settings_lead_to_that_database(monkeypatch: pytest.MonkeyPatch) -> None:
    given = _environment(SERVE)
    assert given == _environment(MIGRATE)
    for name, value in (FILLED_IN | given).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    theirs = _environment(DATABASE)
    user, password, name = (theirs[f"POSTGRES_{word}"] for word in ("USER", "PASSWORD", "DB"))
    assert settings.database_url == f"postgres://{user}:{password}@database/{name}"
    assert set(given) <= {field.upper() for field in Settings.model_fields}


def test_only_this_machine_reaches_the_bot_and_nobody_the_database() -> None:
    [port] = SERVE["ports"]
    assert port == f"127.0.0.1:3000:{_environment(SERVE)['PORT']}"
    assert _environment(SERVE)["HOST"] == "0.0.0.0"
    assert "ports" not in DATABASE
    assert "ports" not in MIGRATE


def test_the_data_outlives_the_container() -> None:
    [mounted] = DATABASE["volumes"]
    volume, _, folder = mounted.partition(":")
    assert folder == "/var/lib/postgresql", "as the images since PostgreSQL 18 want it"
    assert volume in COMPOSE["volumes"]


def test_health_is_asked_for_as_in_the_image() -> None:
    assert "pg_isready" in DATABASE["healthcheck"]["test"][1]
    assert "/healthz" in SERVE["healthcheck"]["test"][-1]
    compile(SERVE["healthcheck"]["test"][-1], "healthcheck", "exec")
    [image] = re.findall(r"^HEALTHCHECK (.*?) \\$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    options = dict(re.findall(r"--([a-z-]+)=(\w+)", image))
    check = SERVE["healthcheck"]
    assert options == {
        "interval": check["interval"],
        "timeout": check["timeout"],
        "start-period": check["start_period"],
        "retries": str(check["retries"]),
    }
    assert MIGRATE["healthcheck"] == {"disable": True}


def test_the_bot_has_time_to_stop() -> None:
    """As long as systemd and `docker run` give it in the guide."""
    guide = (ROOT / "docs/deploy.md").read_text()
    given = {int(found) for found in re.findall(r"(?:TimeoutStopSec=|--stop-timeout )(\d+)", guide)}
    assert given == {_seconds(SERVE["stop_grace_period"])}
    assert _seconds(DATABASE["stop_grace_period"]) >= 30
