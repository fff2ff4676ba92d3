"""What a policy answers: which rules run, which layer a file is in, what is a session module."""

import pickle
from pathlib import Path

import pytest

from sessionlint.codes import CODES
from sessionlint.policy import Policy, policy_from_mapping


def policy(**keys: object) -> Policy:
    mapping = {key.replace("_", "-"): value for key, value in keys.items()}
    return policy_from_mapping(mapping, Path("/project"), "sessionlint.toml")


def off(chosen: Policy) -> set[str]:
    return {code for code in CODES if not chosen.enabled(code)}


def test_the_scrapersky_preset_runs_every_rule():
    assert off(policy(preset="scrapersky")) == set()


def test_the_general_preset_leaves_tenants_auth_ids_pooler_and_raw_sql_off():
    families = {code for code in CODES if code[:4] in ("TXN3", "TXN4", "TXN7")}
    assert off(policy()) == families | {"TXN501", "TXN502", "TXN506", "TXN802"}
    assert off(Policy()) == off(policy(preset="unit-of-work"))


def test_presets_bring_their_own_values_and_a_stated_key_beats_them():
    general, strict = policy(), policy(preset="scrapersky")
    assert (general.tls, general.tenant_policy, general.suppressions) == ("verified", "off", "allow")
    assert (strict.tls, strict.tenant_policy, strict.suppressions) == ("required", "forbid", "forbid")
    assert policy(preset="scrapersky", tls="off").tls == "off"


def test_the_tenant_family_follows_the_tenant_policy():
    assert policy(tenant_policy="forbid").enabled("TXN301")
    assert not policy(preset="scrapersky", tenant_policy="off").enabled("TXN301")


def test_a_policy_that_switches_tenants_off_selects_no_code_of_theirs_but_the_command_line_may():
    written = policy(preset="scrapersky", tenant_policy="off", select=["TXN301"])
    assert not written.enabled("TXN301")
    assert written.with_overrides(select=["TXN3"]).enabled("TXN301")
    assert policy(preset="unit-of-work", select=["TXN301"]).enabled("TXN301")


def test_naming_a_code_turns_on_what_the_preset_leaves_off():
    chosen = policy(extend_select=["TXN501", "TXN30"])
    assert chosen.enabled("TXN501")
    assert chosen.enabled("TXN302")
    assert not chosen.enabled("TXN502")


def test_a_family_does_not_turn_on_single_rules_the_preset_leaves_off():
    assert off(policy(select=["TXN5"])) == {c for c in CODES if c[:4] != "TXN5"} | {"TXN501", "TXN502", "TXN506"}


def test_select_leaves_out_what_it_does_not_name():
    assert not policy(select=["TXN2"]).enabled("TXN101")


def test_the_longest_prefix_decides_between_select_and_ignore():
    chosen = policy(select=["TXN", "TXN201"], ignore=["TXN2", "TXN10", "TXN101"])
    assert chosen.enabled("TXN201")
    assert not chosen.enabled("TXN202")
    assert not chosen.enabled("TXN101")


def test_ignore_wins_a_tie():
    assert not policy(select=["TXN201"], ignore=["TXN201"]).enabled("TXN201")


def test_the_command_line_selects_in_place_of_the_policy_and_ignores_on_top():
    chosen = policy(ignore=["TXN604"])
    assert chosen.with_overrides(select=["TXN604"]).enabled("TXN604")
    both = chosen.with_overrides(ignore=["TXN1"])
    assert not both.enabled("TXN604")
    assert not both.enabled("TXN101")
    assert both.enabled("TXN201")


def test_severity_comes_from_the_longest_prefix_else_from_the_rule():
    chosen = policy(severity={"TXN3": "info", "TXN303": "warning"})
    assert chosen.severity_of("TXN303", "error") == "warning"
    assert chosen.severity_of("TXN301", "error") == "info"
    assert chosen.severity_of("TXN101", "warning") == "warning"


