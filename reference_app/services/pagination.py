"""Cursors: where the next page of a list starts, as an opaque text that only the same list accepts."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, tuple_

from reference_app.errors import InvalidCursorError

Row = TypeVar("Row")

_LONGEST_CURSOR = 400


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """Some rows of a list and the cursor of those that follow, ``None`` at the end."""

    rows: Sequence[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """An ordered list: its name, the columns that order it, their values in a row, and how to read them back."""

    name: str
    columns: tuple[Any, ...]
    values: Callable[[Row], tuple[Any, ...]]
    readers: tuple[Callable[[Any], Any], ...]
    descending: bool = False

    def after(self, cursor: str | None) -> list[ColumnElement[bool]]:
        """The condition for rows behind ``cursor``; none for the first page. Raises ``InvalidCursorError``."""
        if cursor is None:
            return []
        position = tuple_(*self._read(cursor))
        key = tuple_(*self.columns)
        return [key < position if self.descending else key > position]

    def order(self) -> list[Any]:
        """The columns to order by."""
        return [column.desc() if self.descending else column.asc() for column in self.columns]

    def slice(self, rows: Sequence[Row], limit: int) -> Slice[Row]:
        """The first ``limit`` of ``rows``, of which one more was asked for to see whether there are more."""
        kept = rows[:limit]
        more = len(rows) > limit
        return Slice(kept, self._write(kept[-1]) if more else None)

    def _write(self, row: Row) -> str:
        values = [v.isoformat() if isinstance(v, datetime) else v for v in self.values(row)]
        text = json.dumps([self.name, *values], default=str, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _read(self, cursor: str) -> list[Any]:
        try:
            if len(cursor) > _LONGEST_CURSOR:
                raise ValueError
            padded = cursor + "=" * (-len(cursor) % 4)
            name, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if name != self.name:
                raise ValueError
            return [read(value) for read, value in zip(self.readers, values, strict=True)]
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, binascii.Error) as error:
            raise InvalidCursorError from error


def read_time(value: Any) -> datetime:
    """A time with its zone, as a cursor carries it."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def read_number(value: Any) -> int:
    """A position, as a cursor carries it."""
    if type(value) is not int or not 0 <= value < 2**31:
        raise ValueError("no position")
    return value


def read_id(value: Any) -> UUID:
    """An id, as a cursor carries it."""
    return UUID(value)
