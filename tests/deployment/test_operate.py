"""The page, the dashboard and the alerts for operators: what they name is there, and what is there they name."""

import ast
import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.cli.exporting import COLUMNS
from bot.domain.delivery import Delivery
from bot.settings import Settings
from tests.conftest import Stage, until
from tests.deployment import ROOT

PAGE = (ROOT / "docs/operate.md").read_text()
DASHBOARD = json.loads((ROOT / "docs/operate/grafana.json").read_text())
GROUPS = yaml.safe_load((ROOT / "docs/operate/alerts.yml").read_text())["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [target for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [target["expr"] for target in TARGETS]
SOURCES = [path for room in ("bot", "handlers") for path in (ROOT / room).rglob("*.py")]

FUNCTIONS = {"absent", "changes", "histogram_quantile", "increase", "max", "min", "rate", "sum", "time"}
WORDS = {"and", "by", "on", "or", "unless"}
OF_PROMETHEUS = {"le", "job", "instance"}
"""Labels that it adds itself."""
OF_SLACK = {"dispatch_failed"}
NOT_OURS = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}

expressions = pytest.mark.parametrize("expr", EXPRESSIONS)


def _rows(name: str) -> list[list[str]]:
    """The cells of the table between two marks."""
    inside = PAGE.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in inside.strip().splitlines()[2:]]


def _explained() -> dict[str, dict[str, set[str]]]:
    """Metric → label → values, as the page has them; no values: any."""
    found = {}
    for name, labels, _ in _rows("metrics"):
        parts = [part.split(": ") for part in labels.split("; ")] if labels.strip() else []
        found[name.strip("`")] = {label.strip("`"): set(re.findall(r"`(\w+)`", values)) for label, values in parts}
    return found


EXPLAINED = _explained()


