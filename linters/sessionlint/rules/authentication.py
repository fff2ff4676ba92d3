"""Who authenticates: tokens and claims as values, functions that check them, and what reaches such functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import knowledge
from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.records import COPIED
from sessionlint.program.values import UNKNOWN, Dependency, Value
from sessionlint.report import TraceStep
from sessionlint.rules.class_views import class_dependencies
from sessionlint.rules.comparing import COMPARISONS, compares_and_refuses
from sessionlint.rules.credential_checks import CREDENTIAL, OTHER_SECRET, compares_credential, is_comparison
from sessionlint.rules.forgery_checks import asks_who_calls, checks_forgery, is_forgery_secret, refuses_forgery
from sessionlint.rules.hand_decoding import decodes_by_hand
from sessionlint.rules.optional_callers import gives_nobody, mentions
from sessionlint.rules.refusing_nobody import only_wraps, refuses_nobody
from sessionlint.rules.taking_guests import is_optional, takes_guests

_SECRET_NAMES = regex(r"authorization|token|api[-_]?key|jwt|bearer|session|credential|access[-_]key", re.I)
_HELD = regex(r"\.(?:headers|cookies)\[([^\]]*)\]")
#: What string methods and attributes leave of a token: still the token.
_SAME = (
    r"(?:\.credentials|\[\]"
    r"|\.(?:split|partition|rpartition|rsplit|replace|strip|lstrip|rstrip|removeprefix|removesuffix|encode|decode)\(\))*"
)
_SAME_CLAIMS = regex(r"(?:\.(?:copy|items|values|model_dump|dict)\(\))+$")
_SCHEME = regex(
    r"^fastapi\.security\.(?:\w+\.)*(?:HTTP(?:Bearer|Basic|Digest)\(\)\(\)|HTTPAuthorizationCredentials\(\)"
    r"|OAuth2(?!PasswordRequest)\w*\(\)\(\)|APIKey\w+(?:\[[^\]]*\])?\(\)\(\)|OpenIdConnect\(\)\(\))" + _SAME + "$"
)
_HEADER = regex(r"^[\w.()]+\.(?:headers|cookies)\[([^\]]*)\]" + _SAME + "$")
_FIELD = regex(r"(?:headers|cookies)\[[^\]]*\]")
#: All headers or cookies of a request at once, the token among them.
_HEADERS = regex(r"^fastapi\.(?:Request|WebSocket)\(\)\.(?:headers|cookies)$")
_TOKEN = regex(r"token|jwt|bearer|credential", re.I)
_REFUSALS = regex(r"(?:HTTP_)?(?:401|403)\b|401|403")
_REFUSING_CLASS = regex(
    r"(?:not|un)_?(?:authenticated|authori[sz]ed)|forbidden|permission_?denied|credentials?_?(?:error|exc)"
    r"|auth(?:entication|ori[sz]ation)?_?(?:required|failed|failure|error|exc)|login_?required",
    re.I,
)
_AUTH_LIBRARIES = ("fastapi_users.", "fastapi_jwt_auth.", "fastapi_azure_auth.", "fastapi_cognito.", "fastapi_auth0.",
                   "fastapi_login.", "authx.", "fastapi_keycloak.", "fastapi_permissions.",
                   "clerk_backend_api.")  # fmt: skip


@lru_cache(maxsize=4096)
def is_decoder(name: str) -> bool:
    """Whether calling the external symbol decodes or verifies a token."""
    return bool(knowledge.JWT_DECODERS.match(name))


def kind_of_secret(program: Program, value: Value, depth: int = 0) -> str | None:
    """``"token"`` or ``"claims"`` when a value is (or holds) one, else ``None``."""
    for atom in value:
        found = _secret(program, atom, depth)
        if found:
            return found
    return None


def _secret(program: Program, atom: Any, depth: int) -> str | None:
    if atom.tag == "ext":
        if _SCHEME.match(atom.name):
            return "token"
        if _HEADERS.match(atom.name):
            return "token"
        header = _HEADER.match(atom.name)
        if header:
            named = _names_secret(_SECRET_NAMES, header[1])
            return "token" if named or _field(atom.name) in program.shared(_decoded) else None
        name = _SAME_CLAIMS.sub("", atom.name)
        return "claims" if name.endswith("()") and is_decoder(name[:-2]) else None
    if atom.tag == "text":
        return kind_of_secret(program, atom.holes, depth + 1) if depth < 3 else None
    if atom.tag == "inst":
        return kind_of_secret(program, dict(atom.bindings).get(COPIED, UNKNOWN), depth + 1)
    if atom.tag == "param" and atom.info.routes and atom in program.shared(_decoded_parameters):
        return "token"
    if atom.tag in ("param", "injected") and depth < 3:
        return kind_of_secret(program, program.solver.views(atom), depth + 1)
    return None


def _field(name: str) -> str:
    """``cookies[sid]`` of a header or cookie, whatever is done with its text."""
    held = _FIELD.search(name)
    return held[0] if held else ""


def _decoded(program: Program) -> frozenset[str]:
    """The headers and cookies that the program decodes as tokens, however they are called."""
    return frozenset(
        _field(a.name) for a in program.shared(_reaching_decoders) if a.tag == "ext" and _HEADER.match(a.name)
    )


def _decoded_parameters(program: Program) -> frozenset[Any]:
    """The same of what endpoints take from elsewhere in the request: a query, a path, a body."""
    asked = (a for a in _reaching(program, False) if a.tag == "param" and a.info.routes)
    return frozenset(a for a in asked if a.name not in a.info.dependencies and not OTHER_SECRET.search(a.name))


def _reaching_decoders(program: Program) -> frozenset[Any]:
    """Whatever is decoded as a token, by all the ways that it comes."""
    return _reaching(program, True)


def _reaching(program: Program, wrapped: bool) -> frozenset[Any]:
    """The same; unless ``wrapped``, not what objects are made of that say nothing of a token: ``Primitive(value)``."""
    pending = [a for e in program.events("external") if e.args and is_decoder(e.name) for a in e.args[0]]
    seen = set(pending)
    while pending:
        atom = pending.pop()
        if atom.tag == "param" and not wrapped and atom.info.name == "__init__" and not _TOKEN.search(atom.name):
            continue
        if atom.tag in ("param", "injected"):
            passed = program.solver.arguments_of(atom) if atom.tag == "param" else ()
            new = [a for a in (*program.solver.views(atom), *passed) if a not in seen]
            seen.update(new)
            pending += new
    return frozenset(seen)


def is_scheme(target: Any, program: Program) -> bool:
    """Whether a dependency's target is a security scheme of FastAPI (or a project class that derives from one)."""
    if target.tag == "ext":
        return bool(knowledge.SECURITY_CLASSES.match(target.name)) or target.name.startswith(_AUTH_LIBRARIES)
    if target.tag in ("inst", "cls"):
        return any(b.startswith("fastapi.security.") for b in program.solver.external_bases(target.info))
    return False


