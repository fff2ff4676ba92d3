"""TXN304: an endpoint depends on something that resolves a tenant."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Dependency
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.class_views import injected_attributes
from sessionlint.rules.opening import shown
from sessionlint.rules.tenancy import is_tenant_name
from sessionlint.rules.tenant_resolvers import resolves_tenant
from sessionlint.rules.transactions import place_of_route

META = Rule(
    code="TXN304",
    name="tenant-dependency",
    summary="An endpoint depends on a tenant resolver.",
    rationale=(
        "A tenant resolver refuses requests without a tenant header, or answers with a default tenant that matches no "
        "row. Both turn a valid, authenticated request into an error or an empty page. The finding stands at the "
        "parameter, or at the route or router that has it among its `dependencies`."
    ),
    remedy="Depend on the authenticated user instead, and drop the resolver when nothing uses it any more.",
    not_flagged=(
        "Dependencies on the user, even when the user object has a tenant column; those that only log a tenant's "
        "header. Tests."
    ),
    presets=("scrapersky",),
    # what other files register is told there
    program_wide=True,
)

BAD = [
    Bad(
        source="""
# --- app/auth/tenants.py
from typing import Annotated

from fastapi import Depends, Header, Request


async def get_tenant_id(x_tenant_id: str = Header()):
    return x_tenant_id


def scope(request: Request):
    return request.headers["X-Tenant-ID"]


async def owner(user=Depends(scope)):
    return user.tenant_id


class TenantContext:
    def __call__(self, request: Request):
        return request


CurrentTenant = Annotated[str, Depends(get_tenant_id)]
# --- app/routers/items.py
from fastapi import APIRouter, Depends, Security

from fastapi_utils.cbv import cbv

from app.auth import tenants
from app.auth.security import get_current_user
from app.auth.tenants import CurrentTenant, TenantContext, owner, scope

router = APIRouter()


@router.get("/a")
async def a(value: str = Depends(tenants.get_tenant_id)):  # TXN304@13
    return value


@router.get("/b")
async def b(value: CurrentTenant, other=Depends(TenantContext())):  # TXN304@13 TXN304@35
    return value


@router.get("/c")
async def c(who=Security(owner), raw=Depends(scope)):  # TXN304@13 TXN304@34
    return who


@router.get("/d")
async def d(tenant_id=Depends(get_current_user)):  # TXN304@13
    return tenant_id


scoped = APIRouter(dependencies=[Depends(tenants.get_tenant_id)])  # TXN304@10
router.include_router(scoped, dependencies=[Depends(owner)])  # TXN304@1


@router.get("/e", dependencies=[Depends(tenants.get_tenant_id)])  # TXN304@2
async def e():
    return None


async def label(value: CurrentTenant, page: int = 1):  # TXN304@17
    return f"{value}/{page}"


@router.get("/f")
async def f(shown=Depends(label)):
    return shown


@router.get("/g")
async def g(shown=Depends(label)):
    return shown


@cbv(router)
class View:
    value: str = Depends(tenants.get_tenant_id)  # TXN304@5

    @router.get("/h")
    async def h(self):
        return self.value


@cbv(router)
class Fresh:
    value: str = Depends(tenants.get_tenant_id, use_cache=False)  # TXN304@5
    other = Depends(tenants.get_tenant_id)  # TXN304@5

    @router.get("/i")
    async def i(self):
        return self.value
"""
    ),
    Bad(
        source="""
# --- app/readers.py
from fastapi import Request


class Read:
    def __init__(self, place, name):
        self.place, self.name = place, name

    def __call__(self, request: Request):
        return request.cookies[self.name] if self.place == "cookie" else request.headers[self.name]


def reading(name):
    async def read(request: Request):
        return request.headers.get(name)

    return read


by_cookie = Read("cookie", "tenant_id")
by_header = reading("x-tenant-id")
language = Read("header", "Accept-Language")
agent = reading("user-agent")
# --- app/routers/pages.py
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.readers import Read, agent, by_cookie, by_header, language

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.get("/a")
async def a(key=Depends(by_cookie)):  # TXN304@13
    return key


@router.get("/b")
async def b(key=Depends(by_header)):  # TXN304@13
    return key


@router.get("/c")
async def c(key=Depends(Read("header", "X-Tenant-ID"))):  # TXN304@13
    return key


@router.get("/d")
async def d(key=Depends(agent), words=Depends(language), third=Depends(Read("header", "X-Request-ID"))):
    return key, words, third
""",
    ),
    Bad(
        source="""
