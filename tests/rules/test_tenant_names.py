"""Which columns are tenants' is said by the policy alone."""

from __future__ import annotations

import pytest

from tests.rules.test_messages import messages

SOURCE = """
# --- app/models.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    workspace: Mapped[int]


# --- app/services/items.py
from sqlalchemy import select

from app.models import Item


class Listing:
    model: type
    by = "id"

    def __init__(self, session):
        self.session = session

    def column(self):
        return getattr(self.model, self.by)

    def all(self, value):
        return self.session.scalars(select(self.model).where(self.column() == value))


class ItemListing(Listing):
    model = Item
    by = "workspace"
"""


@pytest.mark.parametrize(("names", "told"), [(["workspace"], 1), (["tenant_id"], 0)])
def test_a_column_by_another_name_is_a_tenants_where_the_policy_names_it(names: list[str], told: int) -> None:
    assert len(messages(SOURCE, "TXN301", **{"tenant-names": names})) == told
