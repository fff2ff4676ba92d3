"""The job queue's own tables, as PgQueuer defines them."""

from __future__ import annotations

from typing import Any

from alembic import op

from reference_app.jobs.schema import INSTALL_SQL, UNINSTALL_SQL

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _run(sql: str) -> None:
    # The driver runs several statements at once only outside its prepared path.
    connection = op.get_bind()
    raw: Any = connection.connection.dbapi_connection
    raw.run_async(lambda driver: driver.execute(sql))


def upgrade() -> None:
    _run(INSTALL_SQL)


def downgrade() -> None:
    _run(UNINSTALL_SQL)
