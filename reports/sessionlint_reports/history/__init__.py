"""Snapshots over time: a database of runs, filled by every report and from git."""
