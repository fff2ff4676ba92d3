"""The caller's own profile."""

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.security import User, get_current_user
from src.schemas import ProfileIn, ProfileOut
from src.services.profile_service import profile_service
from src.session.async_session import get_session_dependency

router = APIRouter(prefix="/api/v3/profile", tags=["profile"])


@router.get("")
async def read_profile(
    session: AsyncSession = Depends(get_session_dependency), user: User = Depends(get_current_user)
) -> ProfileOut:
    profile = await profile_service.find(session, user.id)
    if profile is None:
        raise HTTPException(status_code=404, detail="no profile yet")
    return ProfileOut.model_validate(profile)


@router.put("")
async def save_profile(
    request: ProfileIn,
    session: AsyncSession = Depends(get_session_dependency),
    user: User = Depends(get_current_user),
) -> ProfileOut:
    async with session.begin():
        profile = await profile_service.save(session, user.id, request.display_name)
    return ProfileOut.model_validate(profile)