class Authentication:
    """What a program's functions do about authentication; made once per program by :func:`authentication`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._listed = frozenset(program.policy.auth_dependencies)
        self._decodes: dict[FunctionInfo, tuple[Event, FunctionInfo | None]] = {}
        self._guards: dict[FunctionInfo, bool] = {}
        self._optional: dict[FunctionInfo, bool] = {}
        self.callers: dict[FunctionInfo, list[Event]] = {}
        for event in program.events("call"):
            if event.callee is not None:
                self.callers.setdefault(event.callee, []).append(event)
        self._find_decoders()
        given = (f for f in program.by_file(_given_headers) if _is_given_secret(program, f))
        self._reads = self._reaching((*given, *program.by_file(_looking_up_secrets)))

    def _reaching(self, found: Iterable[FunctionInfo]) -> frozenset[FunctionInfo]:
        """The functions and all that call them, however far."""
        reached = set(found)
        pending = list(reached)
        while pending:
            for call in self.callers.get(pending.pop(), ()):
                if call.function not in reached:
                    reached.add(call.function)
                    pending.append(call.function)
        return frozenset(reached)

    def _find_decoders(self) -> None:
        pending: list[FunctionInfo] = []
        for event in self.program.by_file(_checking):
            if self._checks_secret(event) and event.function not in self._decodes:
                self._decodes[event.function] = (event, None)
                pending.append(event.function)
        while pending:
            function = pending.pop()
            for call in self.callers.get(function, ()):
                if call.function not in self._decodes:
                    self._decodes[call.function] = (call, function)
                    pending.append(call.function)

    def _checks_secret(self, event: Event) -> bool:
        if is_decoder(event.name) or decodes_by_hand(event):
            return True
        if not is_comparison(event.name) or not self.in_auth_layer(event.function):
            return False
        compares = event.name in COMPARISONS or compares_credential(event)
        return compares and not checks_forgery(event.function)

    def in_auth_layer(self, function: FunctionInfo) -> bool:
        """Whether the function's file is in the auth layer."""
        return self.program.policy.layer_of(function.path) == "auth"

    def decodes(self, function: FunctionInfo) -> bool:
        """Whether the function decodes or verifies a token, itself or through project functions."""
        return function in self._decodes

    def trace(self, function: FunctionInfo) -> list[TraceStep]:
        """From the function down to the call that decodes."""
        steps: list[TraceStep] = []
        current: FunctionInfo | None = function
        while current is not None and current in self._decodes and len(steps) < 12:
            event, callee = self._decodes[current]
            note = f"{callee.called} is called here" if callee else f"{event.name.replace('()', '')}() checks it here"
            steps.append(self.program.step(event.site, note))
            current = callee
        return steps

    def guards(self, dependency: Dependency) -> bool:
        """Whether a dependency authenticates the request; one that cannot be traced counts (it is unknown)."""
        if not dependency.target:
            return True
        if any(is_scheme(a, self.program) for a in dependency.target):
            return True
        return any(self.is_guard(f) for f in self.program.targets(dependency))

    def requires(self, dependency: Dependency) -> bool:
        """Whether a dependency authenticates, and lets nobody go on who brings nothing along."""
        return self.guards(dependency) and not self.is_optional(dependency)

    def is_optional(self, dependency: Dependency) -> bool:
        """Whether a dependency gives nothing, or a guest, to who brings nothing along."""
        if is_optional(dependency):
            return True
        functions = list(self.program.targets(dependency))
        return bool(functions) and all(self._gives_nobody(f) for f in functions)

    def _gives_nobody(self, function: FunctionInfo) -> bool:
        if function not in self._optional:
            self._optional[function] = False
            asked = {n: d for n, d in function.dependencies.items() if isinstance(d, Dependency)}
            lacking = {n for n, d in asked.items() if self.is_optional(d)}
            strict = function.dotted in self._listed or any(
                self.guards(d) for n, d in asked.items() if n not in lacking
            )
            self._optional[function] = not strict and gives_nobody(function, lacking)
        return self._optional[function]

    def asks(self, function: FunctionInfo) -> list[Dependency]:
        """What a function is injected, but for optional callers that it does not look at."""
        asked = [(n, d) for n, d in function.dependencies.items() if isinstance(d, Dependency)]
        return [d for n, d in asked if not self.is_optional(d) or mentions(function, n)]

    def is_guard(self, function: FunctionInfo) -> bool:
        """Whether a dependency function authenticates: reads or decodes a token, or refuses with 401 or 403.

        What stands in the auth layer does, too, unless it can be seen to let everybody in.
        """
        if function not in self._guards:
            self._guards[function] = False
            asked = self.asks(function)
            if takes_guests(function):
                asked = [d for d in asked if not is_optional(d)]
                self._guards[function] = function.dotted in self._listed or any(self.guards(d) for d in asked)
            else:
                self._guards[function] = self._is_guard(function) or any(self.guards(d) for d in asked)
                if not self._guards[function] and any(e.kind == "raise" for e in function.events):
                    self._guards[function] = self._asks_for_guests(asked)
        return self._guards[function]

    def _is_guard(self, function: FunctionInfo) -> bool:
        return (
            (self.in_auth_layer(function) and not checks_forgery(function) and not _lets_in(function))
            or function.dotted in self._listed
            or self.reads_token(function)
            or any(_refuses(e) and not refuses_forgery(e) for e in function.events)
            or any(self._guards_for(c, function) for c in _callees(function))
            or (not checks_forgery(function) and compares_and_refuses(function, _refuses))
        )

    def _refuses_guests(self, endpoint: FunctionInfo, dependencies: list[Dependency]) -> bool:
        """Whether an endpoint, or what it calls, refuses those for whom a dependency has but a name."""
        if not self._asks_for_guests(dependencies):
            return False
        return any(_refuses(e) for f in (endpoint, *_callees(endpoint)) for e in f.events)

    def _asks_for_guests(self, dependencies: list[Dependency]) -> bool:
        return any(takes_guests(f) for d in dependencies for f in self.program.targets(d))

    def _guards_for(self, callee: FunctionInfo, function: FunctionInfo) -> bool:
        """Whether what a function calls makes a guard of it; a check against forged requests must ask who calls."""
        if not checks_forgery(function):
            return self.is_guard(callee)
        return callee.dotted in self._listed or any(_refuses(e) and asks_who_calls(e) for e in callee.events)

    def guards_itself(self, endpoint: FunctionInfo) -> bool:
        """Whether a parameter, a decorator, the class or the body of an endpoint authenticates."""
        dependencies = self.asks(endpoint)
        if endpoint.class_info is not None:
            dependencies += class_dependencies(self.program, endpoint.class_info)
        if any(self.guards(d) for d in dependencies) or self._refuses_guests(endpoint, dependencies):
            return True
        if any(self._decorates(a) for _, value in endpoint.decorator_values for a in value):
            return True
        return self.reads_token(endpoint) or compares_and_refuses(endpoint, _refuses)

    def _decorates(self, atom: Any) -> bool:
        if atom.tag != "fn":
            return bool(atom.tag == "ext" and atom.name == "starlette.authentication.requires")
        return self.is_guard(atom.info) or any(self.is_guard(c) for c in atom.info.children.values())

    def reads_token(self, function: FunctionInfo) -> bool:
        """Whether the function receives, reads or decodes a token, itself or through project functions."""
        return self.decodes(function) or function in self._reads