def _metrics_in(expr: str) -> set[str]:
    """What is left of an expression without its strings, labels, windows, groupings, functions and numbers."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|on)\s*\([^)]*\)", " ", expr)
    return set(re.findall(r"\b[a-z_]\w*\b", re.sub(r"\b\w+\s*(?=\()", " ", bare))) - WORDS


def _matchers_in(expr: str) -> Iterator[tuple[str, str, str]]:
    """Yield metric, label, value for each value that an expression asks for."""
    for metric, matchers in re.findall(r"(\w+)\{([^}]*)\}", expr):
        for label, values in re.findall(r'(\w+)\s*=~?\s*"([^"]*)"', matchers):
            yield from ((metric, label, value) for value in values.split("|"))


def _groupings_in(expr: str) -> set[str]:
    return {label for inside in re.findall(r"\bby\s*\(([^)]*)\)", expr) for label in re.findall(r"\w+", inside)}


def _base(metric: str) -> str:
    return metric if metric in EXPLAINED else re.sub(r"_(bucket|sum|count)$", "", metric)


async def _exported(stage: Stage) -> dict[str, Any]:
    """Name, as Prometheus stores it → family."""
    async with httpx.AsyncClient(verify=False) as http:
        text = (await http.get(f"{stage.url}/metrics")).text
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(text)
    }
    return {name: family for name, family in families.items() if not name.endswith("_created")}


async def test_every_metric_is_explained_and_nothing_else(stage: Stage) -> None:
    exported = await _exported(stage)
    assert {name for name in exported if name.startswith("bluethread_")} == EXPLAINED.keys()
    assert exported.keys() >= NOT_OURS - {"up"}
    for name in EXPLAINED:
        told = next(what for metric, _, what in _rows("metrics") if metric.strip("`") == name)
        assert told.startswith("histogram: ") is (exported[name].type == "histogram"), name


async def test_every_label_and_value_seen_is_explained(stage: Stage) -> None:
    stage.sendblue.faults.opted_out = True
    await stage.text("refused")
    await until(lambda: any("Not sent" in text for text in stage.replies()))
    stage.sendblue.faults.opted_out = False
    await stage.text("taken", to="+14155550123", channel="G0TEAM")
    await until(lambda: any("Delivered" in text for text in stage.replies("G0TEAM")))
    seen = [
        (name, label, value)
        for name, family in (await _exported(stage)).items()
        if name.startswith("bluethread_")
        for sample in family.samples
        for label, value in sample.labels.items()
        if label != "le"
    ]
    assert len({(name, label) for name, label, _ in seen}) >= 12
    for name, label, value in seen:
        assert label in EXPLAINED[name], (name, label)
        assert value in (EXPLAINED[name][label] or {value}), (name, label, value)


@expressions
def test_an_expression_asks_for_what_exists(expr: str) -> None:
    metrics = _metrics_in(expr)
    assert metrics or "time()" in expr
    for metric in metrics - NOT_OURS:
        assert _base(metric) in EXPLAINED, metric
    for metric, label, value in _matchers_in(expr):
        labels = EXPLAINED.get(_base(metric), {})
        assert label in labels or label in OF_PROMETHEUS
        assert value in (labels.get(label) or {value}), (metric, label, value)
    labels_of_all = {label for metric in metrics for label in EXPLAINED.get(_base(metric), ())}
    assert _groupings_in(expr) <= labels_of_all | OF_PROMETHEUS


@expressions
def test_an_expression_is_well_formed(expr: str) -> None:
    bare = re.sub(r'"[^"]*"', "", expr)
    assert '"' not in bare
    depth: list[str] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    for char in bare:
        if char in pairs.values():
            depth.append(char)
        elif char in pairs:
            assert depth.pop() == pairs[char]
    assert not depth
    assert set(re.findall(r"\b(\w+)\s*\(", bare)) <= FUNCTIONS | WORDS
    for function, argument in re.findall(r"\b(rate|increase|changes)\(([^()]*)\)", bare):
        assert re.search(r"\[(\$__rate_interval|\d+[smhd])\]$", argument), function
    for counter in re.findall(r"\w+(?:_total|_bucket|_count|_sum)\b", expr):
        assert re.search(rf"(?:rate|increase)\({counter}\b", expr), f"{counter} only ever rises"
    assert "le" in _groupings_in(expr) or "histogram_quantile" not in expr


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0m"))
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()
    shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert shown <= _groupings_in(rule["expr"])
    address, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert address.endswith("/docs/operate.md")
    runbooks = {_anchor(text.splitlines()[0]): text for text in PAGE.split("\n### ")[1:]}
    assert f"`{rule['alert']}`" in runbooks[anchor]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_alert_has_its_own_name_and_every_named_alert_exists() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names) >= 10
    assert set(re.findall(r"`(Bluethread[A-Z]\w+)`", PAGE)) == set(names)


def test_the_dashboard_can_be_imported() -> None:
    assert DASHBOARD["schemaVersion"] >= 36
    assert DASHBOARD["title"] == "Bluethread"
    assert "id" not in DASHBOARD  # Grafana gives it one
    [source] = DASHBOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(cells)) == len(cells)  # no panel lies on another
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${" + source["name"] + "}"}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target["expr"])
def test_a_legend_names_labels_that_are_left(target: dict[str, str]) -> None:
    assert target["legendFormat"]
    left = _groupings_in(target["expr"]) | ({"instance"} if "sum" not in target["expr"] else set())
    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= left


def _logged(path: Path, *levels: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in levels:
            logger = node.func.value
            if isinstance(logger, ast.Name) and logger.id == "log" and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def test_every_warning_and_error_is_explained_and_nothing_else() -> None:
    levels = ("warning", "error", "exception", "critical")
    logged = {event for path in SOURCES for event in _logged(path, *levels)}
    assert {event for row in _rows("events") for event in re.findall(r"`(\w+)`", row[0])} == logged


def test_every_code_setting_and_event_that_is_named_exists() -> None:
    code = "\n".join(path.read_text() for path in SOURCES)
    known = {*COLUMNS, *Delivery.__members__, *(name.upper() for name in Settings.model_fields)}
    known |= {word for labels in EXPLAINED.values() for label, values in labels.items() for word in (label, *values)}
    named = (
        set(re.findall(r"`([a-z]+(?:_[a-z\d]+)+|[A-Z]+(?:_[A-Z]+)+)`", PAGE)) - EXPLAINED.keys() - NOT_OURS - OF_SLACK
    )
    assert len(named) > 40
    assert {word for word in named - known if f'"{word}"' not in code} == set()


def test_every_column_of_an_export_is_explained() -> None:
    table = PAGE.split("| Column |")[1].split("\n\n")[0]
    first = "\n".join(row.split("|")[1] for row in table.splitlines()[2:])
    assert set(re.findall(r"`(\w+)`", first)) == set(COLUMNS)


async def test_what_a_restored_copy_would_send_again_does_not_leave_when_started_as_the_runbook_says(
    stage: Stage,
) -> None:
    assert "start with `SEND_WITHIN=1`" in PAGE
    database = Path(stage.settings.database_url.removeprefix("sqlite:///"))
    port = int(stage.settings.public_url.rpartition(":")[2])
    stage.slack.faults.down = True
    await stage.text()
    await stage.stop()
    copy = database.read_bytes()
    stage.slack.faults.down = False
    await stage.start(port)
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    await stage.stop()
    database.write_bytes(copy)
    stage.settings = stage.settings.model_copy(update={"send_within": 1.0})
    await asyncio.sleep(1)
    await stage.start(port)
    await until(lambda: any("Not sent" in root.text and "in time" in root.text for root in stage.roots()))
    assert len(stage.bubbles()) == 1
