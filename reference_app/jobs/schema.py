"""The queue library's own tables, as the SQL that a migration runs."""

from __future__ import annotations

from pgqueuer import Queries

from reference_app.jobs.driver import NoDatabase

_BUILDER = Queries(NoDatabase()).qbe

# Several statements each: they need the driver's own simple-query call, not a prepared statement.
INSTALL_SQL = _BUILDER.build_install_query()
UNINSTALL_SQL = _BUILDER.build_uninstall_query()
# The rows of a queue change all the time, so its tables are vacuumed much more often than others (`pgq autovac`).
VACUUM_OFTEN_SQL = _BUILDER.build_optimize_autovacuum_query()
VACUUM_AS_USUAL_SQL = _BUILDER.build_optimize_autovacuum_rollback_query()