def _lets_in(function: FunctionInfo) -> bool:
    """Whether a function, or a decorator that it belongs to, can be seen to let everybody in."""
    if refuses_nobody(function) or only_wraps(function):
        return True
    outer = function.parent
    while outer is not None and outer.parent is not None and outer.parent.name != "<module>":
        outer = outer.parent
    return outer is not None and outer.name != "<module>" and only_wraps(outer)


def _is_given_secret(program: Program, function: FunctionInfo) -> bool:
    """Whether a parameter is filled from a header, a cookie or a security scheme that holds a token."""
    for _, default in function.param_values.values():
        for atom in default:
            if atom.tag == "ext" and _HELD.search(atom.name) and kind_of_secret(program, (atom,)):
                return True
    return False


def _given_headers(listing: FileListing) -> Iterator[FunctionInfo]:
    """The functions a parameter of which is filled from a header or a cookie."""
    for function in listing.functions:
        defaults = [default for _, default in function.param_values.values() if default]
        if any(a.tag == "ext" and _HELD.search(a.name) for default in defaults for a in default):
            yield function


def _looking_up_secrets(listing: FileListing) -> Iterator[FunctionInfo]:
    return (e.function for e in listing.by_kind.get("external", ()) if _looks_up_secret(e))


def _checking(listing: FileListing) -> Iterator[Event]:
    """The events that may decode a token or compare a secret."""
    external = listing.by_kind.get("external", ())
    return (e for e in external if is_decoder(e.name) or is_comparison(e.name) or decodes_by_hand(e))