# --- app/sorting.py
from typing import Annotated

from fastapi import Cookie, Depends, Header, Request


async def shelf(x_tenant_id: str = Header()):
    return x_tenant_id


async def drawer(box: Annotated[str, Header(alias="X-Tenant-ID")]):
    found = box
    return found


class Sorter:
    def __call__(self, tenant_id: Annotated[str, Cookie()]):
        return tenant_id

    async def sort(self, x_tenant_id: str = Header()):
        return x_tenant_id


async def asked(request: Request):
    return request.headers["X-Tenant-ID"]


sorter = Sorter()
Asked = Annotated[str, Depends(asked)]
Described = Annotated[Asked, "for the page of all drawers"]
# --- app/routers/drawers.py
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.sorting import Described, drawer, shelf, sorter

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.get("/a")
async def a(one=Depends(shelf), two=Depends(drawer)):  # TXN304@13 TXN304@33
    return one, two


@router.get("/b")
async def b(one=Depends(sorter), two=Depends(sorter.sort)):  # TXN304@13 TXN304@34
    return one, two


@router.get("/c")
async def c(one: Described):  # TXN304@13
    return one
""",
    ),
    Bad(
        source="""
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader
from fastapi.security.api_key import APIKeyQuery

from app.auth.security import get_current_user

router = APIRouter(dependencies=[Depends(get_current_user)])
of_cookie = APIKeyCookie(name="tenant_id", auto_error=False)
NAME = "X-Tenant-ID"


class AnyOf:
    def __init__(self, *headers):
        self.headers = headers

    def __call__(self, request: Request):
        for header in self.headers:
            if header in request.headers:
                return request.headers[header]


@router.get("/a")
async def a(shop: Annotated[str, Security(APIKeyHeader(name=NAME))]):  # TXN304@13
    return shop


@router.get("/b", dependencies=[Depends(of_cookie)])  # TXN304@2
async def b(word: str = Depends(APIKeyQuery(name="tenant_id"))):  # TXN304@13
    return word


@router.get("/c")
async def c(shop=Depends(AnyOf("X-Shop", "X-Tenant-ID"))):  # TXN304@13
    return shop
""",
        path="app/routers/pages.py",
    ),
    Bad(
        source="""
# --- app/places.py
from dataclasses import dataclass
from typing import Annotated

from fastapi import Cookie, Header


class Counter:
    def __init__(self, shop: Annotated[str, Header(alias="X-Tenant-ID")], till: int = 1):
        self.shop = shop
        self.till = till


@dataclass
class Shelf:
    tenant_id: Annotated[str, Cookie()]
    depth: int = 3
# --- app/routers/places.py
from typing import Annotated

from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.places import Counter, Shelf

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.get("/a")
async def a(counter: Annotated[Counter, Depends()], shelf: Shelf = Depends()):  # TXN304@13 TXN304@53
    return counter.shop, shelf.depth


async def tenant_page(cursor: str):
    return cursor


async def current_tenant(shop: str = "main"):
    return shop


@router.get("/b")
async def b(page=Depends(tenant_page), shop=Depends(current_tenant)):  # TXN304@13 TXN304@40
    return page, shop
""",
    ),
    Bad(
        source="""
# --- app/core/place.py
from contextvars import ContextVar

from fastapi import Header, HTTPException, Request

spoken: ContextVar[str] = ContextVar("spoken")
place: ContextVar[str] = ContextVar("place")


async def remembered(request: Request):
    place.set(request.headers.get("X-Tenant-ID", "default"))


async def given(x_tenant_id: str = Header()):
    place.set(x_tenant_id)


async def demanded(x_tenant_id: str = Header()):
    if not x_tenant_id:
        raise HTTPException(400)


async def looked_for(request: Request):
    box = request.headers.get("x-tenant-id")
    if box is None:
        raise HTTPException(400)


async def on_state(request: Request):
    request.state.box = request.headers["X-Tenant-ID"]


async def language(request: Request):
    spoken.set(request.headers.get("accept-language", "en"))
    request.state.trace = request.headers["X-Request-ID"]


async def in_words(accept_language: str = Header(), x_tenant_id: str = Header("")):
    print(x_tenant_id)
    if not accept_language:
        raise HTTPException(400)
# --- app/routers/drawers.py
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.core import place

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.get("/a", dependencies=[Depends(place.remembered)])  # TXN304@2
async def a():
    return 1


@router.get("/b", dependencies=[Depends(place.demanded)])  # TXN304@2
async def b():
    return 1


