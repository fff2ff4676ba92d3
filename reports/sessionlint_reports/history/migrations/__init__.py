"""The steps from one layout of the history database to the next, run by Alembic."""
