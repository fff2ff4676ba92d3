"""``python -m sessionlint``."""

from sessionlint.cli import process

process()