@router.get("/c", dependencies=[Depends(place.on_state)])  # TXN304@2
async def c(found=Depends(place.given)):  # TXN304@13
    return 1


@router.get("/d", dependencies=[Depends(place.looked_for)])  # TXN304@2
async def d():
    return 1


@router.get("/e", dependencies=[Depends(place.language), Depends(place.in_words)])
async def e():
    return 1
""",
    ),
    Bad(
        source="""
# --- app/auth/scopes.py
from uuid import UUID

from fastapi import Request


class Typed:
    def __init__(self, header="X-Tenant-ID"):
        self.header = header

    def __call__(self, request: Request):
        return UUID(request.headers[self.header])


class Perhaps:
    def __init__(self, header="X-Tenant-ID"):
        self.header = header

    def __call__(self, request: Request):
        given = request.headers.get(self.header)
        return UUID(given) if given else None


class Plain:
    def __init__(self, header="X-Tenant-ID"):
        self.header = header

    def __call__(self, request: Request):
        return str(request.headers[self.header])
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.auth.scopes import Perhaps, Plain, Typed

router = APIRouter()


@router.get("/a")
async def a(one=Depends(Typed()), two=Depends(Perhaps()), three=Depends(Plain())):  # TXN304@13 TXN304@35 TXN304@59
    return one, two, three


@router.get("/b")
async def b(trace=Depends(Typed("X-Trace")), other=Depends(Perhaps("X-Trace"))):
    return trace, other
""",
    ),
    Bad(
        """
# --- app/auth/asking.py
from typing import Annotated

from fastapi import Depends, Header


async def get_tenant_id(x_tenant_id: str = Header()):
    return x_tenant_id


async def language(accept_language: str = Header()):
    return accept_language


def wanted(function):
    return Annotated[str, Depends(function)]


def asked(function):
    return Depends(function)
# --- app/routers/notes.py
from fastapi import APIRouter, Depends

from app.auth.asking import asked, get_tenant_id, language, wanted
from app.auth.security import get_current_user

router = APIRouter(dependencies=[Depends(get_current_user)])
Whose = wanted(get_tenant_id)
Language = wanted(language)


@router.get("/a")
async def a(value: Whose):  # TXN304@13
    return value


@router.get("/b")
async def b(value: Language):
    return value


@router.get("/c")
async def c(value=asked(get_tenant_id)):  # TXN304@13
    return value


@router.get("/d")
async def d(value=asked(language)):
    return value
"""
    ),
]

GOOD = [
    Good(
        source="""
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.session import get_session_dependency

router = APIRouter()


class TenantService:
    def __init__(self, page: int = 1):
        self.page = page


@router.get("/tenants")
async def tenants(service: TenantService = Depends()):
    return service.page


async def get_page(page: int = 1, tenant_label: str = ""):
    return page


@router.get("/a")
async def a(user=Depends(get_current_user), page=Depends(get_page), session=Depends(get_session_dependency)):
    return {"tenant_id": user["tenant_id"]}
""",
        path="app/routers/items.py",
    ),
    Good(
        source="""
from fastapi import APIRouter, Depends, Request

from app.auth.security import get_current_user

router = APIRouter(dependencies=[Depends(get_current_user)])


class Without:
    def __init__(self, name):
        self.name = name

    def __call__(self, request: Request):
        return {key: value for key, value in request.headers.items() if key != self.name}


def labelled(label):
    async def read(request: Request):
        return f"{label}: {request.headers.get('user-agent')}"

    return read


@router.get("/a")
async def a(kept=Depends(Without("X-Tenant-ID")), text=Depends(labelled("tenant_id"))):
    return kept, text
""",
        path="app/routers/pages.py",
    ),
    Good(
        source="""
from typing import Annotated

from fastapi import APIRouter, Depends, Header

from app.auth.security import get_current_user

router = APIRouter(dependencies=[Depends(get_current_user)])


async def page(x_page: int = Header()):
    return x_page


async def language(accept: Annotated[str, Header(alias="Accept-Language")], x_tenant_id: str = Header(default="")):
    print(x_tenant_id)
    return accept


Page = Annotated[int, Depends(page)]
Described = Annotated[Page, "which page"]


@router.get("/a")
async def a(number: Described, words: Annotated[Annotated[str, Depends(language)], "spoken"]):
    return number, words
""",
        path="app/routers/pages.py",
    ),
    Good(
        source="""
from fastapi import APIRouter, Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader

from app.auth.security import get_current_user

