"""What is in the database, for the people who look after it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def titles(session: AsyncSession) -> list[str]:
    """The titles of all pages."""
    return list((await session.scalars(text("SELECT title FROM pages ORDER BY title"))).all())  # TXN802


async def table_size(session: AsyncSession, table: str) -> int:
    """Number of rows of one table."""
    return await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # TXN801 TXN802