def test_per_file_ignores_silence_codes_where_the_pattern_matches():
    chosen = policy(per_file_ignores={"scripts/**": ["TXN1"], "app/legacy.py": ["TXN201"]})
    assert chosen.ignored_in_file("scripts/deep/load.py", "TXN101")
    assert not chosen.ignored_in_file("scripts/deep/load.py", "TXN201")
    assert chosen.ignored_in_file("app/legacy.py", "TXN201")
    assert not chosen.ignored_in_file("app/scripts/load.py", "TXN101")


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        ("app/api/items.py", "router"),
        ("app/api/deep/er/items.py", "router"),
        ("app/api/service/items.py", "service"),
        ("app/users/views.py", "router"),
        ("app/users/helpers.py", "service"),
        ("app/jobs.py", "background"),
        ("other/jobs.py", None),
        ("tests/api/test_items.py", "test"),
        ("app/api/tests/helpers.py", "test"),
        ("app/api/test_items.py", "test"),
        ("backend/migrations/versions/1.py", "migration"),
        ("main.py", None),
    ],
)
def test_the_deepest_matching_pattern_decides_the_layer(path, layer):
    chosen = policy(
        layers={
            "router": ["app/api/**", "**/views.py"],
            "service": ["app/**", "app/api/service/**/*.py"],
            "background": ["app/jobs.py"],
        }
    )
    assert chosen.layer_of(path) == layer


def test_of_two_patterns_that_match_equally_deep_the_more_literal_one_decides():
    chosen = policy(layers={"router": ["**/api.py"], "service": ["app/users/api.py"], "auth": ["app/*/api.py"]})
    assert chosen.layer_of("app/users/api.py") == "service"
    assert chosen.layer_of("app/teams/api.py") == "auth"
    assert chosen.layer_of("lib/teams/api.py") == "router"


def test_a_stated_layer_replaces_the_usual_folders_of_that_layer_only():
    chosen = policy(layers={"test": ["checks/**"]})
    assert chosen.layer_of("tests/test_a.py") is None
    assert chosen.layer_of("checks/a.py") == "test"
    assert chosen.layer_of("alembic/env.py") == "migration"


def test_a_class_whose_objects_are_entered_may_be_named_by_either_method():
    named = policy(**{"session-contexts": ["app.db.Work.__enter__", "app.db.Work.__aenter__", "app.db.session"]})
    assert named.session_contexts == ("app.db.Work", "app.db.session")


def test_only_the_named_files_are_session_modules():
    chosen = policy(session_modules=["app/db/session.py"])
    assert chosen.is_session_module("app/db/session.py")
    assert not chosen.is_session_module("app/db/session.py/x.py")
    assert not chosen.is_session_module("app/db/other.py")


def test_excludes_cover_what_lies_beneath():
    chosen = policy(exclude=["Docs/**", "generated", "app/*_pb2.py"])
    assert chosen.is_excluded("Docs/a/b.py")
    assert chosen.is_excluded("app/generated/x.py")
    assert chosen.is_excluded("app/items_pb2.py")
    assert not chosen.is_excluded("app/deep/items_pb2.py")


def test_the_digest_follows_the_content_and_not_the_place():
    here = policy_from_mapping({"session-modules": ["a.py"]}, Path("/here"), "sessionlint.toml")
    there = policy_from_mapping({"session-modules": ["a.py"]}, Path("/there"), "sessionlint.toml")
    assert here.digest == there.digest
    assert len(here.digest) == 32
    assert here.digest != policy(session_modules=["b.py"]).digest
    assert policy(tls="off").digest != policy(tls="required").digest


def test_equal_policies_are_equal_and_hash_alike_and_survive_pickling():
    chosen = policy(preset="scrapersky", session_modules=["a.py"])
    chosen.layer_of("a.py")
    copy = pickle.loads(pickle.dumps(chosen))
    assert copy == chosen == policy(preset="scrapersky", session_modules=["a.py"])
    assert hash(copy) == hash(chosen)
    assert copy.layer_of("tests/a.py") == "test"
    assert chosen != policy()


def test_the_policy_remembers_what_was_stated():
    chosen = policy(tls="off", layers={"router": ["r/**"]}, severity={"TXN3": "info"})
    assert chosen.stated == ("tls", "layers", "layers.router", "severity", "severity.TXN3")


def test_a_pattern_may_begin_with_the_folder_of_the_policy():
    mapping = {"exclude": ["./docs/**"], "layers": {"router": ["./api/**"]}, "per-file-ignores": {"./a.py": ["TXN1"]}}
    stated = policy_from_mapping(mapping, Path("/project"), "sessionlint.toml")
    assert stated.is_excluded("docs/conf.py")
    assert stated.layer_of("api/items.py") == "router"
    assert stated.ignored_in_file("a.py", "TXN101")
