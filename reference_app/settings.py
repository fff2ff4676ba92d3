"""Everything the service can be told, read once at start from ``REFERENCE_APP_…`` variables, validated and frozen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from limits import parse as parse_rate_limit
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL

from reference_app.database_url import is_local, parse_database_url
from reference_app.errors import ConfigurationError


def _readable_rate(text: str) -> str:
    try:
        parse_rate_limit(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a rate; write it like 600/minute.") from None
    return text


Seconds = Annotated[float, Field(gt=0)]
# PostgreSQL takes whole milliseconds, and 0 for "never".
Milliseconds = Annotated[float, Field(ge=0.001)]
Count = Annotated[int, Field(ge=1)]
PoolBound = Annotated[int, Field(ge=5, le=10)]
RateLimit = Annotated[str, AfterValidator(_readable_rate)]

DEVELOPMENT_SECRET = "development-only-secret-that-production-refuses"
ENVIRONMENT_PREFIX = "REFERENCE_APP_"
_SHORTEST_SECRET = 32
_REDIS_URL = re.compile(r"rediss?://[^/]+(/\d+)?\Z")


class Settings(BaseSettings):
    """One frozen value, handed to ``create_app(settings)`` and ``run_worker(settings)``; nothing connects at import."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="forbid", env_file=None)

    environment: Literal["development", "test", "production"] = "development"
    data_dir: Path = Path("reference_app_data")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000

    # The database. Without a URL ``python -m reference_app`` starts one of its own in ``data_dir``.
    database_url: SecretStr | None = None
    database_tls: Literal["verified", "required", "off"] | None = None
    database_ca_file: Path | None = None
    pool_min: PoolBound = 5
    pool_max: PoolBound = 10
    pool_timeout_seconds: Seconds = 10
    pool_recycle_seconds: Count = 1800
    connect_timeout_seconds: Seconds = 10
    command_timeout_seconds: Seconds = 60
    statement_timeout_seconds: Milliseconds = 30
    idle_in_transaction_timeout_seconds: Milliseconds = 30

    # Who may call.
    jwt_algorithm: Literal["HS256", "RS256", "ES256"] = "HS256"
    jwt_secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    jwt_public_key_file: Path | None = None
    jwt_issuer: str = "reference-app"
    jwt_audience: str = "reference-app"
    jwt_lifetime_seconds: Count = 900
    api_key_lifetime_days: Count = 90
    api_key_overlap_hours: Count = 24
    credential_cache_seconds: Annotated[float, Field(ge=0, le=300)] = 10

    # What a caller may ask.
    rate_limit: RateLimit = "600/minute"
    creation_rate_limit: RateLimit = "120/minute"
    failed_auth_rate_limit: RateLimit = "30/minute"
    # A Redis that all API processes count in together (redis://, or rediss:// for TLS); without one each counts alone.
    rate_limit_redis_url: SecretStr | None = None
    max_body_bytes: Count = 4 * 1024 * 1024
    max_batch_size: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    idempotency_hours: Count = 24
    progress_poll_seconds: Seconds = 1.0
    progress_stream_seconds: Seconds = 3600

    # Jobs.
    worker_concurrency: Count = 20
    worker_batch_size: Count = 10
    queue_poll_seconds: Seconds = 1.0
    heartbeat_timeout_seconds: Seconds = 30
    max_attempts: Count = 4
    max_crashes: Count = 3
    retry_base_seconds: Seconds = 5
    retry_cap_seconds: Seconds = 300
    sweep_seconds: Seconds = 15
    queue_log_retention_hours: Count = 168
    shutdown_grace_seconds: Annotated[float, Field(ge=0)] = 25

    # Scanning.
    user_agent: str = "ReferenceScraper/1.0"
    max_pages_default: Count = 10
    max_pages_limit: Count = 1000
    batch_concurrency_default: Count = 20
    batch_concurrency_limit: Count = 100
    host_delay_seconds: Annotated[float, Field(ge=0)] = 1.0
    fetch_timeout_seconds: Seconds = 20
    scan_timeout_seconds: Seconds = 900
    max_page_bytes: Count = 2 * 1024 * 1024
    max_sitemap_bytes: Count = 50 * 1024 * 1024
    allow_loopback: bool = False

    # What operators see.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    otlp_endpoint: str | None = None
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._database_problems(), *self._secret_problems()]
        if self.rate_limit_redis_url and not _REDIS_URL.match(self.rate_limit_redis_url.get_secret_value()):
            problems.append(
                "rate_limit_redis_url must look like redis://[USER:PASSWORD@]HOST:PORT[/NUMBER], or rediss://."
            )
        if self.allow_loopback and self.environment == "production":
            problems.append("allow_loopback lets scans reach this machine; it is for development only. Unset it.")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _database_problems(self) -> list[str]:
        problems = []
        if self.pool_max < self.pool_min:
            problems.append(f"pool_max ({self.pool_max}) is under pool_min ({self.pool_min}); raise it.")
        if self.database_ca_file is not None and not self.database_ca_file.is_file():
            problems.append(f"database_ca_file {self.database_ca_file} does not exist; name the pooler's CA file.")
        if self.database_url is None:
            if self.environment == "production":
                problems.append("database_url is not set; production needs the address of its pooler.")
            return problems
        try:
            url = parse_database_url(self.database_url.get_secret_value())
        except ConfigurationError as error:
            return [*problems, *error.problems]
        if self.environment == "production" and self.database_tls == "off" and not is_local(url):
            problems.append(f"database_tls is off for {url.host}; production needs 'verified' or 'required'.")
        return problems

    def _secret_problems(self) -> list[str]:
        if self.jwt_algorithm != "HS256":
            if self.jwt_public_key_file is None or not self.jwt_public_key_file.is_file():
                return [f"jwt_algorithm {self.jwt_algorithm} needs jwt_public_key_file to name an existing PEM file."]
            return []
        secret = self.jwt_secret.get_secret_value()
        if self.environment != "production":
            return []
        if secret == DEVELOPMENT_SECRET:
            return ["jwt_secret still has its development value; set one of your own."]
        if len(secret) < _SHORTEST_SECRET:
            return [f"jwt_secret has {len(secret)} characters; use at least {_SHORTEST_SECRET}."]
        return []

    def url(self) -> URL:
        """The database's address.

        Raises ``ConfigurationError`` when none is set.
        """
        if self.database_url is None:
            raise ConfigurationError(
                [f"No database is named; set {ENVIRONMENT_PREFIX}DATABASE_URL or start with python -m reference_app."]
            )
        return parse_database_url(self.database_url.get_secret_value())

    def tls(self) -> Literal["verified", "required", "off"]:
        """How the connection is protected: as set, else verified for every server that is not on this machine."""
        if self.database_ca_file is not None:
            return "verified"
        if self.database_tls is not None:
            return self.database_tls
        return "off" if self.database_url is None or is_local(self.url()) else "verified"


def read_settings(**overrides: object) -> Settings:
    """The settings of this process: environment variables, then ``overrides``.

    Raises ``ConfigurationError`` that names each wrong setting and its remedy, and shows no secret.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigurationError([_problem(item) for item in error.errors(include_input=False)]) from None


def _problem(item: object) -> str:
    assert isinstance(item, dict)
    location = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{ENVIRONMENT_PREFIX}{location.upper()}: {message}" if location else message
