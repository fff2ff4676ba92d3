"""The started service, for the tests of this folder."""

from tests.support.service import admin, operator, service

__all__ = ["admin", "operator", "service"]
