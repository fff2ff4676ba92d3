"""JSON Web Tokens: made for a short time, read strictly."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from reference_app.settings import DEVELOPMENT_SECRET
from tests.reference_app.conftest import Database
from tests.support.service import Caller, Service, assert_problem, running_service


def claims(caller: Caller, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    made = {
        "sub": str(caller.user_id),
        "iss": "reference-app",
        "aud": "reference-app",
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def signed_with_public_key(content: dict[str, Any], public: bytes) -> str:
    """The classic forgery: the provider's public key taken for a shared secret."""
    unsigned = jwt.encode(content, "", algorithm="none").split(".")[1]
    head = base64url_encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + unsigned.encode()
    return (head + b"." + base64url_encode(hmac.digest(public, head, "sha256"))).decode()


async def status_with(service: Service, token: str) -> int:
    return (await service.call("GET", "/me", headers={"Authorization": f"Bearer {token}"})).status_code


async def test_a_token_carries_the_scopes_asked_for_and_no_more(service: Service, operator: Caller):
    answer = await service.call("POST", "/tokens", operator, json={"scopes": ["batches:read"]})
    created = answer.json()
    assert (answer.status_code, created["scopes"]) == (201, ["batches:read"])
    me = await service.call("GET", "/me", headers={"Authorization": f"Bearer {created['token']}"})
    assert (me.json()["credential"], me.json()["permissions"]) == ("token", ["batches:read"])


async def test_a_token_without_scopes_asked_for_has_all_of_the_callers(service: Service, operator: Caller):
    created = (await service.call("POST", "/tokens", operator, json={})).json()
    me = (await service.call("GET", "/me", operator)).json()
    assert created["scopes"] == me["permissions"]


async def test_a_token_for_more_than_the_caller_has_is_refused(service: Service, operator: Caller):
    answer = await service.call("POST", "/tokens", operator, json={"scopes": ["users:manage"]})
    assert_problem(answer, 403, "not-permitted")


@pytest.mark.parametrize(
    "change",
    [
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"sub": "root"},
        {"sub": str(uuid4())},
        {"jti": "1"},
        {"exp": 10**20},
    ],
    ids=["expired", "endless", "issuer", "audience", "no user id", "unknown user", "odd id", "far future"],
)
async def test_a_token_with_one_wrong_claim_is_refused(service: Service, operator: Caller, change: dict[str, Any]):
    good = jwt.encode(claims(operator), DEVELOPMENT_SECRET, algorithm="HS256")
    bad = jwt.encode(claims(operator, **change), DEVELOPMENT_SECRET, algorithm="HS256")
    assert [await status_with(service, token) for token in (good, bad)] == [200, 401]


async def test_a_token_signed_by_somebody_else_or_not_at_all_is_refused(service: Service, operator: Caller):
    forged = jwt.encode(claims(operator), "x" * 40, algorithm="HS256")
    unsigned = jwt.encode(claims(operator), "", algorithm="none")
    other_algorithm = jwt.encode(claims(operator), DEVELOPMENT_SECRET.ljust(64, "x"), algorithm="HS512")
    for token in (forged, unsigned, other_algorithm, "a.b.c", "."):
        assert await status_with(service, token) == 401


async def test_a_locked_users_token_is_refused(service: Service, operator: Caller, admin: Caller):
    token = jwt.encode(claims(operator), DEVELOPMENT_SECRET, algorithm="HS256")
    await service.call("PATCH", f"/users/{operator.user_id}", admin, json={"disabled": True})
    assert await status_with(service, token) == 401


async def test_tokens_of_an_identity_provider_are_read_with_its_public_key(database: Database, tmp_path: Path):
    provider = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = provider.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "provider.pem").write_bytes(public)
    settings = {"jwt_algorithm": "RS256", "jwt_public_key_file": tmp_path / "provider.pem"}
    async with running_service(database, **settings) as service:
        operator = await service.caller()
        good = jwt.encode(claims(operator), provider, algorithm="RS256")
        confused = signed_with_public_key(claims(operator), public)
        assert [await status_with(service, token) for token in (good, confused)] == [200, 401]
        assert_problem(await service.call("POST", "/tokens", operator, json={}), 409, "conflict")
