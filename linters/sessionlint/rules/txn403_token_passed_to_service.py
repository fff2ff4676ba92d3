"""TXN403: a raw token or its claims are handed to a service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.program.values import UNKNOWN_KEYWORDS, Const, Param, Value
from sessionlint.report import Finding
from sessionlint.rules.authentication import kind_of_secret
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.carried_tokens import is_handed, kept_attributes

META = Rule(
    code="TXN403",
    name="token-passed-to-service",
    summary="A raw token or claims object is handed to a service.",
    rationale=(
        "A service that is given a token can decode, forward, store or log it, and cannot be called by a job that has "
        "none. With the claims it decides on permissions that only the router should decide."
    ),
    remedy='Pass the user\'s id (`user.id`, `claims["sub"]`), or the plain facts the service needs.',
    not_flagged=(
        "User objects that do not keep the token, ids, single claims, tokens handed to the auth layer or checked by "
        "dependencies; what a query, path or body brings and nothing decodes, and tokens that prove something else "
        "than who calls (`reset_token`, `invite_token`); login forms; records without methods of their own that no "
        "service is handed."
    ),
    presets=("scrapersky",),
)

#: The registered claims (RFC 7519) that only a token has together: for whom, and until when.
_CLAIMS = {"sub", "exp"}

BAD = [
    Bad(
        source="""
# --- app/services/users.py
class Users:
    def of(self, current_user=None):
        return current_user and current_user.get("user_id")
# --- app/auth/tokens.py
import jwt
from fastapi import Depends
from fastapi.security import HTTPBearer


async def get_current_user(token=Depends(HTTPBearer())):
    payload = jwt.decode(token.credentials, "k")
    user_id = payload.get("sub")
    return {"user_id": user_id, "sub": user_id, "exp": payload.get("exp")}


async def get_profile(token=Depends(HTTPBearer())):
    payload = jwt.decode(token.credentials, "k")
    return {"user_id": payload.get("sub"), "name": "a"}
# --- app/routers/users.py
from fastapi import APIRouter, Depends

from app.auth.tokens import get_current_user, get_profile
from app.services.users import Users

router = APIRouter()
users = Users()


@router.get("/me")
async def me(current_user=Depends(get_current_user), profile=Depends(get_profile)):
    users.of(profile)
    users.of(current_user["user_id"])
    return users.of(current_user=current_user)  # TXN403@12
""",
    ),
    Bad(
        source="""
# --- app/services/jobs.py
async def run(session, user):
    return user
# --- app/auth/middleware.py
import jwt


class Claims:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        claims = jwt.decode(dict(scope["headers"])[b"authorization"], "k")
        scope["state"]["claims"] = claims
        scope["state"]["user_id"] = claims["sub"]
        await self.app(scope, receive, send)
# --- app/routers/jobs.py
from fastapi import APIRouter, Request

from app.services.jobs import run

router = APIRouter()


@router.post("/a")
async def a(request: Request):
    await run(None, request.state.user_id)
    await run(None, request.state.claims["sub"])
    await run(None, request.state.claims)  # TXN403@11
# --- app/main.py
from fastapi import FastAPI

from app.auth.middleware import Claims
from app.routers import jobs

app = FastAPI()
app.add_middleware(Claims)
app.include_router(jobs.router)
"""
    ),
    Bad(
        source="""
# --- app/services/jobs.py
async def run(session, user):
    return user


class Jobs:
    def __init__(self, session, user):
        self.user = user
# --- app/auth/tokens.py
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from fastapi import Depends
from fastapi.security import HTTPBearer


@dataclass
class Login:
    id: UUID
    raw: str
    claims: dict[str, Any]


async def get_login(token=Depends(HTTPBearer())):
    claims = jwt.decode(token.credentials, "k")
    return Login(UUID(claims["sub"]), token.credentials, claims)
# --- app/routers/jobs.py
from fastapi import APIRouter, Depends

from app.auth.tokens import get_login
from app.services.jobs import Jobs, run

router = APIRouter()


@router.post("/a")
async def a(login=Depends(get_login)):
    await run(None, login.id)
    await run(None, login)  # TXN403@11
    Jobs(None, login.id)
    Jobs(None, login)  # TXN403@5
