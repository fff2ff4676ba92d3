"""The deployment's files name settings, metrics and commands that exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
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


def test_the_compose_file_is_one_by_the_specification():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, DEPLOY / "compose.yaml"], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.strip()) == (0, "ok -- validation done"), checked.stdout


def test_hadolint_finds_nothing_in_the_dockerfile():
    hadolint = Path(sys.executable).with_name("hadolint")
    checked = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_no_file_with_secrets_gets_into_the_image():
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert rules[0] == "*"
    # The last rule that fits decides.
    assert rules[-1] == "**/.env"
    copied = set(re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    assert {f"!{name}" for names in copied for name in names.split()} == {rule for rule in rules if rule[0] == "!"}


def test_a_worker_has_longer_to_stop_than_it_takes():
    grace = COMPOSE["services"]["worker"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > Settings().shutdown_grace_seconds + 10


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
