"""TXN402: a token or API key is decoded or verified outside auth and routers."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.program.dispatchers import answering_errors
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.report import Finding
from sessionlint.rules.authentication import Authentication, authentication, is_decoder
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.credential_checks import compares_credential
from sessionlint.rules.hand_decoding import decodes_by_hand

META = Rule(
    code="TXN402",
    name="token-decoded-below-router",
    summary="A token or API key is decoded or verified outside auth and routers.",
    rationale=(
        "A service that decodes tokens can only be called with a request in hand: jobs, tests and other services must "
        "forge one. Two places that verify drift apart, and the laxer one decides."
    ),
    remedy="Decode in the auth layer, through a dependency of the route, and pass the user's id to the service.",
    not_flagged=(
        "The auth layer, endpoints, dependencies, middleware and handlers of errors; helpers that only these "
        "call; what a class of the auth layer puts over an attribute that a service's base calls; tests; "
        "`json.loads` and `base64` on anything but the parts of a token."
    ),
    presets=("scrapersky",),
    program_wide=True,
)

BAD = [
    Bad(
        source="""
# --- app/auth/tokens.py
import hmac

import jwt


def decode_token(token):
    return jwt.decode(token, "secret", algorithms=["HS256"])


def verify_api_key(key):
    return hmac.compare_digest(key, "secret")


def user_of(token):
    return decode_token(token)["sub"]
# --- app/auth/__init__.py
from .tokens import decode_token, user_of, verify_api_key
# --- app/services/jobs.py
from functools import partial

import jwt as pyjwt
from jose import jwt
from jose.jwt import decode as decode_it
from supabase import create_client

from app import auth
from app.auth import verify_api_key


async def run(session, token, key):
    claims = jwt.decode(token, "secret")  # TXN402@14
    pyjwt.decode(token, "secret")  # TXN402@5
    decode_it(token, "secret")  # TXN402@5
    partial(pyjwt.decode, key="secret")(token)  # TXN402@5
    getattr(pyjwt, "decode")(token, "secret")  # TXN402@5
    create_client("url", "key").auth.get_user(token)  # TXN402@5
    user = auth.user_of(token)  # TXN402@12
    if not verify_api_key(key):  # TXN402@12
        raise PermissionError
    return claims, user
# --- app/tasks/sync.py
from jose.jwt import get_unverified_claims


async def sync(token):
    return get_unverified_claims(token)  # TXN402@12
"""
    ),
    Bad(
        source="""
# --- app/session.py
import jwt
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://u@h/d")
factory = async_sessionmaker(engine)


async def get_session_dependency(token: str = ""):
    jwt.decode(token, "k")  # TXN402@5
    async with factory() as session:
        yield session
""",
        policy=(("session-contexts", []),),
    ),
    Bad(
        source="""
import base64
import json
from base64 import urlsafe_b64decode


