"""The deployment's files name settings, metrics and commands that exist."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from prometheus_client import REGISTRY

from reference_app.commands.cli import main
from reference_app.settings import ENVIRONMENT_PREFIX, Settings
from tests.reference_app.conftest import ROOT

DEPLOY = ROOT / "reference_app" / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OWN = [service for service in COMPOSE["services"].values() if service["image"] == "reference-app"]


def metric_names() -> set[str]:
    """Every series the service has, as Prometheus sees it."""
    names = set()
    for family in REGISTRY.collect():
        names |= {family.name + suffix for suffix in ("", "_total", "_bucket", "_count", "_sum")}
    return names


def test_compose_sets_only_settings_that_exist_and_runs_only_commands_that_exist():
    assert len(OWN) == 3
    for service in OWN:
        for name in service["environment"]:
            assert name.removeprefix(ENVIRONMENT_PREFIX).lower() in Settings.model_fields, name
        assert service["command"][0] in main.commands


def test_api_and_workers_go_through_the_pooler_in_transaction_mode():
    pooler = COMPOSE["services"]["pgbouncer"]["environment"]
    assert pooler["POOL_MODE"] == "transaction"
    for name in ("api", "worker"):
        url = COMPOSE["services"][name]["environment"]["REFERENCE_APP_DATABASE_URL"]
        assert f"@pgbouncer:{pooler['LISTEN_PORT']}/" in url


def test_compose_holds_no_secret_and_insists_on_one():
    text = (DEPLOY / "compose.yaml").read_text()
    used = set(re.findall(r"\$\{(\w+):\?\}", text))
    assert used == {"DATABASE_PASSWORD", "JWT_SECRET"}
    assert "$" not in re.sub(r"\$\{\w+:\?\}", "", text)
    for name in used:
        assert f"\n{name}=\n" in (DEPLOY / "example.env").read_text()


def test_alerts_and_dashboard_ask_for_metrics_that_exist():
    alerts = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    asked = [rule["expr"] for rule in rules]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = {name for expression in asked for name in re.findall(r"reference_app_\w+", expression)}
    assert used - metric_names() == set()
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)


def test_every_metric_is_on_the_dashboard():
    dashboard = (DEPLOY / "grafana.json").read_text()
    ours = [family.name for family in REGISTRY.collect() if family.name.startswith("reference_app_")]
    internal = {"reference_app_scan_seconds"}
    assert [name for name in ours if name not in dashboard and name not in internal] == []
