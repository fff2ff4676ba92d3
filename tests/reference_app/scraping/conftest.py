"""Fixtures of the scraping tests."""

from __future__ import annotations

import pytest

from tests.reference_app.scraping.support import FakeTime


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()
