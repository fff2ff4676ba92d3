"""Search places and list what was found."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.security import User, get_current_user
from src.schemas import PlaceOut, PlaceSearch
from src.services import places_service
from src.session.async_session import get_session_dependency
from src.tasks.maps_tasks import run_search

router = APIRouter(prefix="/api/v3/places", tags=["places"])
SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]
UserDep = Annotated[User, Depends(get_current_user)]


@router.post("/search", status_code=202)
async def search(request: PlaceSearch, background_tasks: BackgroundTasks, user: UserDep) -> dict[str, str]:
    background_tasks.add_task(run_search, user.id, request.query, request.location)
    return {"status": "started"}


@router.get("")
async def list_places(session: SessionDep, user: UserDep, status: str | None = None) -> list[PlaceOut]:
    places = await places_service.list_places(session, user.id, status)
    return [PlaceOut.model_validate(place) for place in places]