def subject(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["sub"]  # TXN402@23


def payload(raw):
    header, body, signature = raw.split(".")
    body += "=" * (-len(body) % 4)
    decoded = urlsafe_b64decode(body)  # TXN402@15
    return json.loads(decoded)
"""
    ),
    Bad(
        source="""
import hashlib
import hmac
import secrets

from app.settings import settings


def is_ours(given):
    return secrets.compare_digest(given, settings.api_key)  # TXN402@12


async def check(session, x_api_key, stored):
    return hmac.compare_digest(hashlib.sha256(x_api_key.encode()).hexdigest(), stored)  # TXN402@12
"""
    ),
    Bad(
        path="app/services/visitors.py",
        source="""
from jwcrypto.jwt import JWT


def visitor(text, keys):
    found = JWT(jwt=text, key=keys)  # TXN402@13
    return found.claims


def checked(text, keys):
    found = JWT()
    found.deserialize(text, keys)  # TXN402@5
    return found
""",
    ),
    Bad(
        source="""
# --- app/services/tickets.py
from itsdangerous import URLSafeTimedSerializer
from jose import jws
from jose.jws import verify as read_of

readers = URLSafeTimedSerializer("k")


async def ticket(raw, key):
    return jws.verify(raw, key, "HS256")  # TXN402@12


async def other(raw, key):
    return read_of(raw, key, "HS256")  # TXN402@12


async def third(raw):
    return readers.loads(raw)  # TXN402@12
"""
    ),
    Bad(
        source="""
import hashlib
import hmac
import secrets

from app.settings import settings


def is_ours(api_key: str) -> bool:
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    return hmac.compare_digest(digest, settings.stored)  # TXN402@12


def is_whole(body: bytes, expected: str) -> bool:
    digest = hashlib.sha256(body).hexdigest()
    return secrets.compare_digest(digest, expected)


def is_sent_by_us(body: bytes, given: str) -> bool:
    wanted = hmac.new(settings.api_key, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, given)
""",
        path="app/services/keys.py",
    ),
    Bad(
        path="app/services/subjects.py",
        source="""
import base64
import json


def subject(header: str) -> str:
    body = header.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=="))["sub"]  # TXN402@23


def signed(value: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(value.split(".")[0] + "=="))


def webhook(webhook_body: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(webhook_body.split(".")[1] + "=="))
""",
    ),
    Bad(
        source="""
# --- app/kit/__init__.py
from jwt import *
# --- app/kit/readers.py
from app.settings import reader_of

decode = reader_of("rows")
# --- app/services/claims.py
from jwt import *


def read(token):
    return decode(token, "key")  # TXN402@12


def length(token):
    return len(token)
# --- app/services/others.py
from app.kit import *
from asyncio import *


async def read(token):
    await sleep(0)
    return decode(token, "key")  # TXN402@12
# --- app/services/rows.py
from jwt import *
from app.kit.readers import *


def read(token):
    return decode(token, "key")
# --- app/services/lines.py
from jwt import *
from app.settings import reader_of

if reader_of("lines"):
    decode = reader_of("lines")


def read(token):
    return decode(token, "key")
"""
    ),
    Bad(
        """
from collections import deque

from jwt import decode, encode

TOOLS = []
TOOLS.append(encode)
TOOLS.append(decode)
PLAIN = []
PLAIN.append(encode)


def by_index(value):
    TOOLS[0](value)
    PLAIN[0](value)
    return TOOLS[1](value)  # TXN402@12


def each(value):
    for tool in PLAIN:
        tool(value)
    for tool in TOOLS:
        tool(value)  # TXN402@9


def one_after_the_other(value):
    steps = deque([encode])
    steps.append(decode)
    while steps:
        step = steps.popleft()
        value = step(value)  # TXN402@17


def the_first(value):
    steps = deque([encode])
    steps.append(decode)
    step = steps.popleft()
    return step(value)
""",
        path="app/services/tools.py",
    ),
    Bad(
        """
from enum import Enum, IntEnum, StrEnum, auto
from jwt import decode, encode

class Kind(Enum):
    A = 1
    B = 2

class Auto(Enum):
    A = auto()
    B = auto()

class Text(StrEnum):
    A = auto()
    B = auto()

class Pair(Enum):
    A = ("a", 1)
    B = ("b", 2)

T1 = {Kind.A: decode, Kind.B: encode}
T2 = {Auto.A: decode, Auto.B: encode}
T3 = {Text.A: decode, Text.B: encode}
T4 = {Pair.A: decode, Pair.B: encode}
T5 = {1: decode, 2: encode}
T6 = {(1, 2): decode, (1, 3): encode}
T7 = {True: decode, False: encode}



def whole(v):
    T1[Kind.A](v)  # TXN402@5
    T1[Kind.B](v)


def numbered(v):
    T2[Auto.A](v)  # TXN402@5
    T2[Auto.B](v)


def named(v):
    T3[Text.A](v)  # TXN402@5
    T3["b"](v)


def paired(v):
    T4[Pair.A](v)  # TXN402@5
    T4[Pair.B](v)


def asked(v):
    T5.get(1)(v)  # TXN402@5
    T5.get(2)(v)


def by_two(v):
    T6[(1, 2)](v)  # TXN402@5
    T6[1, 3](v)


def by_flag(v):
    T7[True](v)  # TXN402@5
    T7[False](v)


def by_any(v, kind: Auto):
    T2[kind](v)  # TXN402@5


def by_any_two(v, a, b):
    T6[a, b](v)  # TXN402@5


def by_any_pair(v, kind: Pair):
    T4[kind](v)  # TXN402@5

class Calls(Enum):
    A = (decode, "a")
    B = (encode, "b")


def of_member(v):
    Calls.A.value[0](v)  # TXN402@5
    Calls.B.value[0](v)
    do, name = Calls.A.value
    do(v)  # TXN402@5
""",
        path="app/services/kinds.py",
    ),
    Bad(
        # what classes below put over a name that a base binds, however they do it
        """
from collections.abc import Callable
from typing import Any, ClassVar

from jwt import PyJWT, decode, encode


class Reading:
    reader = None
    codec = None
    shown = encode
    asked: ClassVar[Callable[..., Any]]

    def __init__(self):
        self.kept = None

    @property
    def given(self):
        return None

    def read(self, text):
        return self.reader(text)  # TXN402@16

    def unpack(self, text):
        return self.codec.decode(text, "k")  # TXN402@16

    def show(self, text):
        return self.shown(text)  # TXN402@16

    def ask(self, text):
        return self.asked(text)  # TXN402@16

    def keep(self, text):
        return self.kept(text)  # TXN402@16

    def give(self, text):
        return self.given(text)  # TXN402@16


class Decoding(Reading):
    reader = staticmethod(decode)
    codec = PyJWT()
    shown = staticmethod(decode)
    asked = staticmethod(decode)

    def __init__(self):
        super().__init__()
        self.kept = decode

    @property
    def given(self):
        return decode


class Step:
    make = None

    def __init_subclass__(cls, *, make=None, **options):
        super().__init_subclass__(**options)
        cls.make = staticmethod(make)

    def run(self, text):
        return self.make(text)  # TXN402@16


class DecodingStep(Step, make=decode):
    pass


class Writing:
    writer = None
    shown = decode

    def __init__(self):
        self.kept = None

    def write(self, claims):
        return self.writer(claims)

    def keep(self, claims):
        return self.kept(claims)


class Encoding(Writing):
    writer = staticmethod(encode)
    shown = staticmethod(encode)

    def __init__(self):
        super().__init__()
        self.kept = encode
""",
    ),
    Bad(
        """
from jwt import decode, encode


class Tool:
    def __init__(self, work):
        self._work = work

    def get(self):
        return self._work

    def called(self, name):
        self.name = name
        return self


def tool(work):
    return Tool(work).called("tool")


reading = tool(decode)
writing = Tool(encode)


def run(value):
    return reading.get()(value)  # TXN402@12


def run_other(value):
    return writing.get()(value)
""",
        path="app/services/tools.py",
    ),
    Bad(
        path="app/services/keys.py",
        source="""
import bcrypt
from argon2 import PasswordHasher
from passlib.context import CryptContext
from passlib.hash import pbkdf2_sha256

context = CryptContext(schemes=["bcrypt"])
hasher = PasswordHasher()


async def by_bcrypt(session, api_key, row):
    return bcrypt.checkpw(api_key.encode(), row.hashed.encode())  # TXN402@12


async def by_argon(session, api_key, row):
    return hasher.verify(row.hashed, api_key)  # TXN402@12


async def by_context(session, access_token, row):
    return context.verify(secret=access_token, hash=row.hashed)  # TXN402@12


async def by_scheme(session, api_key, row):
    return pbkdf2_sha256.verify(api_key, row.hashed)  # TXN402@12


async def log_in(session, password, user):
    return context.verify(password, user.token), bcrypt.checkpw(password.encode(), user.password_hash)


async def reset_password(session, token, row):
    return hasher.verify(row.hashed, token)


async def accept(session, invite_token, row):
    return context.verify(invite_token, row.hashed)
""",
    ),
    Bad(
        # who asks the authentication whether a password is right decodes no token
        """
# --- app/auth/hashes.py
import bcrypt


def is_password(password, hashed):
    return bcrypt.checkpw(password.encode(), hashed)


def is_key(api_key, hashed):
    return bcrypt.checkpw(api_key.encode(), hashed)
# --- app/services/accounts.py
from app.auth.hashes import is_key, is_password


async def rename(session, account, password):
    return is_password(password, account.hashed)


async def call(session, account, api_key):
    return is_key(api_key, account.hashed)  # TXN402@12
"""
    ),
    Bad(
        path="app/services/pools.py",
        source="""
import cognitojwt


async def of_pool(session, token):
    return await cognitojwt.decode_async(token, "eu-central-1", "pool")  # TXN402@18


def of_pool_now(session, token):
    return cognitojwt.decode(token, "eu-central-1", "pool")  # TXN402@12
""",
    ),
]

GOOD = [
    Good(
        source="""
# --- app/auth/tokens.py
import jwt


def decode_token(token):
    return jwt.decode(token, "secret", algorithms=["HS256"])
# --- app/core/keys.py
from jose import jwt


def read(token):
    return jwt.decode(token, "k")
# --- app/routers/users.py
import jwt
from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer

from app.auth.tokens import decode_token
from app.core.keys import read
from app.services.users import current_user, find

router = APIRouter()


@router.get("/me")
async def me(token=Depends(HTTPBearer()), user=Depends(current_user)):
    claims = decode_token(token.credentials)
    read(token.credentials)
    jwt.decode(token.credentials, "k")
    return await find(None, claims["sub"])
# --- app/services/users.py
import base64
import json

import jwt
from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer


def current_user(token: str = Depends(OAuth2PasswordBearer(tokenUrl="t"))):
    return jwt.decode(token, "k")["sub"]


async def find(session, user_id):
    return json.loads(base64.b64decode(user_id)), jwt.encode({"sub": user_id}, "k")
# --- tests/test_tokens.py
import jwt


def test_token():
    assert jwt.decode("a", "k")
"""
    ),
    Good(
        source="""
# --- app/services/hooks.py
import base64
import hashlib
import hmac
import json


def is_genuine(secret, body, signature):
    return hmac.compare_digest(hmac.new(secret, body, hashlib.sha256).hexdigest(), signature)


def position(cursor):
    return json.loads(base64.urlsafe_b64decode(cursor.split(".")[1]))


def picture(url, page_token):
    return base64.b64decode(url.split(",")[1]), base64.b64decode(page_token.split(".")[0])


def same_file(digest, expected):
    return hmac.compare_digest(digest, expected)
# --- app/main.py
import jwt
from fastapi import FastAPI


class Tokens:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        jwt.decode(dict(scope["headers"])[b"authorization"], "key", algorithms=["HS256"])
        await self.app(scope, receive, send)


app = FastAPI()
app.add_middleware(Tokens)
"""
    ),
    Good(
        path="app/services/visitors.py",
        source="""
from jwcrypto.jwt import JWT


def pass_for(name, keys):
    made = JWT(header={"alg": "HS256"}, claims={"sub": name})
    made.make_signed_token(keys)
    return made.serialize()


def held(text):
    return JWT(jwt=text, key=None)
""",
    ),
    Good(
        path="app/services/tickets.py",
        source="""
from itsdangerous import URLSafeTimedSerializer
from jose import jws

readers = URLSafeTimedSerializer("k")


async def ticket(text, key):
    return jws.sign(text, key, "HS256")


async def other(text):
    return readers.dumps(text)
""",
    ),
    Good(
        source="""
# --- app/auth/callers.py
import jwt


def caller_of(cookies):
    return jwt.decode(cookies["token"], "secret", algorithms=["HS256"])["sub"]
# --- app/pages.py
from fastapi.responses import HTMLResponse

from app.auth.callers import caller_of


async def refused(request, error):
    return HTMLResponse(f"{caller_of(request.cookies)} may not", status_code=403)


async def broken(request, error):
    return HTMLResponse(f"sorry, {caller_of(request.cookies)}", status_code=500)
# --- app/main.py
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from app.auth.callers import caller_of
from app.pages import broken, refused

app = FastAPI(exception_handlers={403: refused})
app.add_exception_handler(500, broken)


@app.exception_handler(404)
async def missing(request, error):
    return HTMLResponse(f"{caller_of(request.cookies)}, nothing here", status_code=404)
""",
    ),
    Good(
        # what a class of the authentication puts there is decoded for it
        """
# --- app/services/reading.py
class Reading:
    reader = None

    def read(self, text):
        return self.reader(text)
# --- app/auth/tokens.py
from jwt import decode

from app.services.reading import Reading


class TokenReading(Reading):
    reader = staticmethod(decode)
""",
    ),
]

_EDGE = {"auth", "endpoint", "router", "dependency", "test", "migration"}
_BELOW = {"service", "model", "background", "session"}


def check(program: Program) -> Iterator[Finding]:
    """Decoder calls below the router, and calls from there into auth functions that decode."""
    known = authentication(program)
    for event in program.events("external"):
        if is_decoder(event.name) and _is_below(program, known, event.function):
            name = event.name.replace("()", "")
            yield program.finding(
                META,
                event,
                f"{name}() decodes a token below the router. Decode it in a dependency of the route and pass the "
                "user's id.",
            )
        elif decodes_by_hand(event) and _is_below(program, known, event.function):
            yield program.finding(
                META,
                event,
                f"{event.name}() reads the payload of a token below the router, and verifies nothing. Decode the token "
                "in a dependency of the route and pass the user's id.",
            )
        elif compares_credential(event) and _is_below(program, known, event.function):
            yield program.finding(
                META,
                event,
                f"{event.name}() checks an API key or token below the router. Check it in a dependency of the "
                "route and pass the user's id.",
            )
    seen: set[object] = set()
    for event in program.events("call"):
        if event.site in seen or not _is_call_into_auth(known, event) or not _is_below(program, known, event.function):
            continue
        seen.add(event.site)
        assert event.callee is not None
        yield program.finding(
            META,
            event,
            f"{event.name}() verifies a token or key below the router. Call it in a dependency of the route and "
            "pass the "
            "user's id.",
            known.trace(event.callee),
        )


def _is_call_into_auth(known: Authentication, event: Event) -> bool:
    callee = event.callee
    return callee is not None and known.decodes(callee) and known.in_auth_layer(callee)


def _is_below(program: Program, known: Authentication, function: FunctionInfo) -> bool:
    role = program.role(function)
    if role in _EDGE or known.in_auth_layer(function) or _is_at_the_edge(program, function):
        return False
    if role in _BELOW:
        return True
    has_auth_layer = bool(program.policy.layers.get("auth"))
    return has_auth_layer and not _serves_the_edge(program, known, function, frozenset())


def _is_at_the_edge(program: Program, function: FunctionInfo) -> bool:
    """FastAPI calls it with the request: dependency, middleware, handler of errors, security class."""
    if function in program.dependency_functions or "middleware" in function.registrations:
        return True
    if function in program.shared(answering_errors):
        return True
    if any(not (d.provided or d.handed) for d in function.dependencies.values()):
        return True  # its own ``Depends`` says so, whoever asks for it some day
    if function.class_info is not None:
        bases = program.solver.external_bases(function.class_info)
        if any(b.startswith(("starlette.", "fastapi.security.", "fastapi.routing.")) for b in bases):
            return True
    return function.parent is not None and _is_at_the_edge(program, function.parent)


def _serves_the_edge(
    program: Program, known: Authentication, function: FunctionInfo, seen: frozenset[FunctionInfo]
) -> bool:
    """Whether only auth, endpoints and dependencies call it."""
    callers = [e.function for e in known.callers.get(function, ()) if e.function not in seen]
    if not callers:
        return bool(seen)
    seen = seen | {function}
    return all(
        program.role(c) in _EDGE
        or _is_at_the_edge(program, c)
        or (program.role(c) is None and _serves_the_edge(program, known, c, seen))
        for c in callers
    )
