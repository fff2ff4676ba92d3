"""TXN405: a route without authentication."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.program.model import FunctionInfo
from sessionlint.program.registering import Route
from sessionlint.report import Finding
from sessionlint.rules.authentication import Authentication, authentication
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.middlewares import Guarded, guarded
from sessionlint.rules.mounting import UNTOLD, mounts, path_pattern
from sessionlint.rules.route_classes import guards_routes
from sessionlint.rules.transactions import place_of_route

META = Rule(
    code="TXN405",
    name="unprotected-endpoint",
    summary="No authentication dependency guards the route, its router or the app.",
    rationale=(
        "Tenant filters no longer limit what a request can reach, so authentication at the route is the only guard. A "
        "route without it serves everything its query finds to everyone who knows the path. The finding stands at the "
        "decorator of the route, or at the call that adds it."
    ),
    remedy=(
        "Add the authentication dependency to the parameters, to `dependencies=[…]` of the route or its router, "
        "or list "
        "the path in `allow-unprotected`."
    ),
    not_flagged=(
        "Routes guarded by a parameter, by what their class-based view injects, a route, router or `include_router` "
        "dependency, a parent router, the app, the router's `route_class`, or middleware (of the app or of one it is "
        "mounted in) that checks tokens and refuses; paths in `allow-unprotected`; endpoints that read the token "
        "themselves, that look at the caller whom a dependency gives them if there is one, or compare a secret (a "
        "webhook's signature) with what the request says and refuse, a header's signature with any status of the "
        "client's fault; tests."
    ),
    presets=("scrapersky",),
    program_wide=True,
)

BAD = [
    Bad(
        source="""
# --- app/main.py
import jwt
from fastapi import FastAPI, Request
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser, requires
from starlette.middleware.authentication import AuthenticationMiddleware


class Backend(AuthenticationBackend):
    async def authenticate(self, conn):
        token = conn.headers.get("Authorization")
        if not token:
            return None
        claims = jwt.decode(token, "key", algorithms=["HS256"])
        return AuthCredentials(["authenticated"]), SimpleUser(claims["sub"])


class Claims:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        raw = dict(scope["headers"]).get(b"authorization", b"").decode()
        if raw:
            scope["state"]["claims"] = jwt.decode(raw, "key", algorithms=["HS256"])
        await self.app(scope, receive, send)


app = FastAPI()
app.add_middleware(AuthenticationMiddleware, backend=Backend())
app.add_middleware(Claims)


@app.get("/open")  # TXN405@2
async def open_to_all():
    return 1


@app.get("/closed")
@requires("authenticated")
async def closed(request: Request):
    return 1
""",
    ),
    Bad(
        source="""
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import OAuth2PasswordRequestForm

from app.session import get_session_dependency

router = APIRouter(prefix="/items")
app = FastAPI()


def page(number: int = 1):
    return number


@router.get("/")  # TXN405@2
async def listed(session=Depends(get_session_dependency), number=Depends(page)):
    return number


@router.post("/login")  # TXN405@2
async def login(form: OAuth2PasswordRequestForm = Depends()):
    return form


@app.get("/health")  # TXN405@2
@app.head("/health")  # TXN405@2
def health():
    return "ok"


async def plain():
    return 1


app.include_router(router)
app.add_api_route("/plain", plain)  # TXN405@1
""",
        path="app/routers/items.py",
    ),
    Bad(
        source="""
# --- app/routers/a.py
from fastapi import APIRouter

router = APIRouter()


@router.get("/a")  # TXN405@2
async def a():
    return 1
# --- app/main.py
from fastapi import Depends, FastAPI

from app.auth.security import get_current_user
from app.routers import a

app = FastAPI()
app.include_router(a.router, prefix="/private", dependencies=[Depends(get_current_user)])
app.include_router(a.router, prefix="/open")
"""
    ),
    Bad(
        source="""
from fastapi import APIRouter

router = APIRouter(prefix="/v1")


@router.get("/health/live")
def live():
    return 1


@router.websocket("/search")  # TXN405@2
async def search(socket):
    return socket.query_params["q"]


@router.get("/status")  # TXN405@2
def status():
    return 1


@router.get("/admin/health")  # TXN405@2
def other():
    return 1
""",
        path="app/routers/health.py",
        policy=(("allow-unprotected", ["/v1/health/**"]),),
    ),
    Bad(
        source="""
# --- app/routers/ping.py
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user

router = APIRouter()


async def ping():
    return "pong"


async def profile():
    return "me"


router.get("/ping")(ping)  # TXN405@1
router.get("/me", dependencies=[Depends(get_current_user)])(profile)
# --- app/main.py
from fastapi import FastAPI

from app.routers.ping import router

app = FastAPI()
app.include_router(router)
"""
    ),
    Bad(
        source="""
# --- app/main.py
from fastapi import APIRouter, Depends, FastAPI

from app.auth.security import get_current_user


def add_items(router: APIRouter) -> None:
    @router.get("/items")  # TXN405@6
    async def items():
        return 1


def add_orders(router: APIRouter) -> None:
    @router.get("/orders")
    async def orders():
        return 1


async def status():
    return 1


def add_status(app: FastAPI) -> None:
    app.add_api_route("/status", status)  # TXN405@5


def create_app() -> FastAPI:
    app = FastAPI()
    open_router = APIRouter()
    closed_router = APIRouter(dependencies=[Depends(get_current_user)])
    add_items(open_router)
    add_orders(closed_router)
    add_status(app)
    app.include_router(open_router)
    app.include_router(closed_router)
    return app
