"""What all requests and answers share."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

EXAMPLE_ID = "6f1f4b52-0b6f-4f0e-9d3f-6a2f1a7c1d10"
EXAMPLE_TIME = "2026-11-21T09:30:00Z"


class RequestBody(BaseModel):
    """A request's body: unknown names are refused, so that a misspelt option is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """An answer, made from a row."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class ListPage(View, Generic[Item]):
    """Some items of a list; ask with ``next_cursor`` for those that follow."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it as `cursor` to get the items that follow; null at the end of the list.",
        examples=["WyJiYXRjaGVzIiwiMjAyNi0xMS0yMVQwOTozMDowMCswMDowMCJd"],
    )