"""
    ),
    Bad(
        source="""
# --- app/services/jobs.py
async def run(session, token, **extra):
    return token


class Jobs:
    def __init__(self, session, auth=None):
        self.session = session

    def start(self, *, claims):
        return claims
# --- app/auth/tokens.py
import jwt
from fastapi import Depends
from fastapi.security import HTTPBearer

bearer = HTTPBearer()


async def get_claims(token=Depends(bearer)):
    return jwt.decode(token.credentials, "k")
# --- app/routers/jobs.py
from typing import Annotated

import jwt
from fastapi import APIRouter, Depends, Header, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer, OAuth2PasswordBearer

from app.auth.tokens import get_claims
from app.services import jobs
from app.services.jobs import Jobs, run as start

router = APIRouter()
oauth = OAuth2PasswordBearer(tokenUrl="token")
Token = Annotated[str, Depends(oauth)]
Key = Annotated[str, Depends(APIKeyHeader(name="X-API-Key"))]


@router.post("/a")
async def a(request: Request, token: Token, key: Key, creds: HTTPAuthorizationCredentials = Depends(HTTPBearer())):
    await start(None, token)  # TXN403@11
    await jobs.run(None, key)  # TXN403@11
    await start(None, token=creds.credentials)  # TXN403@11
    await start(None, f"Bearer {token}")  # TXN403@11
    await start(None, request.headers["Authorization"])  # TXN403@11
    raw = request.headers.get("authorization").split(" ")[1]
    return await start(None, raw)  # TXN403@18


@router.post("/b")
async def b(
    authorization: str = Header(),
    api_key: Annotated[str | None, Header(alias="X-API-Key")] = None,
    claims=Depends(get_claims),
):
    service = Jobs(None, auth=claims)  # TXN403@15
    await start(None, "x", **claims)  # TXN403@11
    service.start(claims=jwt.decode(authorization, "k"))  # TXN403@5
    await start(None, authorization.removeprefix("Bearer "))  # TXN403@11
    return await start(None, api_key)  # TXN403@18
"""
    ),
    Bad(
        source="""
# --- app/services/jobs.py
from dataclasses import dataclass


@dataclass
class Caller:
    token: str


async def run(session, caller):
    return caller
# --- app/routers/jobs.py
import jwt
from fastapi import APIRouter, Request

from app.services.jobs import Caller, run

router = APIRouter()


@router.get("/a")
async def a(request: Request, session):
    claims = jwt.decode(request.headers["Authorization"], "key", algorithms=["HS256"])
    await run(session, {**claims})  # TXN403@11
    await run(session, **claims)  # TXN403@11
    await run(session, {"by": dict(claims)})  # TXN403@11
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    await run(session, value)  # TXN403@11
    await run(session, [request.cookies.get("access_token")])  # TXN403@11
    return await run(session, Caller(token=request.headers["Authorization"]))  # TXN403@18
"""
    ),
    Bad(
        source="""
# --- app/services/calls.py
async def forward(session, headers):
    return headers["authorization"]
# --- app/routers/calls.py
from fastapi import APIRouter, Request

from app.services.calls import forward

router = APIRouter()


@router.post("/calls")
async def call(request: Request):
    return await forward(None, request.headers)  # TXN403@18
"""
    ),
    Bad(
        source="""
# --- app/services/jobs.py
async def run(session, caller):
    return caller
# --- app/auth/tokens.py
import jwt
from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

scheme = OAuth2PasswordBearer(tokenUrl="token")


class Payload(BaseModel):
    sub: str


class Claims(dict):
    pass


class Declared(dict[str, object]):
    pass


class Many(list[str]):
    pass


class User(BaseModel):
    id: str


def payload(token: str = Depends(scheme)) -> Payload:
    return Payload(**jwt.decode(token, "k"))


def validated(token: str = Depends(scheme)) -> Payload:
    return Payload.model_validate(jwt.decode(token, "k"))


def claims(token: str = Depends(scheme)) -> Claims:
    return Claims(jwt.decode(token, "k"))


def declared(token: str = Depends(scheme)) -> Declared:
    return Declared(jwt.decode(token, "k"))


