"""Database URLs of a program: the literals in its source, ``URL.create`` calls, and what reaches an engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.literals import Literal, beginning, literals, name_of, owner_of
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.stdlib import ENVIRONMENT
from sessionlint.program.strings import HOLE, texts_of
from sessionlint.program.urls import SCHEME_TWICE, parts
from sessionlint.program.values import UNKNOWN_KEYWORDS, Ext, Site, Value

_DATABASES = regex(r"(?:postgres(?:ql)?|cockroachdb|redshift|mysql|mariadb|mssql|oracle|asyncpg|psycopg\w*)\b")
_NAMED = regex(r"url|uri|dsn|database|postgres|connection_?str|conn_?str|pooler", re.I)
#: Names of texts that are shown to people.
SHOWN = regex(r"example|sample|help|desc|doc|usage|hint|format|template|placeholder|message|msg|error|title", re.I)
_LOCAL = regex(r"(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|.*\.localhost)\Z", re.I)
_NO_NAMES = frozenset({"host", "hostname", "server", "address"})
_KEYWORDS = ("drivername", "username", "password", "host", "port", "database", "query")
#: What is called where a URL is made of its parts, or changed.
URL_MADE = "sqlalchemy.URL.create"
#: What it has, under whatever key.
_ENVIRONMENT = (ENVIRONMENT, Ext("os.environ"))
POOLER_HOST = "pooler.supabase.com"
_DIRECT_HOST = regex(r"db\.[\w\0-]+\.supabase\.(?:co|com)\Z", re.I)


class Url(NamedTuple):
    """The parts of a database URL; ``\\0`` stands for what is not known, ``None`` for what is not there.

    ``begun``: it ends with its host, so that more may be put behind it.
    """

    drivername: str
    user: str | None
    password: str | None
    host: str
    port: str | None
    query: tuple[tuple[str, str], ...] = ()
    begun: bool = False

    @property
    def is_sqlite(self) -> bool:
        """A file, not a server."""
        return self.drivername.startswith("sqlite")

    @property
    def driver(self) -> str | None:
        """The DBAPI after the ``+``; ``None`` when it is not written or not known."""
        return self.drivername.partition("+")[2].replace(HOLE, "") or None

    @property
    def host_known(self) -> bool:
        """Whether the host is written out."""
        return bool(self.host) and HOLE not in self.host

    @property
    def is_remote(self) -> bool:
        """Whether the host is written out and is another machine's: not a socket, loopback or compose service."""
        return self.host_known and "." in self.host and not _LOCAL.match(self.host) and "/" not in self.host

    @property
    def names_another(self) -> bool:
        """Whether the host is another machine's or a service's, by a name that stands for no name."""
        plain = self.host_known and bool(self.host) and "/" not in self.host and not _LOCAL.match(self.host)
        return plain and self.host.lower() not in _NO_NAMES

    @property
    def is_local(self) -> bool:
        """Whether the host is written out and is this machine or a service next to it."""
        return (self.host_known and not self.is_remote) or not self.host

    @property
    def on_pooler_host(self) -> bool:
        """Whether the host is Supabase's pooler."""
        return self.host.lower().endswith(POOLER_HOST)

    @property
    def is_direct_supabase(self) -> bool:
        """Whether the host is a Supabase database itself, without a pooler."""
        return bool(_DIRECT_HOST.match(self.host))


class FoundUrl(NamedTuple):
    """A URL where it is written: all it may be, and the ``spans`` of its parts when ``URL.create`` makes it.

    ``before`` is the same URL as far as another place has it, ``URL.create`` in a function or what ``set()`` changes:
    what is wrong with that is told there.
    """

    function: FunctionInfo
    span: ir.Span4
    urls: tuple[Url, ...]
    spans: dict[str, ir.Span4]
    before: Url | None = None

    def span_of(self, part: str) -> ir.Span4:
        """The most precise place of a part."""
        return self.spans.get(part, self.span)


def parse(text: str) -> Url | None:
    """The parts of a URL text; ``None`` for any other text. Of an unknown URL the query added to it may be known."""
    found = parts(text)
    if found is None:
        scheme = _SCHEME.match(text)
        if scheme is not None:
            return Url(scheme[1], HOLE, HOLE, HOLE, HOLE)
        start, mark, rest = text.partition("?")
        if not mark or start.strip(HOLE):
            return None
        return Url(HOLE, HOLE, HOLE, HOLE, HOLE, tuple(_pair(item) for item in rest.split("&") if item))
    query = tuple(_pair(item) for item in found.get("query", "").split("&") if item)
    user, password = found.get("username"), found.get("password")
    begun = found.keys().isdisjoint(("port", "database", "query"))
    return Url(found["drivername"], user, password, found["host"], found.get("port"), query, begun)