router = APIRouter(dependencies=[Depends(get_current_user)])
TENANT_KEYS = {"tenant_id": APIKeyHeader(name="X-Tenant-ID")}


class AnyOf:
    def __init__(self, *headers):
        self.headers = headers

    def __call__(self, request: Request):
        return next((request.headers[h] for h in self.headers if h in request.headers), None)


@router.get("/a")
async def a(trace=Depends(APIKeyHeader(name="X-Trace-ID")), theme=Depends(APIKeyCookie(name="theme"))):
    return trace, theme


@router.get("/b")
async def b(trace=Depends(AnyOf("X-Trace-ID", "X-Request-ID"))):
    return trace
""",
        path="app/routers/pages.py",
    ),
    Good(
        source="""
# --- app/places.py
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header


class Counter:
    def __init__(self, words: Annotated[str, Header(alias="Accept-Language")], x_tenant_id: str = Header(default="")):
        self.words = words
        print(x_tenant_id)


@dataclass
class TenantSheet:
    number: int = 1
    size: int = 20


async def tenants_sheet(number: int = 1, size: int = 20):
    first = max(number - 1, 0) * size
    return first, size


async def tenant_order(by: str = "name"):
    return by
# --- app/routers/places.py
from typing import Annotated

from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.places import Counter, TenantSheet, tenant_order, tenants_sheet

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.get("/a")
async def a(counter: Annotated[Counter, Depends()], sheet: TenantSheet = Depends()):
    return counter.words, sheet.number


@router.get("/b")
async def b(sheet=Depends(tenants_sheet), by=Depends(tenant_order)):
    return sheet, by
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Injected parameters and route dependencies of endpoints that resolve a tenant."""
    for function in program.functions:
        if not function.routes or program.role(function) in ("test", "migration"):
            continue
        spans = {p[0]: p[4] for p in function.params}
        for name, dependency in function.dependencies.items():
            if name in spans and (is_tenant_name(program, name) or resolves_tenant(program, dependency)):
                yield program.finding(META, (function, spans[name]), _message(program, function, dependency))
        for route in function.routes:
            for dependency in program.dependencies_in(route.dependencies):
                if resolves_tenant(program, dependency):
                    yield program.finding(
                        META, place_of_route(program, function, route), _message(program, function, dependency)
                    )
    yield from _routers(program)
    yield from _views(program)
    yield from _chained(program)


def _views(program: Program) -> Iterator[Finding]:
    """What a class-based view injects for all of its endpoints."""
    for info in program.classes:
        routed = next((m for m in info.methods.values() if m.routes), None)
        if routed is None or program.policy.layer_of(info.path) in ("test", "migration"):
            continue
        for span, dependency in injected_attributes(program, info):
            if resolves_tenant(program, dependency):
                yield program.finding(META, (info.defined_in, span), _message(program, routed, dependency))


def _chained(program: Program) -> Iterator[Finding]:
    """What a dependency injects that is no tenant's itself: said once there, not at every endpoint that asks for it."""
    for function in program.functions:
        asked = program.dependency_functions.get(function)
        if asked is None or program.role(function) in ("test", "migration"):
            continue
        if any(resolves_tenant(program, d) for _, d in asked):
            continue
        spans = {p[0]: p[4] for p in function.params}
        for name, dependency in function.dependencies.items():
            if name in spans and resolves_tenant(program, dependency):
                yield program.finding(META, (function, spans[name]), _message(program, function, dependency))


def _routers(program: Program) -> Iterator[Finding]:
    """Dependencies of whole routers and of ``include_router``: every endpoint below has them."""
    places = {**program.solver.routers, **program.solver.include_options}
    for (path, span), options in sorted(places.items(), key=lambda p: p[0]):
        module = program.solver.modules.get(path)
        if module is None or program.policy.layer_of(path) in ("test", "migration"):
            continue
        for dependency in program.dependencies_in(options.get("dependencies", ())):
            if resolves_tenant(program, dependency):
                yield program.finding(META, (module.body, span), _message(program, None, dependency))


def _message(program: Program, function: FunctionInfo | None, dependency: Dependency) -> str:
    names = [shown(f) for f in program.targets(dependency)]
    kind = "endpoint" if function is None or function.routes else "dependency"
    resolver = f"the tenant resolver {names[0]}" if names else "the tenant resolver that is injected here"
    return (
        f"{f'The {kind} {function.name}() depends' if function else 'Every endpoint of this router depends'} on "
        f"{resolver}. Depend on the authenticated user "
        "instead; no endpoint needs a tenant."
    )