def scopes(token: str = Depends(scheme)) -> Many:
    return Many(jwt.decode(token, "k")["scopes"])


def copied(token: str = Depends(scheme)) -> dict:
    decoded = jwt.decode(token, "k")
    return {**decoded, "seen": True}


def dumped(payload: Payload = Depends(payload)) -> dict:
    return payload.model_dump()


def user(payload: Payload = Depends(payload)) -> User:
    return User(id=payload.sub)
# --- app/routers/jobs.py
from fastapi import APIRouter, Depends

from app.auth import tokens
from app.auth.tokens import Payload, User
from app.services.jobs import run

router = APIRouter()


@router.post("/declared")
async def of_declared(claims: tokens.Declared = Depends(tokens.declared), many=Depends(tokens.scopes)):
    await run(None, claims["sub"])
    await run(None, many)
    await run(None, claims)  # TXN403@11


@router.post("/payload")
async def a(payload: Payload = Depends(tokens.payload), user: User = Depends(tokens.user)):
    await run(None, payload.sub)
    await run(None, user)
    await run(None, User.model_validate({"id": payload.sub}))
    await run(None, payload.model_dump(include={"sub"}))
    await run(None, {"caller": payload})  # TXN403@11
    return await run(None, payload)  # TXN403@18


@router.post("/validated")
async def b(payload: Payload = Depends(tokens.validated)):
    return await run(None, payload)  # TXN403@18


@router.post("/claims")
async def c(claims=Depends(tokens.claims)):
    await run(None, claims["sub"])
    return await run(None, claims)  # TXN403@18


@router.post("/copied")
async def d(claims: dict = Depends(tokens.copied)):
    return await run(None, claims)  # TXN403@18


@router.post("/dumped")
async def e(claims: dict = Depends(tokens.dumped)):
    return await run(None, claims)  # TXN403@18
"""
    ),
    Bad(
        source="""
# --- app/auth/logins.py
import dataclasses

import jwt
from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer

scheme = OAuth2PasswordBearer(tokenUrl="login")


@dataclasses.dataclass
class Login:
    user_id: str
    raw: str


@dataclasses.dataclass
class Person:
    user_id: str


def login(token: str = Depends(scheme)) -> Login:
    return Login(jwt.decode(token, "k")["sub"], token)


def person(login: Login = Depends(login)) -> Person:
    return Person(login.user_id)
# --- app/services/jobs.py
async def run(session, user):
    return user
# --- app/routers/jobs.py
import dataclasses

from fastapi import APIRouter, Depends

from app.auth import logins
from app.auth.logins import Login, Person
from app.services.jobs import run

router = APIRouter()


@router.post("/login")
async def a(login: Login = Depends(logins.login)):
    await run(None, dataclasses.asdict(login))  # TXN403@11


@router.post("/person")
async def b(person: Person = Depends(logins.person)):
    await run(None, dataclasses.asdict(person))
"""
    ),
    Bad(
        source="""
# --- app/services/mail.py
async def sent(session, who):
    return who
# --- app/auth/visitors.py
from dataclasses import dataclass

import jwt
from fastapi import Header, Request


@dataclass
class Visitor:
    name: str
    stamp: str


def visitor(x_visit: str = Header()) -> Visitor:
    return Visitor(jwt.decode(x_visit, "k")["sub"], x_visit)


def opened(sealed):
    return jwt.decode(sealed, "k")


def of_cookie(request: Request) -> Visitor:
    kept = request.cookies["visit"]
    return Visitor(opened(kept)["sub"], kept)
# --- app/routers/mail.py
from fastapi import APIRouter, Depends

from app.auth.visitors import Visitor, of_cookie, visitor
from app.services.mail import sent

router = APIRouter()


@router.get("/a")
async def a(who: Visitor = Depends(visitor)):
    return await sent(None, who.stamp)  # TXN403@18


@router.get("/b")
async def b(who: Visitor = Depends(of_cookie)):
    return await sent(None, who)  # TXN403@18
""",
    ),
    Bad(
        source="""
# --- app/services/mail.py
class Mailer:
    def __init__(self):
        self.key = None
        self.owner = None

    async def send(self):
        return self.owner


async def told(who):
    return who