def _looks_up_secret(event: Event) -> bool:
    """Whether an ``external`` event reads a header, cookie or query parameter that holds a token."""
    names = _names_of_secrets(event.name)
    first = event.args[0] if names is not None and event.args else ()
    key = first[0].value if first and first[0].tag == "const" else ""
    return names is not None and isinstance(key, str) and _names_secret(names, key)


@lru_cache(maxsize=4096)
def _names_of_secrets(called: str) -> re.Pattern[str] | None:
    if called.endswith((".headers.get", ".headers[]", ".cookies.get", ".cookies[]")):
        return _SECRET_NAMES
    # a browser's WebSocket can send no header
    return CREDENTIAL if called.endswith((".query_params.get", ".query_params[]")) else None


def _names_secret(names: re.Pattern[str], key: str) -> bool:
    return bool(names.search(key)) and not is_forgery_secret(key)


def _callees(function: FunctionInfo) -> Iterable[FunctionInfo]:
    return dict.fromkeys(e.callee for e in function.events if e.kind == "call" and e.callee is not None)


def _refuses(event: Event) -> bool:
    """``HTTPException(401)`` or ``(403)``, or an exception class of the project named so."""
    if event.kind == "external" and event.name.endswith("HTTPException"):
        codes = [*event.args[:1], *(v for k, v in event.keywords if k == "status_code")]
        return any(
            (a.tag == "const" and a.value in (401, 403)) or (a.tag == "ext" and bool(_REFUSALS.search(a.name)))
            for v in codes
            for a in v
        )
    if event.kind == "construct":
        return bool(_REFUSING_CLASS.search(event.name))
    return event.kind == "raise" and event.expr is not None and bool(_REFUSING_CLASS.search(ir.text_of(event.expr)))


def authentication(program: Program) -> Authentication:
    """The program's authentication facts, worked out once."""
    return program.shared(Authentication)


__all__ = ["Authentication", "authentication", "is_decoder", "is_scheme", "kind_of_secret"]