"""
    ),
    Bad(
        source="""
# --- app/views.py
def cbv(router):
    def decorate(cls):
        return cls

    return decorate
# --- app/routers/a.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import get_current_user
from app.session import get_session_dependency
from app.views import cbv

router = APIRouter()


def limit():
    return 10


@cbv(router)
class Closed:
    user: dict = Depends(get_current_user)


@cbv(router)
class Open:
    session: AsyncSession = Depends(get_session_dependency)

    @router.get("/a")  # TXN405@6
    async def a(self):
        return 1


@cbv(router)
class Limited:
    def __init__(self, rows: int = Depends(limit)):
        self.rows = rows

    @router.get("/b")  # TXN405@6
    async def b(self):
        return self.rows


class Plain:
    def __init__(self, user: dict = Depends(get_current_user)):
        self.user = user

    @router.get("/c")  # TXN405@6
    async def c(self):
        return 1
"""
    ),
    Bad(
        source="""
# --- app/auth/clients.py
from fastapi import Request


def client_name(request: Request):
    name = request.headers.get("x-client", "web")
    return name.strip().lower()


class Paging:
    def __init__(self, offset: int = 0, limit: int = 50):
        self.offset = max(offset, 0)
        self.limit = min(limit, 100)
# --- app/routers/a.py
from fastapi import APIRouter, Depends

from app.auth.clients import Paging, client_name


class Tagged(APIRouter):
    def __init__(self, **options):
        options.setdefault("tags", []).append("tagged")
        options.setdefault("dependencies", []).append(Depends(client_name))
        super().__init__(**options)


router = Tagged(prefix="/tagged")
plain = APIRouter(prefix="/plain", dependencies=[Depends(client_name)])


@router.get("/a")  # TXN405@2
async def a(paging: Paging = Depends()):
    return paging.limit


@plain.get("/b")  # TXN405@2
async def b(client: str = Depends(client_name)):
    return client
"""
    ),
    Bad(
        source="""
# --- app/auth/forgery.py
import hmac

from fastapi import Depends, Header, HTTPException, Request
from fastapi_csrf_protect import CsrfProtect


async def validate_csrf_token(request: Request, csrf_protect: CsrfProtect = Depends()) -> None:
    try:
        await csrf_protect.validate_csrf(request)
    except Exception as error:
        raise HTTPException(403, "CSRF token missing") from error


async def check_xsrf(request: Request, x_xsrf_token: str = Header()) -> None:
    if not hmac.compare_digest(request.cookies["XSRF-TOKEN"], x_xsrf_token):
        raise HTTPException(status_code=403)


class CsrfGuard:
    def __init__(self, header: str) -> None:
        self.header = header

    def __call__(self, request: Request) -> None:
        if not request.headers.get("X-CSRF-Token"):
            raise PermissionDenied()
# --- app/main.py
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi_csrf_protect import CsrfProtect

from app.auth.forgery import CsrfGuard, check_xsrf, validate_csrf_token

app = FastAPI()


async def from_our_pages(request: Request) -> None:
    if request.headers.get("origin") != "https://example.com":
        raise HTTPException(403, detail=f"{request.method}: CSRF check failed")


@app.post("/register")  # TXN405@2
async def register(_: None = Depends(validate_csrf_token)):
    return {}


@app.post("/orders", dependencies=[Depends(check_xsrf)])  # TXN405@2
async def orders():
    return {}


@app.post("/items", dependencies=[Depends(CsrfGuard("x"))])  # TXN405@2
async def items():
    return {}


@app.post("/notes", dependencies=[Depends(from_our_pages)])  # TXN405@2
async def notes(csrf: CsrfProtect = Depends()):
    return {}
""",
    ),
    Bad(
        source="""
from fastapi import Depends, FastAPI


def page(number: int = 1):
    return number


PAGED = {"dependencies": [Depends(page)], "tags": ["orders"]}
app = FastAPI()


@app.get("/orders", **PAGED)  # TXN405@2
async def listed():
    return []
""",
    ),
    Bad(
        source="""
# --- app/urls.py
import os

MAJOR = 2
ROOT = f"/v{MAJOR}"
SHOP = ROOT + "/shop"
STAGE = os.environ["STAGE"]
# --- app/routers/shop.py
from fastapi import APIRouter

from app.urls import STAGE

router = APIRouter()
PLURAL = "s"


@router.get(f"/item{PLURAL}")
async def items():
    return 1


@router.get(f"/cart{PLURAL}")  # TXN405@2
async def carts():
    return 1


@router.get(f"/{STAGE}")  # TXN405@2
async def stage():
    return 1
# --- app/main.py
from fastapi import FastAPI

from app.routers import shop
from app.urls import SHOP

app = FastAPI()
app.include_router(shop.router, prefix=f"{SHOP}/open")
""",
        policy=(("allow-unprotected", ["/v2/shop/open/items", "/shop/open/carts"]),),
    ),
    Bad(
        source="""
# --- app/auth/locale.py
from contextvars import ContextVar

from fastapi import Request

spoken: ContextVar[str] = ContextVar("spoken", default="en")


async def note_language(request: Request):
    spoken.set(request.headers.get("accept-language", "en"))
    return spoken.get()
# --- app/main.py
from fastapi import Depends, FastAPI

from app.auth.locale import note_language

app = FastAPI()


@app.get("/menu", dependencies=[Depends(note_language)])  # TXN405@2
async def menu():
    return []
""",
    ),
    Bad(
        source="""
# --- app/observing.py
import hashlib
import logging
import time

import jwt
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware

log = logging.getLogger(__name__)


class Timed(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        began = time.perf_counter()
        caller = hashlib.sha256(request.headers.get("authorization", "").encode()).hexdigest()
        try:
            answer = await call_next(request)
        except Exception:
            log.exception("%s failed for %s", request.url.path, caller)
            return JSONResponse({"detail": "sorry"}, status_code=500)
        log.info("%s took %s for %s", request.url.path, time.perf_counter() - began, caller)
        return answer


class Throttled(BaseHTTPMiddleware):
    def __init__(self, app, most=100):
        super().__init__(app)
        self.most = most
        self.seen = {}

    async def dispatch(self, request, call_next):
        try:
            caller = jwt.decode(request.headers.get("authorization"), "key", algorithms=["HS256"])["sub"]
        except jwt.PyJWTError:
            caller = request.client.host
        self.seen[caller] = self.seen.get(caller, 0) + 1
        if self.seen[caller] > self.most:
            return JSONResponse({"detail": "slow down"}, status_code=429)
        return await call_next(request)
# --- app/main.py
from fastapi import FastAPI

from app.observing import Throttled, Timed

app = FastAPI()
app.add_middleware(Timed)
app.add_middleware(Throttled, most=20)


@app.middleware("http")
async def remember(request, call_next):
    request.state.caller = request.cookies.get("session_token")
    return await call_next(request)


@app.get("/prices")  # TXN405@2
async def prices():
    return []
""",
    ),
    Bad(
        source="""
# --- app/doors.py
from fastapi import HTTPException
from starlette.middleware.base import BaseHTTPMiddleware


class Door(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        if not request.headers.get("authorization"):
            raise HTTPException(401)
        return await call_next(request)
# --- app/routers/shelf.py
from fastapi import APIRouter

router = APIRouter()


@router.get("/books")  # TXN405@2
async def books():
    return []
# --- app/main.py
from fastapi import FastAPI
from starlette.middleware import Middleware

from app.doors import Door
from app.routers.shelf import router


def shut(app):
    app.add_middleware(Door)


staff, public, annex = FastAPI(middleware=[Middleware(Door)]), FastAPI(), FastAPI()
members = FastAPI()
shut(members)
public.mount("/staff", staff)
public.mount("/annex", annex)
staff.include_router(router)
public.include_router(router)


@staff.get("/loans")
async def loans():
    return []


@members.get("/fines")
async def fines():
    return []


@annex.get("/map")  # TXN405@2
async def plan():
    return []
""",
    ),
    Bad(
        source="""
# --- app/main.py
from typing import Annotated

from fastapi import Cookie, Depends, FastAPI, Header, Request
from fastapi.security import OAuth2PasswordBearer

app = FastAPI()
token = OAuth2PasswordBearer(tokenUrl="token", auto_error=False)


def caller(authorization: Annotated[str | None, Header()] = None):
    return authorization or "guest"


def bearer(given=Depends(token)):
    return given if given else "guest"


def signed(session_token: Annotated[str | None, Cookie()] = None):
    if not session_token:
        return "guest"
    return session_token


def named(request: Request):
    return request.headers.get("authorization", "guest")


def greeting(who=Depends(caller)):
    return f"hello {who}"


@app.get("/a")  # TXN405@2
async def a(who=Depends(caller)):
    return who


@app.get("/b")  # TXN405@2
async def b(who=Depends(bearer)):
    return who


@app.get("/c")  # TXN405@2
async def c(who=Depends(signed)):
    return who


@app.get("/d")  # TXN405@2
async def d(who=Depends(named)):
    return who


@app.get("/e")  # TXN405@2
async def e(text=Depends(greeting)):
    return text
""",
    ),
    Bad(
        source="""
# --- app/callers.py
import jwt
from fastapi import Cookie, Depends, Header, HTTPException, Request
from fastapi.security import HTTPBearer, OAuth2PasswordBearer
from fastapi_users import FastAPIUsers

people = FastAPIUsers(None, [])
perhaps = people.current_user(optional=True)
member = people.current_user(active=True)
oauth = OAuth2PasswordBearer(tokenUrl="token", auto_error=False)
bearer = HTTPBearer()


async def found(token=Depends(oauth)):
    if not token:
        return None
    try:
        return jwt.decode(token, "k", algorithms=["HS256"])
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error


async def by_header(authorization: str | None = Header(None)):
    return jwt.decode(authorization, "k", algorithms=["HS256"]) if authorization is not None else None


async def by_request(request: Request):
    token = request.headers.get("Authorization")
    if token:
        return jwt.decode(token, "k", algorithms=["HS256"])
    return None


async def strict(request: Request):
    token = request.headers.get("Authorization")
    if token is None:
        raise HTTPException(401)
    return jwt.decode(token, "k", algorithms=["HS256"])


async def lenient(request: Request):
    try:
        return await strict(request)
    except HTTPException:
        return None


async def either(token=Depends(oauth), access_token: str | None = Cookie(None)):
    if token:
        return jwt.decode(token, "k", algorithms=["HS256"])
    if access_token:
        return jwt.decode(access_token, "k", algorithms=["HS256"])
    raise HTTPException(401)


async def known(caller=Depends(found)):
    if caller is None:
        raise LookupError
    return caller


async def noted(caller=Depends(found), user=Depends(member)):
    return user if caller is None else caller


async def unless_closed(request: Request, token=Depends(oauth)):
    if request.url.path == "/open":
        return None
    if not token:
        token = request.cookies.get("token")
    if not token:
        raise HTTPException(401)
    return token
# --- app/auth/left.py
from fastapi import Request


async def left_by_others(request: Request):
    return getattr(request.state, "caller", None)
# --- app/main.py
from fastapi import APIRouter, Depends, FastAPI, HTTPException

from app import callers
from app.auth.left import left_by_others

app = FastAPI()
router = APIRouter(dependencies=[Depends(callers.found)])


@app.get("/a")  # TXN405@2
async def a(caller=Depends(callers.found)):
    return 1


@app.get("/b", dependencies=[Depends(callers.oauth)])  # TXN405@2
async def b():
    return 1


@app.get("/c")  # TXN405@2
async def c(caller=Depends(callers.perhaps)):
    return 1


@app.get("/d", dependencies=[Depends(callers.by_header), Depends(callers.lenient)])  # TXN405@2
async def d(caller=Depends(callers.by_request)):
    return 1


@router.get("/e")  # TXN405@2
async def e():
    return 1


@app.get("/o")  # TXN405@2
async def o(caller=Depends(left_by_others)):
    return 1


@app.get("/p")
async def p(caller=Depends(left_by_others)):
    return caller.name


@app.get("/f")
async def f(caller=Depends(callers.found)):
    if caller is None:
        raise HTTPException(401)
    return 1


@app.get("/g", dependencies=[Depends(callers.bearer)])
async def g():
    return 1


@app.get("/h", dependencies=[Depends(callers.either)])
async def h():
    return 1


@app.get("/i", dependencies=[Depends(callers.known)])
async def i():
    return 1


@app.get("/j", dependencies=[Depends(callers.noted)])
async def j():
    return 1


@app.get("/k", dependencies=[Depends(callers.member)])
async def k():
    return 1


@app.get("/l")
async def l(caller=Depends(callers.perhaps)):
    return caller


@app.get("/m", dependencies=[Depends(callers.strict)])
async def m():
    return 1


@app.get("/n", dependencies=[Depends(callers.unless_closed)])
async def n():
    return 1


app.include_router(router)
""",
    ),
    Bad(
        source="""
# --- app/auth/around.py
import functools
import logging
import time

from fastapi import HTTPException, Request

from app.auth.rights import allowed

log = logging.getLogger(__name__)


def address(request: Request):
    return request.client.host


def where(request: Request):
    return f"{request.client.host}: {request.url.path}"


def timed(function):
    @functools.wraps(function)
    async def wrapper(request: Request, *args, **kwargs):
        began = time.perf_counter()
        answer = await function(request, *args, **kwargs)
        log.info("%s took %s", request.url.path, time.perf_counter() - began)
        return answer

    return wrapper


def named(label):
    def around(function):
        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            log.info(label)
            return await function(*args, **kwargs)

        return wrapper

    return around


def careful(function):
    @functools.wraps(function)
    async def wrapper(request: Request, *args, **kwargs):
        allowed(request)
        return await function(request, *args, **kwargs)

    return wrapper


def closed(right):
    def around(function):
        @functools.wraps(function)
        async def wrapper(request: Request, *args, **kwargs):
            if right not in request.state.rights:
                raise LookupError
            return await function(request, *args, **kwargs)

        return wrapper

    return around
# --- app/main.py
from fastapi import Depends, FastAPI, Request

from app.auth import around

app = FastAPI()


@app.get("/a")  # TXN405@2
async def a(host=Depends(around.address)):
    return host


@app.get("/b", dependencies=[Depends(around.where)])  # TXN405@2
@around.timed
async def b(request: Request):
    return 1


@app.get("/c")  # TXN405@2
@around.named("c")
async def c():
    return 1


@app.get("/d")
@around.careful
async def d(request: Request):
    return 1


@app.get("/e")
@around.closed("e")
async def e(request: Request):
    return 1
""",
    ),
    Bad(
        source="""
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user

router = APIRouter()


async def one():
    return 1


async def two():
    return 2


for path, handler in (("/one", one), ("/two", two)):
    router.add_api_route(path, handler)  # TXN405@5

for path, handler in (("/three", one), ("/four", two)):
    router.add_api_route(path, handler, dependencies=[Depends(get_current_user)])
""",
        path="app/routers/rounds.py",
    ),
    Bad(
        """
# --- app/routers/lists.py
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user

router = APIRouter()
guarded = APIRouter(dependencies=[Depends(get_current_user)])


async def read():
    return 1


async def ready():
    return 1


def prefixed(name):
    return f"/{name}"


for path in ("/apples", "/pears"):
    router.add_api_route(path, read)  # TXN405@5
for name in ("plums", "nuts"):
    router.add_api_route(prefixed(name), ready)  # TXN405@5
guarded.add_api_route("/own", read)
guarded.add_api_route("/ours", ready)
"""
    ),
    Bad(
        """
# --- app/handlers.py
async def read():
    return 1


async def noted():
    return 2


async def kept():
    return 3
# --- app/main.py
from fastapi import Depends, FastAPI

from app import handlers
from app.auth.security import get_current_user

app = FastAPI()
app.add_api_route("/read", handlers.read)  # TXN405@1
app.get("/noted")(handlers.noted)  # TXN405@1
app.add_api_route("/kept", handlers.kept, dependencies=[Depends(get_current_user)])
""",
    ),
    Bad(
        """
# --- app/limits.py
import jwt
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware

MOST = {"free": 10, "paid": 100}


def claims_of(request):
    try:
        return jwt.decode(request.headers.get("authorization"), "key", algorithms=["HS256"])
    except jwt.PyJWTError:
        return {}


def most_of(claims):
    return MOST[claims.get("plan", "free")]


class Limited(BaseHTTPMiddleware):
    def __init__(self, app):
        super().__init__(app)
        self.seen = {}

    async def dispatch(self, request, call_next):
        caller = self.caller_of(request)
        self.seen[caller] = self.seen.get(caller, 0) + 1
        if self.seen[caller] > most_of(claims_of(request)):
            return JSONResponse({"detail": "slow down"}, status_code=429)
        return await call_next(request)

    def caller_of(self, request):
        claims = claims_of(request)
        if not claims:
            return request.client.host
        return claims["sub"]
# --- app/main.py
from fastapi import FastAPI

from app.limits import Limited

app = FastAPI()
app.add_middleware(Limited)


@app.get("/limited")  # TXN405@2
async def limited():
    return 1
"""
    ),
    Bad(
        source="""
import os

from fastapi import FastAPI, HTTPException, Request

app = FastAPI()
KIND = os.environ["KIND"]
KEY = os.environ["CRON_KEY"]


@app.post("/environment")  # TXN405@2
async def environment(given: str):
    if given != os.getenv("KIND"):
        raise HTTPException(403)


@app.post("/body")  # TXN405@2
async def body(request: Request):
    if (await request.json()).get("kind") != KIND:
        raise HTTPException(403)


@app.post("/state")  # TXN405@2
async def state(request: Request):
    if request.state.key != KEY:
        raise HTTPException(403)
""",
    ),
    Bad(
        source="""
from fastapi import APIRouter, FastAPI
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    token: str
    prefix: str


settings = Settings()
app = FastAPI()
router = APIRouter(prefix=settings.prefix)


@app.get("/")
async def root():
    return 1


@app.post(f"/{settings.token}")  # TXN405@2
async def hook():
    return 1


@app.post(f"/hooks/{settings.token}")
async def listed():
    return 1


@router.get("/health")
async def health():
    return 1


@router.get("/items")  # TXN405@2
async def items():
    return 1


app.include_router(router)
""",
        policy=(("allow-unprotected", ["/", "/hooks/*", "/health"]),),
    ),
    Bad(
        # what a helper asks for is what this very call hands it
        """
# --- app/asking.py
from typing import Annotated, Any

from fastapi import Depends

from app.auth.security import get_current_user
from app.paging import window


def wanted(function):
    return Annotated[Any, Depends(function)]


def asked(function):
    return Depends(function)


def first(function):
    return [asked(function)]


def called(kind):
    if kind == "caller":
        return Depends(get_current_user)
    return Depends(window)
# --- app/paging.py
async def window(start: int = 0):
    return start
# --- app/routers/notes.py
from fastapi import APIRouter

from app.asking import asked, called, first, wanted
from app.auth.security import get_current_user
from app.paging import window

router = APIRouter()
Caller = wanted(get_current_user)
Window = wanted(window)


@router.get("/a")  # TXN405@2
async def a(start: Window):
    return start


@router.get("/b")
async def b(start: Window, caller: Caller):
    return start


@router.get("/c")  # TXN405@2
async def c(start=asked(window)):
    return start


@router.get("/d")
async def d(caller=asked(get_current_user)):
    return caller


@router.get("/e", dependencies=first(window))  # TXN405@2
async def e():
    return 1


@router.get("/f", dependencies=first(get_current_user))
async def f():
    return 1


@router.get("/g")  # TXN405@2
async def g(start=called("window")):
    return start


@router.get("/h")
async def h(caller=called("caller")):
    return caller
"""
    ),
]

GOOD = [
    Good(
        source="""
# --- app/main.py
import jwt
from fastapi import FastAPI
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware


class Backend(AuthenticationBackend):
    async def authenticate(self, conn):
        token = conn.headers.get("Authorization")
        if not token:
            raise AuthenticationError("no token")
        claims = jwt.decode(token, "key", algorithms=["HS256"])
        return AuthCredentials(["authenticated"]), SimpleUser(claims["sub"])


app = FastAPI()
app.add_middleware(AuthenticationMiddleware, backend=Backend())


@app.get("/open")
async def open_to_all():
    return 1
""",
    ),
    Good(
        source="""
# --- app/main.py
import jwt
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

app = FastAPI()
PUBLIC = {"/login"}


def claims_of(request):
    token = request.headers.get("Authorization")
    return jwt.decode(token, "key", algorithms=["HS256"]) if token else None


@app.middleware("http")
async def authenticate(request: Request, call_next):
    if request.url.path not in PUBLIC:
        claims = claims_of(request)
        if not claims:
            return JSONResponse({}, status_code=401)
    return await call_next(request)


@app.get("/open")
async def open_to_all():
    return 1
""",
    ),
    Good(
        source="""
# --- app/deps.py
from typing import Annotated

from fastapi import Cookie, Depends, Header, HTTPException, Request, Security, status
from fastapi.security import APIKeyHeader, HTTPBearer

from app.auth.security import get_current_user

api_key = APIKeyHeader(name="X-API-Key")


def by_header(x_api_key: str = Header()):
    return x_api_key


def by_request(request: Request):
    return request.headers.get("Authorization")


def by_cookie(session_token: Annotated[str | None, Cookie()] = None):
    return session_token


def by_refusal(request: Request):
    if not request.state.user:
        raise HTTPException(status_code=status.HTTP_401_UNAUTHORIZED)


def nested(value=Depends(by_refusal)):
    return value


class Requires:
    def __init__(self, role):
        self.role = role

    def __call__(self, user=Depends(get_current_user)):
        return user


User = Annotated[dict, Depends(get_current_user)]
# --- app/routers/items.py
from fastapi import APIRouter, Depends, Request, Security, WebSocket

from app import deps
from app.auth.security import get_current_user, get_current_user as me
from app.deps import Requires, User

router = APIRouter()
guarded = APIRouter(dependencies=[Depends(me)])


def caller(request):
    return header(request)


def header(request: Request):
    return request.headers["authorization"]


@router.get("/a")
async def a(user: User):
    return user


@router.get("/b", dependencies=[Depends(Requires("admin"))])
async def b():
    return 1


@guarded.get("/c")
async def c():
    return 1


@router.get("/d")
async def d(key=Security(deps.api_key)):
    return key


@router.get("/e")
async def e(one=Depends(deps.by_header)):
    return one


@router.get("/f")
async def f(one=Depends(deps.by_request)):
    return one


@router.get("/g")
async def g(one=Depends(deps.by_cookie)):
    return one


class Views:
    user = Depends(get_current_user)

    @router.get("/i")
    async def i(self):
        return self.user


@router.websocket("/k")
async def k(socket: WebSocket):
    return socket.query_params.get("token")


@router.get("/j")
async def j(request: Request):
    return caller(request)


@router.get("/h")
async def h(one=Depends(deps.nested)):
    return one
"""
    ),
    Good(
        source="""
# --- app/routers/a.py
from fastapi import APIRouter

router = APIRouter()
inner = APIRouter()


@inner.get("/a")
async def a():
    return 1


router.include_router(inner)
# --- app/routers/__init__.py
from .a import router
# --- app/main.py
from fastapi import Depends, FastAPI

from app import routers
from app.auth.security import get_current_user


def create_app():
    app = FastAPI(dependencies=[Depends(get_current_user)])
    app.include_router(routers.router, prefix="/v1")
    return app
"""
    ),
    Good(
        source="""
from fastapi import APIRouter, Depends

router = APIRouter()


class AuthRequiredError(Exception):
    pass


def identity(context=Depends(dict)):
    if not context:
        raise AuthRequiredError("sign in")
    return context


required = Depends(identity)


@router.get("/me")
def me(who=required):
    return who


def pages(app):
    @app.route("/pages/<name>")
    def page(name):
        return name
""",
        path="app/routers/me.py",
    ),
    Good(
        source="""
from fastapi import APIRouter

router = APIRouter(prefix="/v1")


@router.get("/health")
def live():
    return 1
""",
        path="app/routers/health.py",
        policy=(("allow-unprotected", ["/health"]),),
    ),
    Good(
        source="""
# --- app/routers/a.py
from fastapi import APIRouter

router = APIRouter()


@router.get("/a")
async def a():
    return 1
# --- app/main.py
from fastapi import Depends, FastAPI

from app.auth.security import get_current_user
from app.routers import a

ROUTERS = [(a.router, "/v1", [Depends(get_current_user)])]
app = FastAPI()
for router, prefix, dependencies in ROUTERS:
    app.include_router(router, prefix=prefix, dependencies=dependencies)
"""
    ),
    Good(
        source="""
# --- app/routers/a.py
from fastapi import APIRouter

router = APIRouter()


@router.get("/a")
async def a():
    return 1
# --- app/main.py
import jwt
from fastapi import FastAPI
from starlette.middleware import Middleware

from app.routers import a


class Tokens:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        jwt.decode(dict(scope["headers"])[b"authorization"], "key", algorithms=["HS256"])
        await self.app(scope, receive, send)


app = FastAPI(middleware=[Middleware(Tokens)])
app.include_router(a.router)
"""
    ),
    Good(
        source="""
# --- app/views.py
def cbv(router):
    def decorate(cls):
        return cls

    return decorate
# --- app/routers/a.py
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi_utils.cbv import cbv as library_view
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import get_current_user
from app.session import get_session_dependency
from app.views import cbv

router = APIRouter()
User = Annotated[dict, Depends(get_current_user)]


@library_view(router)
class Written:
    session: AsyncSession = Depends(get_session_dependency)
    user: dict = Depends(get_current_user)

    @router.get("/a")
    async def a(self):
        return 1


@cbv(router)
class Declared:
    user: User

    @router.get("/b")
    async def b(self):
        return 1


@cbv(router)
class Uncached:
    user: dict = Depends(get_current_user, use_cache=False)

    @router.get("/c")
    async def c(self):
        return 1


class Base:
    user: User

    def __init__(self, session: AsyncSession = Depends(get_session_dependency)):
        self.session = session


@cbv(router)
class Below(Base):
    @router.get("/d")
    async def d(self):
        return 1


@cbv(router)
class Constructed:
    def __init__(self, user: User):
        self.user = user

    @router.get("/e")
    async def e(self):
        return 1
"""
    ),
    Good(
        source="""
# --- app/auth/guards.py
from fastapi import Depends, HTTPException, Request
from somewhere import verify


def known_client(request: Request):
    name = request.headers.get("x-client")
    if name is None:
        raise HTTPException(400)
    return name


def verified(request: Request):
    return verify(request.headers.get("x-client", ""))


def signed_in(request: Request):
    return request.state.user


def both(name=Depends(known_client)):
    return name


async def written_later():
    ...
# --- app/routers/a.py
from fastapi import APIRouter, Depends

from app.auth.guards import both, known_client, signed_in, verified, written_later


class Secure(APIRouter):
    def __init__(self, *args, **options):
        options.setdefault("dependencies", []).append(Depends(known_client))
        super().__init__(*args, **options)


class Later(APIRouter):
    def __init__(self, **options):
        super().__init__(**options)
        self.dependencies.append(Depends(known_client))


def secured(prefix):
    router = APIRouter(prefix=prefix)
    router.dependencies.append(Depends(verified))
    return router


secure, later, made = Secure(prefix="/secure"), Later(prefix="/later"), secured("/made")
child, plain = APIRouter(prefix="/child"), APIRouter(prefix="/plain")
secure.include_router(child)


@secure.get("/a")
async def a():
    return 1


@later.get("/b")
async def b():
    return 1


@made.get("/c")
async def c():
    return 1


@child.get("/d")
async def d():
    return 1


@plain.get("/e", dependencies=[Depends(both)])
async def e():
    return 1


@plain.get("/f", dependencies=[Depends(signed_in)])
async def f():
    return 1


@plain.get("/g", dependencies=[Depends(written_later)])
async def g():
    return 1
"""
    ),
    Good(
        source="""
# --- app/accounts.py
from fastapi import Depends, HTTPException, Request
from fastapi_csrf_protect import CsrfProtect

from app.store import accounts


async def signed_in(request: Request, csrf_protect: CsrfProtect = Depends()):
    await csrf_protect.validate_csrf(request)
    account = await accounts.of(request)
    if account is None:
        raise HTTPException(403, "Not signed in")
    return account


async def user_checked_for_csrf(request: Request):
    account = await accounts.of(request)
    if account is None or account.csrf != request.headers.get("X-CSRF-Token"):
        raise HTTPException(403)
    return account


async def csrf_checked(request: Request):
    if request.cookies.get("session_id") not in accounts:
        raise HTTPException(403, "CSRF token of another session")


async def known_or_csrf(request: Request):
    if not await accounts.of(request):
        raise HTTPException(401, "Log in, or send the CSRF token")
# --- app/main.py
from fastapi import Depends, FastAPI

from app.accounts import csrf_checked, known_or_csrf, signed_in, user_checked_for_csrf

app = FastAPI()


@app.post("/a")
async def a(account=Depends(signed_in)):
    return {}


@app.post("/b", dependencies=[Depends(csrf_checked)])
async def b():
    return {}


@app.post("/c", dependencies=[Depends(known_or_csrf)])
async def c():
    return {}


@app.post("/d")
async def d(account=Depends(user_checked_for_csrf)):
    return {}
""",
    ),
    Good(
        source="""
from fastapi import APIRouter, Depends, FastAPI

from app.auth.security import get_current_user

SIGNED_IN = {"dependencies": [Depends(get_current_user)], "tags": ["orders"]}
app = FastAPI()
orders = APIRouter()


@app.get("/orders", **SIGNED_IN)
async def listed():
    return []


@orders.post("/orders", tags=["new"], **{**SIGNED_IN, "tags": []})
async def created():
    return None


app.include_router(orders)
""",
    ),
    Good(
        source="""
# --- app/auth/locale.py
from contextvars import ContextVar

from fastapi import Request

from app.accounts import accounts

guest = ContextVar("guest")


async def signed_in(request: Request):
    # a middleware has let the guest in
    return guest.get()


async def remembered(request: Request):
    guest.set(accounts.of(request))
    return guest.get()
# --- app/main.py
from fastapi import Depends, FastAPI

from app.auth.locale import remembered, signed_in

app = FastAPI()


@app.get("/menu", dependencies=[Depends(signed_in)])
async def menu():
    return []


@app.get("/bill", dependencies=[Depends(remembered)])
async def bill():
    return []
""",
    ),
    Good(
        source="""
# --- app/doors.py
from fastapi.responses import RedirectResponse
from starlette.middleware.base import BaseHTTPMiddleware


class Door(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        if request.cookies.get("session_token") is None:
            return RedirectResponse("/login", status_code=303)
        return await call_next(request)
# --- app/main.py
from fastapi import FastAPI

from app.doors import Door

outer, inner, lone = FastAPI(), FastAPI(), FastAPI()
outer.mount("/inner", inner)
outer.add_middleware(Door)


@inner.get("/loans")
async def loans():
    return []


@lone.middleware("http")
async def known(request, call_next):
    answer = await call_next(request) if request.headers.get("x-api-key") == "k" else None
    if answer is None:
        raise PermissionError
    return answer


@lone.get("/fines")
async def fines():
    return []
""",
    ),
    Good(
        source="""
# --- app/main.py
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware

from company_login import checker


class Checked(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        # what it is asked of may refuse
        request.state.caller = await checker.caller(request.headers.get("authorization"))
        return await call_next(request)


def prepare(app: FastAPI):
    app.add_middleware(Checked)


def create_app():
    made = FastAPI()
    prepare(made)
    return made


app = create_app()


@app.get("/prices")
async def prices():
    return []
# --- tests/test_prices.py
from fastapi import FastAPI

from app.main import app

around = FastAPI()
around.mount("/", app)
""",
    ),
    Good(
        source="""
# --- app/main.py
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount


class Door(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        if not request.headers.get("authorization"):
            return JSONResponse({}, 401)
        return await call_next(request)


inner = FastAPI()
whole = Starlette(routes=[Mount("/inner", app=inner)], middleware=[Middleware(Door)])


@inner.get("/prices")
async def prices():
    return []
""",
    ),
    Good(
        source="""
# --- app/main.py
import logging

import jwt
from fastapi import FastAPI
from fastapi.responses import RedirectResponse

app, other, third = FastAPI(), FastAPI(), FastAPI()
log = logging.getLogger(__name__)


@app.middleware("http")
async def known(request, call_next):
    try:
        request.state.claims = jwt.decode(request.headers.get("authorization"), "key", algorithms=["HS256"])
    except jwt.PyJWTError:
        log.warning("a request without a good token")
        raise
    return await call_next(request)


@other.middleware("http")
async def expected(request, call_next):
    try:
        request.state.claims = jwt.decode(request.headers.get("authorization"), "key", algorithms=["HS256"])
    except jwt.ExpiredSignatureError:
        log.warning("an old token")
    return await call_next(request)


@third.middleware("http")
async def led(request, call_next):
    try:
        request.state.claims = jwt.decode(request.headers.get("authorization"), "key", algorithms=["HS256"])
        return await call_next(request)
    except jwt.PyJWTError:
        return RedirectResponse("/login")


@app.get("/prices")
async def prices():
    return []


@other.get("/offers")
async def offers():
    return []


@third.get("/deals")
async def deals():
    return []
""",
    ),
    Good(
        source="""
# --- app/main.py
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.security import HTTPBearer, OAuth2PasswordBearer

from app.auth.security import get_current_user
from app.people import find

app = FastAPI()
strict = OAuth2PasswordBearer(tokenUrl="token")
bearer = HTTPBearer(auto_error=False)


def caller(authorization: Annotated[str | None, Header()] = None):
    return authorization or "guest"


def holder(given=Depends(strict)):
    return given or "guest"


def looked_up(given=Depends(bearer)):
    return find(given) or "guest"


def perhaps(given=Depends(bearer)):
    return given


def label(user=Depends(get_current_user)):
    return user["name"] or "guest"


def member(who=Depends(caller)):
    if who == "guest":
        raise LookupError
    return who


@app.get("/a")
async def a(who=Depends(holder)):
    return who


@app.get("/b")
async def b(who=Depends(looked_up)):
    return who


@app.get("/c")
async def c(who=Depends(label)):
    return who


@app.get("/d")
async def d(who=Depends(member)):
    return who


@app.get("/e")
async def e(who=Depends(caller)):
    if who == "guest":
        raise HTTPException(401)
    return who


@app.get("/f")
async def f(given=Depends(perhaps)):
    return given
""",
    ),
    Good(
        """
# --- app/answers.py
from fastapi.responses import JSONResponse

ANSWERS = {"unknown": JSONResponse({"detail": "who are you?"}, status_code=401)}
# --- app/callers.py
import jwt
from fastapi import FastAPI

from app.answers import ANSWERS

app = FastAPI()


def caller_of(request):
    try:
        return jwt.decode(request.headers.get("authorization"), "key", algorithms=["HS256"])["sub"]
    except jwt.PyJWTError:
        return None


@app.middleware("http")
async def known(request, call_next):
    if caller_of(request) is None:
        return ANSWERS["unknown"]
    return await call_next(request)


@app.get("/known")
async def known_only():
    return 1
""",
    ),
    Good(
        source="""
import os

from fastapi import FastAPI, HTTPException, Request

app = FastAPI()
KEY = os.environ["CRON_KEY"]


@app.post("/environment")
async def environment(given: str):
    if given != os.getenv("CRON_KEY"):
        raise HTTPException(403)


@app.post("/kept")
async def kept(given: str):
    wanted = os.environ["CRON_SECRET"]
    if given != wanted:
        raise HTTPException(403)


@app.post("/body")
async def body(request: Request):
    if (await request.json()).get("secret") != KEY:
        raise HTTPException(401)


@app.post("/form")
async def form(request: Request):
    sent = await request.form()
    if sent["secret"] != KEY:
        raise HTTPException(401)
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Routes without a guard on some way they are mounted."""
    known = authentication(program)
    allowed = path_pattern(program.policy.allow_unprotected)
    before = guarded(program, known)
    if before.all:
        return
    for function in program.functions:
        if not function.routes or program.role(function) in ("test", "migration") or known.guards_itself(function):
            continue
        for route in function.routes:
            if route.framework or (route.method == "route" and route.router is None):
                continue  # another framework, or an application nobody can see, which has no dependencies
            open_at = _unprotected(program, known, before, route, allowed)
            if open_at is not None:
                yield program.finding(
                    META,
                    place_of_route(program, function, route),
                    _message(function, open_at or "/"),
                )


def _message(function: FunctionInfo, path: str) -> str:
    if path == UNTOLD:
        served, listed = "a path that is not known in the source", "suppress this with a reason"
    elif "…" in path:
        served, listed = f"{path} (… is not known in the source)", "list a pattern that matches it in allow-unprotected"
    else:
        served, listed = path, "list the path in allow-unprotected"
    return f"{function.name}() serves {served} without authentication. Add the authentication dependency, or {listed}."


def _unprotected(
    program: Program, known: Authentication, before: Guarded, route: Route, allowed: re.Pattern[str]
) -> str | None:
    """The path under which the route is open, or ``None``."""
    if any(known.requires(d) for d in program.dependencies_in(route.dependencies)):
        return None
    if guards_routes(program, known, route.router):
        return None
    own = UNTOLD if route.path is None else route.path
    for mount in mounts(program, route.router):
        path = mount.prefix + own
        if any(known.requires(d) for d in mount.dependencies) or mount.unknown:
            continue
        if before.stands_before(mount.applications):
            continue
        if not any(allowed.fullmatch(p.rstrip("/") or "/") for p in (own, path, _below_untold(path))):
            return path
    return None


def _below_untold(path: str) -> str:
    """The path below a prefix that is not known, as it is listed."""
    return path.removeprefix(UNTOLD) or path