#: A scheme with its driver, and a URL's rest behind it that is not known.
_SCHEME = regex(rf"((?:postgres(?:ql)?|mysql|mariadb)\+\w+){HOLE}")


def _pair(item: str) -> tuple[str, str]:
    name, _, value = item.partition("=")
    return name, value


#: What declares a field, with its default among its arguments.
_FIELD = regex(r"(?:pydantic|dataclasses|attrs?)\.[fF]ield\(\)$|attr\.ib\(\)$")


def urls_in(program: Program, value: Value) -> Iterator[Url]:
    """Every URL a value may be, arguments of parameters included."""
    return (url for url, _ in _placed_urls(program, value))


def _placed_urls(program: Program, value: Value, depth: int = 0) -> Iterator[tuple[Url, Site | None]]:
    """The same, with the place where one is made of its parts."""
    for text in texts_of(value):
        url = parse(text.text)
        if url is not None:
            yield url, None
    for atom in value:
        if atom.tag == "map" and atom.get("url") is not None:
            yield created_url(program, atom), atom.site
        elif atom.tag == "map" and atom.site is None and any(a.tag == "ext" and _FIELD.match(a.name) for a in value):
            for default in (atom.get("default"), atom.get("0")):
                yield from _placed_urls(program, default or (), depth + 1)
        elif atom.tag == "param" and depth < 3:
            passed = tuple(a for a in program.solver.arguments_of(atom) if a.tag != "param")
            yield from _placed_urls(program, passed, depth + 1)


def created_url(program: Program, atom: Any) -> Url:
    """The URL that ``URL.create(…)`` or ``url.set(…)`` makes."""
    texts = {name: _part(name, atom.get(name)) for name in _KEYWORDS}
    query = _query(atom.get("query"))
    host = texts["host"] if texts["host"] is not None else ""
    port = HOLE if texts["port"] is None and atom.get(UNKNOWN_KEYWORDS) is not None else texts["port"]
    return Url(texts["drivername"] or HOLE, texts["username"], texts["password"], host, port, query)


def _part(name: str, value: Value | None) -> str | None:
    """As :func:`_text`; a user or password from the environment is the one that the source names for want of it."""
    if name in ("username", "password") and value is not None and any(a in _ENVIRONMENT for a in value):
        value = tuple(a for a in value if a not in _ENVIRONMENT)
    return _text(value)


def _text(value: Value | None) -> str | None:
    """One part of ``URL.create``: its text, a hole when it is not known, ``None`` when it is not given."""
    if value is None:
        return None
    if len(value) != 1 or value[0].tag not in ("const", "text"):
        return HOLE
    atom = value[0]
    if atom.tag == "text":
        return str(atom.text)
    return None if atom.value is None else str(atom.value)


def found_urls(program: Program) -> list[FoundUrl]:
    """All database URLs outside tests and migrations, each once, where it is written down.

    A literal counts when it reaches an engine or driver, is given a name that says what it is, is the default of a
    setting, or leads to another machine and is kept for whatever use.
    """
    return program.shared(_found_urls)


def _found_urls(program: Program) -> list[FoundUrl]:
    reaching = [(e, texts_of(_resolved(program, _first(e)))) for e in _connecting(program)]
    texts = {t.text for _, found in reaching for t in found}
    put_together = {e.site: (e, _own_texts(e)) for e in program.events("url")}
    templates = program.shared(wholes)
    standing: list[tuple[FoundUrl, tuple[str, ...]]] = []
    defaults = set(_defaults_of_settings(program))
    for literal in (found for module in program.modules for found in literals(module, b"://")):
        place = (literal.module.path, literal.expr[1])
        whole, own = put_together.pop(templates.get(place, place), (None, (literal.text,)))
        urls = _databases(_reached(own, texts))
        is_named = _is_named(literal) or _is_kept(literal, urls)
        if urls and (place in defaults or is_named or any(_may_become(t, own) for t in texts)):
            span = literal.expr[1] if whole is None else whole.span
            standing.append((FoundUrl(owner_of(literal.module, span), span, urls, {}), own))
    for event, own in put_together.values():
        urls = _databases(_reached(own, texts))
        if urls and (texts & set(own) or _is_written_out(program, event, urls, own)):
            standing.append((FoundUrl(event.function, event.span, urls, {}), own))
    created = list(_url_create(program))
    found = [*_first_written(standing), *_assembled(reaching, standing), *created, *_filled_in(program, created)]
    return [f for f in found if program.role(f.function) not in ("test", "migration")]


