"""Settings and the database's address: what cannot work is refused before anything starts, with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from reference_app.commands.cli import main
from reference_app.database_url import parse_database_url
from reference_app.errors import ConfigurationError
from reference_app.settings import read_settings

PROJECT = "abcdefghijklmnopqrst"
POOLER = "aws-0-us-west-1.pooler.supabase.com"
GOOD = f"postgresql+asyncpg://postgres.{PROJECT}:p%40ss@{POOLER}:6543/postgres"
SECRET = "a-secret-of-at-least-thirty-two-characters"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://a:b@host/db", "must start with postgresql+asyncpg://"),
        ("postgresql+psycopg2://a:b@host/db", "must start with postgresql+asyncpg://"),
        ("host/db", "must start with"),
        ("postgres://u:p@ss#w@h:6543/db", "percent-encode"),
        ("postgres://u:p@ss@h:6543/db", "percent-encode"),
        ("postgresql://u:p/w@h:6543/db", "percent-encode"),
        ("postgresql://u:p@h:port/db", "cannot be read"),
        ("postgresql://h:6543/db", "names no user"),
        ("postgresql://u:p@/db", "names no host"),
        ("postgresql://u:p@h:6543", "names no database"),
        (f"{GOOD}?statement_cache_size=0", "statement_cache_size=… , which cannot work there".replace("… ,", "…,")),
        (f"{GOOD}?raw_sql=true&no_prepare=true", "no_prepare=…, which asyncpg refuses"),
        (f"{GOOD}?sslmode=require", "sslmode=…"),
        (GOOD.replace("6543", "5432"), "transaction mode answers on 6543"),
        (
            GOOD.replace(f"postgres.{PROJECT}", "postgres"),
            "The pooler's user is postgres.<project-ref>, not 'postgres'",
        ),
        (f"postgresql://postgres:p@db.{PROJECT}.supabase.co:5432/postgres", "leads past the pooler"),
    ],
)
def test_a_wrong_address_is_refused_with_its_remedy_and_without_its_password(url: str, problem: str):
    with pytest.raises(ConfigurationError) as refused:
        parse_database_url(url)
    assert problem in str(refused.value)
    assert "p%40ss" not in str(refused.value)
    assert "ss#w" not in str(refused.value)


def test_a_right_address_gets_the_async_driver_and_keeps_its_parts():
    for scheme in ("postgres", "postgresql", "postgresql+asyncpg"):
        url = parse_database_url(GOOD.replace("postgresql+asyncpg", scheme))
        assert (url.drivername, url.username, url.password, url.port) == (
            "postgresql+asyncpg",
            f"postgres.{PROJECT}",
            "p@ss",
            6543,
        )


def test_the_dedicated_pooler_of_a_project_is_no_way_past_the_pooler():
    url = parse_database_url(f"postgresql://postgres:p@db.{PROJECT}.supabase.co:6543/postgres")
    assert (url.username, url.port) == ("postgres", 6543)


def test_every_problem_is_told_at_once():
    with pytest.raises(ConfigurationError) as refused:
        read_settings(environment="production", pool_min=10, pool_max=5, allow_loopback=True)
    told = "\n".join(refused.value.problems)
    for part in ("pool_max (5) is under pool_min", "database_url is not set", "development value", "allow_loopback"):
        assert part in told


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"pool_min": 4}, "REFERENCE_APP_POOL_MIN: Input should be greater than or equal to 5"),
        ({"pool_max": 11}, "REFERENCE_APP_POOL_MAX: Input should be less than or equal to 10"),
        ({"pool_mni": 5}, "REFERENCE_APP_POOL_MNI: Extra inputs are not permitted"),
        ({"environment": "production", "jwt_secret": "short"}, "jwt_secret has 5 characters; use at least 32"),
        ({"environment": "production", "database_tls": "off"}, "production needs 'verified' or 'required'"),
        ({"database_ca_file": "/nowhere.pem"}, "/nowhere.pem does not exist"),
        ({"rate_limit": "often"}, "REFERENCE_APP_RATE_LIMIT: 'often' is not a rate; write it like 600/minute."),
        ({"rate_limit_redis_url": "memcached://h"}, "rate_limit_redis_url must look like redis://"),
        ({"jwt_algorithm": "RS256"}, "needs jwt_public_key_file"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_with_its_remedy(changes: dict[str, object], problem: str):
    with pytest.raises(ConfigurationError) as refused:
        read_settings(**{"database_url": GOOD, "jwt_secret": SECRET} | changes)
    assert problem in str(refused.value)
    assert SECRET not in str(refused.value)


def test_tls_is_verified_for_every_server_that_is_not_this_machine(tmp_path: Path):
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    local = "postgresql+asyncpg://u:p@127.0.0.1:6543/db"
    assert read_settings(database_url=GOOD).tls() == "verified"
    assert read_settings(database_url=local).tls() == "off"
    assert read_settings(database_url=local, database_tls="required").tls() == "required"
    assert read_settings(database_url=GOOD, database_tls="required", database_ca_file=ca_file).tls() == "verified"


def test_settings_cannot_be_changed_and_show_no_secret():
    settings = read_settings(database_url=GOOD, jwt_secret=SECRET)
    with pytest.raises(ValidationError):
        settings.port = 1
    assert SECRET not in repr(settings)
    assert "p%40ss" not in repr(settings)


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "verify-connection"])
def test_no_command_starts_with_a_wrong_address(command: str):
    environment = {"REFERENCE_APP_DATABASE_URL": GOOD.replace("6543", "5432")}
    run = CliRunner().invoke(main, [command], env=environment)
    told = "error: The pooler is asked on port 5432; its transaction mode answers on 6543.\n"
    assert (run.exit_code, run.output) == (2, told)
