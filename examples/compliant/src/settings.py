"""Settings of the service, read from the environment once."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """``database_url`` is the pooler's: postgresql+asyncpg://postgres.<project-ref>:…@<pooler>:6543/postgres."""

    database_url: str
    database_ca_file: str | None = None
    jwt_secret: str
    maps_api_key: str = ""
    fetch_timeout_seconds: float = 10.0
    stuck_after_minutes: int = 30


settings = Settings()