# --- app/routers/mail.py
import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, BackgroundTasks, Depends
from fastapi.security import OAuth2PasswordBearer

from app.services.mail import Mailer, told

oauth = OAuth2PasswordBearer(tokenUrl="t")
router = APIRouter()


@dataclass
class Note:
    key: str = ""


@router.post("/a")
async def a(tasks: BackgroundTasks, raw: str = Depends(oauth)):
    tasks.add_task(told, raw)  # TXN403@5
    tasks.add_task(told, who=raw)  # TXN403@5
    tasks.add_task(told, 7)
    mailer, note = Mailer(), Note()
    mailer.key = raw  # TXN403@5
    mailer.owner = 7
    note.key = raw
    task = asyncio.create_task(told(raw))  # TXN403@12
    other = asyncio.create_task(told(7))
    return await mailer.send(), task, other
"""
    ),
    Bad(
        source="""
# --- app/services/visits.py
def noted(payload=None):
    return payload
# --- app/auth/tokens.py
import jwt
from fastapi import Depends
from fastapi.security import HTTPBearer


async def get_claims(token=Depends(HTTPBearer())):
    return jwt.decode(token.credentials, "k")
# --- app/routers/visits.py
from fastapi import APIRouter, Depends

from app.auth.tokens import get_claims
from app.services.visits import noted

router = APIRouter()


@router.post("/a")
async def a(claims=Depends(get_claims)):
    noted({"by": claims["sub"]} | {"at": 1})
    return noted(claims | {"at": 1})  # TXN403@12
"""
    ),
    Bad(
        source="""
# --- app/services/notes.py
async def label(session, name):
    return name
# --- app/auth/people.py
from dataclasses import dataclass

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPBearer


def decode(raw):
    return jwt.decode(raw, "k", algorithms=["HS256"])


@dataclass
class Person:
    id: str
    told: dict


async def person(token=Depends(HTTPBearer())) -> Person:
    claims = decode(token.credentials)
    return Person(claims["sub"], dict(claims))


async def seen(token=Depends(HTTPBearer())) -> dict:
    return {**decode(token.credentials), "seen": True}


async def noted(request: Request, token=Depends(HTTPBearer())):
    request.state.person = dict(decode(token.credentials))
# --- app/routers/notes.py
from fastapi import APIRouter, Depends, Request

from app.auth.people import Person, noted, person, seen
from app.services.notes import label

router = APIRouter(dependencies=[Depends(noted)])


@router.get("/a")
async def a(request: Request, who: Person = Depends(person), claims: dict = Depends(seen)):
    await label(None, who.told["name"])
    await label(None, who.told.get("name", ""))
    await label(None, claims["email"])
    await label(None, claims.get("email"))
    await label(None, request.state.person["email"])
    await label(None, who.told)  # TXN403@11
    return await label(None, claims)  # TXN403@18
""",
    ),
    Bad(
        source="""
# --- app/auth/tokens.py
import jwt


def decode(raw):
    return jwt.decode(raw, "k", algorithms=["HS256"])
# --- app/services/invitations.py
from app.auth.tokens import decode


async def accept(session, raw):
    return decode(raw)["sub"]


async def find(session, code):
    return code
# --- app/routers/invitations.py
from typing import Annotated

from fastapi import APIRouter, Body

from app.services.invitations import accept, find

router = APIRouter()


@router.get("/query")
async def query(token: str):
    return await accept(None, token)  # TXN403@18


@router.post("/body")
async def body(given: Annotated[str, Body(embed=True)]):
    return await accept(None, raw=given)  # TXN403@18


@router.post("/reset")
async def reset(reset_token: str):
    return await accept(None, reset_token)


@router.get("/code")
async def code(code: str):
    return await find(None, code)
""",
    ),
    Bad(
        """
# --- app/services/accounts.py
from dataclasses import dataclass


@dataclass
class Signed:
    who: object

    async def close(self):
        return self.who


@dataclass
class Accounts(Signed):
    page: int = 1

    async def listed(self):
        return self.who, self.page


@dataclass
class Seen:
    who: object

    @property
    def name(self):
        return str(self.who)
# --- app/routers/accounts.py
from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordBearer

