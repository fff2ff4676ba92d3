"""Services get the user's id, not a token or its claims."""

from __future__ import annotations

import pytest

from tests.fixes.support import fixed

SERVICE, ROUTER = "app/services/jobs.py", "app/routers/jobs.py"
HEAD = """\
import jwt
from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer

from app.services import jobs

router = APIRouter()


async def get_claims(token=Depends(HTTPBearer())):
    return jwt.decode(token.credentials, "k")


@router.post("/jobs")
async def start(claims=Depends(get_claims)):
"""


def mended(service: str, call: str, **more: str) -> tuple[str, str, list[str]]:
    """The service, the call in the router, and the refusals."""
    files = {SERVICE: service, ROUTER: f"{HEAD}    {call}\n", **more}
    result = fixed(files, select=("TXN403",))
    reasons = [reason.partition(": ")[2] for reason in result.reasons]
    return result.files[SERVICE], result.files[ROUTER].removeprefix(HEAD).strip(), reasons


def test_what_the_service_reads_of_the_claims_is_read_by_its_callers():
    service, call, reasons = mended(
        "async def run(session, claims: dict, number=1):\n"
        '    """Runs.\n\n    Args:\n        session: whose\n        claims: of the token\n    """\n'
        '    session.add(claims["sub"])\n    return claims["sub"], number\n',
        "return await jobs.run(None, claims, number=2)",
    )
    assert (call, reasons) == ('return await jobs.run(None, claims["sub"], number=2)', [])
    assert service == (
        "async def run(session, user_id: str, number=1):\n"
        '    """Runs.\n\n    Args:\n        session: whose\n    """\n'
        "    session.add(user_id)\n    return user_id, number\n"
    )


@pytest.mark.parametrize(
    ("service", "call", "after"),
    [
        ("async def run(session, *, claims):\n    return claims.get('email')\n",
         "return await jobs.run(None, claims=claims)",
         ("async def run(session, *, email):\n    return email\n",
          "return await jobs.run(None, email=claims.get('email'))")),
        ("async def run(session, claims=None):\n    return session\n", "return await jobs.run(None, claims)",
         ("async def run(session):\n    return session\n", "return await jobs.run(None)")),
    ],
)  # fmt: skip
def test_a_parameter_is_named_after_what_is_read_of_it_and_goes_when_nothing_is(service, call, after):
    assert mended(service, call) == (*after, [])


@pytest.mark.parametrize(
    ("service", "call", "reason"),
    [
        ("async def run(session, claims):\n    return claims\n", "return await jobs.run(None, claims)",
         "claims itself is used here"),
        ("async def run(session, claims):\n    return claims['a'], claims['b']\n",
         "return await jobs.run(None, claims)", "more than one entry of claims is read"),
        ("async def run(session, claims):\n    claims['a'] = 1\n", "return await jobs.run(None, claims)",
         "claims is changed here"),
        ("async def run(session, claims, email):\n    return claims['email'], email\n",
         "return await jobs.run(None, claims, 1)", "the name email is taken in the function"),
        ("async def run(session, claims):\n    return claims['sub']\n",
         "return await jobs.run(None, claims or {})", "claims is put together in the call"),
        ("async def run(session, claims):\n    return claims['sub']\n\n\nHANDLERS = [run]\n",
         "return await jobs.run(None, claims)", "run() is passed on without being called"),
        ("class Jobs:\n    def __init__(self, session, claims):\n        self.claims = claims\n",
         "return jobs.Jobs(None, claims)", "the service keeps it, or takes it with others"),
    ],
)  # fmt: skip
def test_a_service_that_needs_more_is_refused(service: str, call: str, reason: str):
    assert mended(service, call) == (service, call, [reason])
