"""The README says what the code does."""

import re
from pathlib import Path

from bot.domain.delivery import Delivery, Service, is_final
from bot.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text()
SETTINGS_PAGE = (PROJECT / "docs/settings.md").read_text()
PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]


def table(name: str, page: str = README) -> list[list[str]]:
    inside = page.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->", maxsplit=1)[0]
    rows = [line.strip("|").split("|") for line in inside.strip().splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in rows]


def test_the_two_settings_tables_together_are_the_settings() -> None:
    rows = [*table("settings"), *table("settings", SETTINGS_PAGE)]
    shown = {row[0].strip("`"): row[1].strip("`") for row in rows}
    assert len(shown) == len(rows), "a setting stands in one of the two tables, once"
    real = {}
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else field.default
        if default == "" or getattr(default, "get_secret_value", lambda: None)() == "":
            default = "empty"
        real[name.upper()] = str(default).lower() if isinstance(default, bool) else str(default)
    assert shown == real


def test_what_must_be_set_is_in_the_readme() -> None:
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert {row[0].strip("`") for row in table("settings") if row[1] == "required"} == required


def test_the_first_command_brings_the_project() -> None:
    [first, *_] = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert first.startswith("git clone ")
    assert "\nmake demo\n" in first


def test_the_state_table_is_the_states() -> None:
    shown = [(row[0], int(row[1]), row[3]) for row in table("states")]
    assert [(name, rank) for name, rank, _ in shown] == [(state.name, state.value) for state in Delivery]
    for name, _, over in shown:
        finals = {service for service in Service if is_final(Delivery[name], service)}
        expected = "yes" if len(finals) == len(Service) else "for SMS" if finals == {Service.SMS} else "no"
        assert over == expected, name


def test_every_file_the_documents_point_to_is_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)|srcset=\"([^\"]+)\"|src=\"([^\"]+)\"", page.read_text()):
            path = next(filter(None, target))
            if not path.startswith(("http", "mailto")):
                assert (page.parent / path).exists(), f"{page.name} points to {path}"


def test_every_make_target_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for named in re.findall(r"`make ([a-z]+)`|^make ([a-z]+)$", page.read_text(), re.MULTILINE):
            assert next(filter(None, named)) in targets


def test_each_promise_names_tests_that_exist() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", page)
    assert len(named) >= 14
    for path, name in named:
        assert re.search(rf"def {name}\(", (PROJECT / path).read_text()), f"{path}::{name}"