from app.services.accounts import Accounts, Seen, Signed

router = APIRouter()
bearer = OAuth2PasswordBearer(tokenUrl="login")


@router.get("/mine")
async def mine(token: str = Depends(bearer)):
    return await Accounts(token).listed()  # TXN403@18


@router.get("/second")
async def second(token: str = Depends(bearer)):
    accounts = Accounts(page=2, who=token)  # TXN403@16
    return await accounts.listed()


@router.delete("/mine")
async def close(token: str = Depends(bearer)):
    return await Signed(f"Bearer {token}").close()  # TXN403@18


@router.get("/pages/{page}")
async def of_page(page: int, token: str = Depends(bearer)):
    return await Accounts("everybody", page).listed(), bool(token)


@router.get("/seen")
async def seen(token: str = Depends(bearer)):
    return Seen(token).name
"""
    ),
]

GOOD = [
    Good(
        source="""
# --- app/services/jobs.py
async def run(session, user):
    return user


class Jobs:
    def __init__(self, session, user):
        self.user = user
# --- app/auth/tokens.py
from dataclasses import dataclass
from uuid import UUID

import jwt
from fastapi import Depends
from fastapi.security import HTTPBearer


@dataclass
class Person:
    id: UUID
    email: str
    scopes: tuple[str, ...] = ()


async def get_person(token=Depends(HTTPBearer())):
    claims = jwt.decode(token.credentials, "k")
    return Person(UUID(claims["sub"]), claims["email"], tuple(claims["scope"].split()))
# --- app/routers/jobs.py
from fastapi import APIRouter, Depends

from app.auth.tokens import get_person
from app.services.jobs import Jobs, run

router = APIRouter()


@router.post("/a")
async def a(person=Depends(get_person)):
    await run(None, person)
    Jobs(None, person)
    return await run(None, {"who": person})
"""
    ),
    Good(
        source="""
# --- app/services/jobs.py
async def run(session, user_id, agent=None):
    return user_id
# --- app/auth/tokens.py
import jwt
from fastapi import Depends
from fastapi.security import HTTPBearer


def decode(token):
    return jwt.decode(token, "k")


class User:
    def __init__(self, id):
        self.id = id


async def get_user(token=Depends(HTTPBearer())):
    claims = decode(token.credentials)
    return User(claims["sub"])
# --- app/routers/jobs.py
from fastapi import APIRouter, Depends, Header, Request
from fastapi.security import HTTPBearer, OAuth2PasswordRequestForm

from app.auth.tokens import decode, get_user
from app.services.jobs import run

router = APIRouter()


@router.post("/a")
async def a(request: Request, user=Depends(get_user), token=Depends(HTTPBearer()), user_agent: str = Header()):
    claims = decode(token.credentials)
    await run(None, claims["sub"])
    await run(None, claims.get("sub"), agent=request.headers["User-Agent"])
    language, _, _ = request.headers["Accept-Language"].partition(",")
    await run(None, user.id, agent=language)
    return await run(None, user.id, agent=user_agent)


@router.post("/login")
async def login(form: OAuth2PasswordRequestForm = Depends()):
    return await run(None, form.username)
"""
    ),
    Good(
        source="""
# --- app/services/mail.py
async def sent(session, who):
    return who
# --- app/auth/visitors.py
from dataclasses import dataclass

import jwt
from fastapi import Header


@dataclass
class Visitor:
    name: str
    stamp: str


@dataclass
class Place:
    name: str
    stamp: str


def visitor(x_visit: str = Header()) -> Visitor:
    return Visitor(jwt.decode(x_visit, "k")["sub"], x_visit)


def place(x_place: str = Header()) -> Place:
    return Place("here", x_place)
# --- app/routers/mail.py
from fastapi import APIRouter, Depends

from app.auth.visitors import Place, Visitor, place, visitor
from app.services.mail import sent

router = APIRouter()


@router.get("/a")
async def a(who: Visitor = Depends(visitor)):
    return await sent(None, who.name)


@router.get("/b")
async def b(where: Place = Depends(place), who: Visitor = Depends(visitor)):
    return await sent(None, where.stamp)
""",
    ),
    Good(
        """
# --- app/auth/tokens.py
import jwt


