"""What clients send and receive."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class BatchRequest(BaseModel):
    domains: list[str] = Field(min_length=1, max_length=100)


class BatchCreated(BaseModel):
    id: UUID
    status: str


class BatchProgress(BaseModel):
    id: UUID
    status: str
    done: int
    failed: int
    total: int


class PlaceSearch(BaseModel):
    query: str
    location: str


class PlaceOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    status: str
    tenant_id: UUID | None


class ProfileIn(BaseModel):
    display_name: str


class ProfileOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    display_name: str