def _is_written_out(program: Program, event: Event, urls: tuple[Url, ...], own: tuple[str, ...]) -> bool:
    """Whether a URL is put together of literals alone, and kept under a name as a literal would be."""
    if any(HOLE in text for text in own):
        return False
    name = name_of(program.solver.modules[event.path], event.span)
    return bool(_NAMED.search(name)) or (bool(name) and not SHOWN.search(name) and not any(u.is_local for u in urls))


def _is_named(literal: Literal) -> bool:
    """Whether what a URL is assigned to, or the function that returns it, says that it is one."""
    if _NAMED.search(literal.name.rpartition(" ")[2]):
        return True
    return any(_NAMED.search(name) and not SHOWN.search(name) for name in (literal.name, literal.returned_by))


def _is_kept(literal: Literal, urls: tuple[Url, ...]) -> bool:
    """Whether it is the URL of another machine that a name stands for or a function returns, and nobody is shown."""
    return literal.kept and not SHOWN.search(literal.name) and not any(u.is_local for u in urls)


def wholes(program: Program) -> dict[Site, Site]:
    """Where texts are put together as a whole, by the place of the literal they begin with."""
    found: dict[Site, Site] = {}
    for event in program.events("url"):
        begins = beginning(event.expr) if event.expr is not None else None
        if begins is not None and begins is not event.expr and begins[0] in ("k", "f"):
            before = found.get((event.function.path, begins[1]))
            # of ``a + b + c`` the outermost
            if before is None or before[1][2:] < event.span[2:]:
                found[event.function.path, begins[1]] = event.site
    return found


def _defaults_of_settings(program: Program) -> Iterator[tuple[str, ir.Span4]]:
    """Where the fields of pydantic's settings classes have their defaults: ``x = "…"``, ``Field("…")``."""
    for info in program.classes:
        if not any(b.startswith("pydantic_settings.") for b in program.solver.external_bases(info)):
            continue
        for _, _, _, expr in info.attributes.values():
            if expr is not None and expr[0] == "c":
                given = [*expr[3][:1], *(v for k, v in expr[4] if k == "default")]
                yield from ((info.path, v[1]) for v in given)
            elif expr is not None:
                yield info.path, expr[1]


def _own_texts(event: Event) -> tuple[str, ...]:
    """The texts put together here; one that only adds to a whole URL was written elsewhere."""
    return tuple(t.text for t in event.value if not SCHEME_TWICE.match(t.text))


def _reached(own: tuple[str, ...], texts: set[str]) -> tuple[str, ...]:
    """Of what a URL may be for any object of its class, what it is for the objects that engines get it from."""
    return tuple(t for t in own if t in texts) or own


def _first_written(standing: list[tuple[FoundUrl, tuple[str, ...]]]) -> Iterator[FoundUrl]:
    """Without the parts of a URL that only takes up another, written-out one (``f"{url}?timeout=5"``)."""
    literal = {f.span: f.urls for f, own in standing if len(own) == 1 and HOLE not in own[0]}
    for found, _ in standing:
        others = [u for span, urls in literal.items() if span != found.span for u in urls]
        same = [[o for o in others if o[1:5] == u[1:5]] if found.span not in literal else [] for u in found.urls]
        yield found._replace(urls=tuple(_without(u, s) for u, s in zip(found.urls, same, strict=True)))


def is_database(url: Url) -> bool:
    """Whether a URL's scheme is that of a database server."""
    return bool(_DATABASES.match(url.drivername))


def _databases(texts: Iterable[str]) -> tuple[Url, ...]:
    parsed = (parse(t) for t in texts)
    return tuple(u for u in parsed if u is not None and is_database(u))


def _may_become(text: str, own: tuple[str, ...]) -> bool:
    """Whether a text that reaches an engine may be one of these, with what is not known filled in."""
    return any(text == o or (HOLE in o and _pattern(o).fullmatch(text)) for o in own)


def _assembled(
    reaching: Iterable[tuple[Event, Iterable[Any]]], standing: list[tuple[FoundUrl, tuple[str, ...]]]
) -> Iterator[FoundUrl]:
    """URLs put together from several places: at the call they reach, with what is written nowhere else."""
    written = {o for _, own in standing for o in own}
    whole = [u for f, _ in standing for u in f.urls]
    for event, found in reaching:
        urls: list[Url] = []
        for text in (t.text for t in found if t.text not in written):
            sources = [u for f, own in standing if _may_become(text, own) for u in f.urls]
            for url in _databases((text,)):
                # ``url.replace("psycopg", "asyncpg")`` is the URL that stands elsewhere
                same = [u for u in whole if u[1:5] == url[1:5]]
                urls.append(_without(url, [*sources, *same]))
        if urls:
            yield FoundUrl(event.function, argument_span(event), tuple(urls), {})