def decode(raw):
    return jwt.decode(raw.value, "k", algorithms=["HS256"])
# --- app/services/boats.py
from dataclasses import dataclass


@dataclass
class Primitive:
    value: object


class BoatId(Primitive):
    pass


class RawToken(Primitive):
    pass


async def find(session, boat_id):
    return boat_id
# --- app/routers/boats.py
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.auth.tokens import decode
from app.services.boats import BoatId, RawToken, find

router = APIRouter()


def current_user(token: Annotated[str, Query()]):
    return decode(RawToken(token))


@router.get("/boats/{boat_id}")
async def boat(boat_id: int, user: Annotated[dict, Depends(current_user)]):
    return await find(None, BoatId(boat_id))
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Calls from endpoints and router functions into services with a token or claims among the arguments."""
    seen: set[object] = set()
    for event in program.events("call"):
        if event.site in seen or program.role(event.function) not in ("endpoint", "router"):
            continue
        if event.function in program.dependency_functions:
            continue
        if not _is_service(program, event):
            continue
        found = secret_in(program, event)
        if found is None:
            continue
        seen.add(event.site)
        name, kind = found
        assert event.callee is not None
        callee = (
            event.callee.class_info.name if event.callee.name == "__init__" and event.callee.class_info else event.name
        )
        where = "**" if name == UNKNOWN_KEYWORDS else repr(name)
        what = _shown(kind)
        yield program.finding(
            META,
            event,
            f"{callee}() is handed {what} as {where}. Pass the user's id instead.",
            [program.step(event.callee.site, f"{callee}() is below the router")],
        )
    yield from _made(program, seen)
    yield from _scheduled(program, seen)
    yield from _put_on(program)


def _made(program: Program, seen: set[object]) -> Iterator[Finding]:
    """Services whose fields are their constructor's parameters: ``Users(token)`` of a data class that does something.

    What has no methods is a record; that is told of where it is handed on.
    """
    for event in program.by_file(_making):
        if event.site in seen or program.role(event.function) not in ("endpoint", "router"):
            continue
        info = event.value[0].info
        if event.function in program.dependency_functions or info.maker is None or not _serves(program, info):
            continue
        fields = [*zip(program.solver.fields(info), event.args, strict=False), *event.keywords]
        found = next(((name, k) for name, value in fields if (k := kind_of_secret(program, value))), None)
        if found is None:
            continue
        seen.add(event.site)
        yield program.finding(
            META,
            event,
            f"{info.name}() is handed {_shown(found[1])} as {found[0]!r}. Pass the user's id instead.",
            [program.step((info.path, info.span), f"{info.name}() is below the router")],
        )


def _making(listing: FileListing) -> Iterator[Event]:
    """The calls of classes in a file."""
    return (e for e in listing.by_kind.get("construct", ()) if e.args or e.keywords)


def _serves(program: Program, info: ClassInfo) -> bool:
    """Whether a class without a constructor of its own does a service's work."""
    if program.solver.method(info, "__init__") is not None:
        return False
    own = [m for cls in program.solver.mro(info) for m in cls.methods.values() if not m.name.startswith("_")]
    return any(not (m.is_property or m.is_classmethod or m.is_staticmethod) and _is_below(program, m) for m in own)


def _scheduled(program: Program, seen: set[object]) -> Iterator[Finding]:
    """Services that are started with a token: ``tasks.add_task(send, token)``."""
    for event in program.events("schedule"):
        if event.site in seen or program.role(event.function) not in ("endpoint", "router"):
            continue
        if event.function in program.dependency_functions:
            continue
        started = next((a.info for a in event.value if a.tag in ("fn", "pending") and _is_below(program, a.info)), None)
        bound = [v for a in event.value if a.tag == "pending" and a.info is started for _, v in a.bindings]
        held = [h for v in (*event.args, *bound) for h in _held(program, event, v)] if started is not None else []
        kind = next((k for v in held if (k := kind_of_secret(program, v))), None)
        if kind is None or started is None:
            continue
        seen.add(event.site)
        yield program.finding(
            META,
            event,
            f"{started.name}() is started with {_shown(kind)}. Pass the user's id instead.",
            [program.step(started.site, f"{started.name}() is below the router")],
        )


