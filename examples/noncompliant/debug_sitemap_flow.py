"""Follows one sitemap through the database, by hand."""

import asyncio
import os

import asyncpg


async def main(domain: str) -> None:
    """Prints what is known of a domain."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])  # TXN104
    try:
        rows = await connection.fetch(f"SELECT * FROM domains WHERE name = '{domain}'")  # TXN801 TXN802
    finally:
        await connection.close()
    for row in rows:
        print(dict(row))


if __name__ == "__main__":
    asyncio.run(main("example.com"))