def _without(url: Url, sources: list[Url]) -> Url:
    """The URL with holes for the parts that one of the sources has written out."""
    known: dict[str, Any] = {}
    for name in ("user", "password", "host", "port"):
        written = [value for u in sources if (value := getattr(u, name)) and HOLE not in value]
        if getattr(url, name) in written:
            known[name] = HOLE
    return url._replace(**known)


def _url_create(program: Program) -> Iterator[FoundUrl]:
    for event in program.events("external"):
        if event.name != URL_MADE:
            continue
        named = dict(zip(_KEYWORDS, event.args, strict=False)) | dict(event.keywords)
        texts = {name: _part(name, value) for name, value in named.items()}
        # what is set of an unknown URL leaves its port as it is
        others = UNKNOWN_KEYWORDS in named or _changes_unknown(event)
        server = (texts.get("host") or "", texts.get("port", HOLE if others else None))
        url = Url(texts.get("drivername") or HOLE, texts.get("username"), texts.get("password"), *server)
        expr = event.expr
        spans: dict[str, ir.Span4] = {}
        if expr is not None and expr[0] == "c":
            spans = {n: a[1] for n, a in zip(_KEYWORDS, expr[3], strict=False)} | {k: v[1] for k, v in expr[4] if k}
        before = next((created_url(program, a) for a in event.value if a.tag == "map"), None)
        yield FoundUrl(event.function, event.span, (url,), spans, before)


def _changes_unknown(event: Event) -> bool:
    """Whether ``url.set(…)`` is called on a URL of which nothing is known."""
    called = event.expr[2] if event.expr is not None and event.expr[0] == "c" else None
    return called is not None and called[0] == "a" and called[3] in ("set", "_replace") and not event.value


def _filled_in(program: Program, created: list[FoundUrl]) -> Iterator[FoundUrl]:
    """URLs that a function makes of what it is given: at the engine's call, where they are known."""
    known = {(f.function.path, f.span): f.urls[0] for f in created}
    for event in _connecting(program):
        made = [a for a in _first(event) if a.tag == "map" and a.get("url") is not None and a.site in known]
        for atom in made if len(made) == len(_first(event)) == 1 else ():
            url = created_url(program, atom)
            if url[1:5] != known[atom.site][1:5]:
                yield FoundUrl(event.function, argument_span(event), (url,), {}, known[atom.site])


def _connecting(program: Program) -> Iterator[Event]:
    for event in program.events("create"):
        if event.name in ("engine", "driver connection", "driver pool"):
            yield event
    for event in program.events("external"):
        if event.name == "sqlalchemy.make_url":
            yield event


def connected_to(program: Program, event: Event) -> Iterator[tuple[Url, Site | None]]:
    """The URLs that an engine or driver is given here, with the place where one is made of its parts or changed."""
    return _placed_urls(program, tuple(a for a in _first(event) if a.tag != "param"))


def made_query(event: Event) -> tuple[tuple[str, str], ...]:
    """The query in a call that makes a URL of its parts, or changes one."""
    given = (dict(zip(_KEYWORDS, event.args, strict=False)) | dict(event.keywords)).get("query")
    return _query(given)


def _query(given: Value | None) -> tuple[tuple[str, str], ...]:
    return tuple((str(k), _text(v) or HOLE) for q in given or () if q.tag == "map" for k, v in q.items)


def given_urls(program: Program) -> Iterator[tuple[Url, Site | None]]:
    """The URLs that engines and drivers are given, with the place where one is made of its parts or changed."""
    for event in program.events("create"):
        if event.name in ("engine", "driver connection", "driver pool"):
            yield from _placed_urls(program, _first(event))


def _first(event: Event) -> Value:
    named = dict(event.keywords)
    if event.args:
        return event.args[0]
    return next((named[k] for k in ("url", "name_or_url", "dsn", "conninfo") if k in named), ())


def argument_span(event: Event) -> ir.Span4:
    """Where the URL is given to a call: the argument, or the whole call."""
    expr = event.expr
    if expr is None or expr[0] != "c":
        return event.span
    if expr[3]:
        span: ir.Span4 = expr[3][0][1]
        return span
    return next((v[1] for k, v in expr[4] if k in ("url", "name_or_url", "dsn", "conninfo")), event.span)


def _resolved(program: Program, value: Value) -> Value:
    out = list(value)
    for atom in value:
        if atom.tag == "param":
            out.extend(a for a in program.solver.arguments_of(atom) if a.tag != "param")
    return tuple(out)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(re.escape(HOLE), "(?s:.*)"))
