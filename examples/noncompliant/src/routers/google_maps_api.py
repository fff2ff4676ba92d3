"""Search places and list what was found."""

import asyncio

from fastapi import APIRouter, Depends
from sqlalchemy import select

from src.auth.security import User, get_current_user
from src.auth.tenants import get_tenant_id
from src.models.place import Place
from src.schemas import PlaceOut, PlaceSearch
from src.services import places_service
from src.session.async_session import async_session_factory
from src.tasks.maps_tasks import run_search

router = APIRouter(prefix="/api/v3/places", tags=["places"])


@router.post("/search", status_code=202)
async def search(request: PlaceSearch, user: User = Depends(get_current_user)) -> dict[str, str]:
    asyncio.create_task(run_search(user.id, request.query, request.location))  # TXN605
    return {"status": "started"}


@router.get("", dependencies=[Depends(get_current_user)])
async def list_places(
    status: str | None = None,
    tenant_id: str = Depends(get_tenant_id),  # TXN304
) -> list[PlaceOut]:
    async with async_session_factory() as session:  # TXN101
        places = await places_service.list_places(session, tenant_id, status)  # TXN303
        return [PlaceOut.model_validate(place) for place in places]


@router.get("/count", dependencies=[Depends(get_current_user)])
async def count_places(status: str) -> int:
    session = async_session_factory()  # TXN101 TXN108
    places = await session.scalars(select(Place).where(Place.status == status))
    return len(places.all())