def _put_on(program: Program) -> Iterator[Finding]:
    """Attributes of services' objects that are given a token: ``client.bearer = token``."""
    for event in program.by_file(_assigning):
        owner = next((a.info for a in event.subject if a.tag == "inst"), None)
        if owner is None or program.role(event.function) not in ("endpoint", "router"):
            continue
        if event.function in program.dependency_functions or program.policy.layer_of(owner.path) != "service":
            continue
        kind = kind_of_secret(program, event.value)
        if kind is not None:
            yield program.finding(
                META,
                event,
                f"{owner.name} is handed {_shown(kind)} as {event.name!r}. Pass the user's id instead.",
                [program.step((owner.path, owner.span), f"{owner.name} is below the router")],
            )


def _assigning(listing: FileListing) -> Iterator[Event]:
    """The assignments of a file to attributes of objects."""
    return (e for e in listing.by_kind.get("setattr", ()) if e.value and any(a.tag == "inst" for a in e.subject))


def _shown(kind: str) -> str:
    return "the raw token" if kind == "token" else "the token's claims"


def _is_service(program: Program, event: Event) -> bool:
    return event.callee is not None and _is_below(program, event.callee)


def _is_below(program: Program, callee: FunctionInfo) -> bool:
    if callee in program.dependency_functions:
        return False
    role = program.role(callee)
    if role in ("service", "background"):
        return True
    return role is None and any(program.sessions((Param(callee, p[0]),)) for p in callee.params)


def _is_receiver(param: Param) -> bool:
    """``self``: what the object was made of was handed over when it was made."""
    return param.info.class_info is not None and param.name == param.info.params[0][0]


def _held(program: Program, event: Event, value: Value, depth: int = 3) -> Iterator[Value]:
    """A value, what is in it, and what the objects written as arguments are made of."""
    yield value
    for atom in value if depth else ():
        if atom.tag == "map":
            for _, inner in atom.items:
                yield from _held(program, event, inner, depth - 1)
        elif atom.tag == "seq":
            for inner in atom.items:
                yield from _held(program, event, inner, depth - 1)
        elif atom.tag == "injected":
            seen = program.solver.views(atom)
            yield from _held(program, event, tuple(a for a in seen if a.tag == "map"), depth - 1)
            yield from (v for a in seen if a.tag == "inst" for v in _fields(program, a.info))
        elif atom.tag == "inst":
            for made in event.function.events:
                if made.kind == "construct" and made.value[0].info is atom.info and is_handed(event, made):
                    yield from (*made.args, *(v for _, v in made.keywords))


def _fields(program: Program, info: ClassInfo) -> Iterator[Value]:
    """What the fields of an injected record hold, declared or filled by its constructor.

    Authentication may put the token there beside the user's id.
    """
    if program.solver.is_model(info) or program.solver.class_kind(info) is not None:
        return
    for cls in program.solver.mro(info):
        for name, (_, annotation, _, _) in cls.attributes.items():
            if annotation:
                yield program.solver.attribute(info, name)
        for name in kept_attributes(cls):
            yield program.solver.attribute(info, name)


def _is_remade(program: Program, atom: Any) -> bool:
    """A dictionary that a dependency hands out with a token's subject and expiry in it: claims under another name."""
    views = program.solver.views(atom) if atom.tag == "injected" else ()
    return any(v.tag == "map" and {key for key, _ in v.items} >= _CLAIMS for v in views)


def secret_in(program: Program, event: Event) -> tuple[str, str] | None:
    """The parameter of a callee that gets a secret, and what it is: ``token`` or ``claims``."""
    for identity, value in event.bindings:
        if isinstance(identity, Param) and identity.info is event.callee:
            held = [value] if _is_receiver(identity) else list(_held(program, event, value))
            kind = next((k for v in held if (k := kind_of_secret(program, v))), None)
            if kind is None and any(_is_remade(program, atom) for v in held for atom in v):
                kind = "claims"
            if kind:
                return identity.name, kind
        elif identity == Const(UNKNOWN_KEYWORDS, "str") and kind_of_secret(program, value):
            return UNKNOWN_KEYWORDS, "claims"
    return None
