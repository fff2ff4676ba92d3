"""The caller's own profile."""

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.security import User, bearer, get_current_user
from src.schemas import ProfileIn, ProfileOut
from src.services.profile_service import profile_service
from src.session.async_session import get_committing_session, get_session_dependency

router = APIRouter(prefix="/api/v3/profile", tags=["profile"])


@router.get("")
async def read_profile(
    session: AsyncSession = Depends(get_session_dependency), user: User = Depends(get_current_user)
) -> ProfileOut:
    profile = await profile_service.find(session, user)
    if profile is None:
        raise HTTPException(status_code=404, detail="no profile yet")
    return ProfileOut.model_validate(profile)


@router.put("", dependencies=[Depends(get_current_user)])
async def save_profile(
    request: ProfileIn,
    session: AsyncSession = Depends(get_committing_session),  # TXN105
    credentials: HTTPAuthorizationCredentials = Depends(bearer),
) -> ProfileOut:
    profile = await profile_service.save(session, credentials.credentials, request.display_name)  # TXN403
    return ProfileOut.model_validate(profile)
