"""Settings of the service, read from the environment once."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """What the environment says."""

    database_url: str
    database_password: str
    jwt_secret: str
    maps_api_key: str = ""
    fetch_timeout_seconds: float = 10.0
    stuck_after_minutes: int = 30


settings = Settings()
