"""Runs migrations with an engine of their own."""

from alembic import context
from sqlalchemy import create_engine, pool

from src.models.base import Base
from src.settings import settings

connectable = create_engine(settings.database_url.replace("+asyncpg", "+psycopg"), poolclass=pool.NullPool)

with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
