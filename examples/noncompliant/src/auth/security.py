"""Who is calling. Nothing below the routers knows about tokens."""

from dataclasses import dataclass
from uuid import UUID

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from src.settings import settings

bearer = HTTPBearer()


@dataclass(frozen=True)
class User:
    id: UUID
    is_admin: bool


async def get_current_user(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> User:
    """The caller, from a signed token; 401 for anything else."""
    try:
        claims = jwt.decode(credentials.credentials, settings.jwt_secret, algorithms=["HS256"])
        return User(id=UUID(claims["sub"]), is_admin=claims.get("role") == "admin")
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise HTTPException(status_code=401, detail="invalid token") from error
