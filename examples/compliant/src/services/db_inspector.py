"""What is in the database, for the people who look after it."""

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.base import Base


def _table_names(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


async def table_sizes(session: AsyncSession) -> dict[str, int]:
    """Number of rows of every table that has a model."""
    connection = await session.connection()
    present = set(await connection.run_sync(_table_names))
    sizes: dict[str, int] = {}
    for table in Base.metadata.sorted_tables:
        if table.name in present:
            sizes[table.name] = await session.scalar(select(func.count()).select_from(table)) or 0
    return sizes
