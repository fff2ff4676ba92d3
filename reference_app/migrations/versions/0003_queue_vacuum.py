"""How often the job queue's tables are vacuumed, as PgQueuer recommends."""

from __future__ import annotations

from typing import Any

from alembic import op

from reference_app.jobs.schema import VACUUM_AS_USUAL_SQL, VACUUM_OFTEN_SQL

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _run(sql: str) -> None:
    # The driver runs several statements at once only outside its prepared path.
    connection = op.get_bind()
    raw: Any = connection.connection.dbapi_connection
    raw.run_async(lambda driver: driver.execute(sql))


def upgrade() -> None:
    _run(VACUUM_OFTEN_SQL)


def downgrade() -> None:
    _run(VACUUM_AS_USUAL_SQL)
