"""Database URLs as objects: ``URL.create``, ``make_url``, the builders of other libraries, and what changes a URL."""

from __future__ import annotations

from collections.abc import Callable

from sessionlint.facts import ir
from sessionlint.program import strings, url_queries, urls
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Const, Ext, Map, Text, Value

Keywords = list[tuple[str, Value]]


def _url(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    names = ("drivername", "username", "password", "host", "port", "database", "query")
    items = tuple(zip(names, args, strict=False)) + tuple(keywords)
    return (Map((("url", (Const("URL.create", "str"),)), *items), False, frame.site(e[1])),)


def _built_url(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``URL.build(scheme=…)`` of other libraries: what may be a URL of another database than PostgreSQL is that one."""
    schemes = strings.texts_of(dict(keywords).get("scheme") or (args[0] if args else UNKNOWN))
    if schemes and all(scheme.text.startswith("postgres") for scheme in schemes) and dict(keywords).get("host"):
        parts = tuple((urls.PARTS.get(key, key), value) for key, value in keywords)
        frame.emit("external", e[1], name="sqlalchemy.URL.create", keywords=parts, expr=e)
    if not schemes or any(not urls.OTHER_DATABASE.match(scheme.text) for scheme in schemes):
        return (Ext("yarl.URL()"),)
    return tuple(Text(f"{scheme.text}://{strings.HOLE}") for scheme in schemes)


#: Parts of a URL that tell where it leads, and no secret.
_SHOWN = ("drivername", "host", "port", "username")
#: Methods that give another URL.
METHODS = frozenset({"set", "_replace", *url_queries.METHODS})


def _parsed_url(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``make_url(text)``: the text, as far as it is known."""
    known = tuple(a for a in (args[0] if args else UNKNOWN) if a.tag in ("const", "text", "map", "param"))
    return known or (Ext("sqlalchemy.URL()"),)


def set_in_text(frame: Frame, text: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``make_url("…").set(host=…)``: the parts of the text, and those that are set."""
    found = urls.parts(text)
    if found is None or not found["drivername"].strip(strings.HOLE):
        return set_url(frame, args, keywords, e)
    pairs = (pair.partition("=") for pair in found.pop("query", "").split("&") if pair)
    query = tuple((name, (Const(value, "str"),)) for name, _, value in pairs)
    items = tuple((k, (Text(v, strings.HOLE in v),)) for k, v in found.items())
    url = Map((("url", (Const("URL.create", "str"),)), *items, ("query", (Map(query, False),))), False)
    return changed_url(frame, url, "set", args, keywords, e)


def set_url(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``url.set(host=…)``: the parts that are set; of the others nothing is told."""
    frame.emit("external", e[1], name="sqlalchemy.URL.create", keywords=tuple(keywords), expr=e)
    unknown = (Text(strings.HOLE),)
    names = ("drivername", "username", "password", "host", "port", "database")
    items = tuple((n, dict(keywords).get(n, unknown)) for n in names)
    items = (*items, *[entry for entry in keywords if entry[0] == "query"])
    return (Map((("url", (Const("URL.create", "str"),)), *items), False, frame.site(e[1])),)


def changed_url(frame: Frame, url: Map, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``url.set(port=5432)``, ``url.update_query_dict({…})`` of a URL whose parts are known."""
    if name in ("set", "_replace"):
        kept = tuple(i for i in url.items if i[0] not in dict(keywords))
        # what is not set was written, and is told, elsewhere
        shown = [(k, v) for k, v in kept if k in _SHOWN] + keywords
        frame.emit("external", e[1], name="sqlalchemy.URL.create", keywords=tuple(shown), value=(url,), expr=e)
        return (Map((*kept, *keywords), False, frame.site(e[1])),)
    added = url_queries.entries(name, args, keywords)
    query = url_queries.kept(tuple(i for a in url.get("query") or () if a.tag == "map" for i in a.items), added)
    items = tuple(i for i in url.items if i[0] != "query")
    added = () if name == url_queries.REMOVES else added
    return (Map((*items, ("query", (Map((*query, *added), False),))), False, frame.site(e[1])),)


def change_text(frame: Frame, text: str, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``make_url("…").set(…)``, ``….update_query_dict(…)``: a method of what a text is made."""
    if name in ("set", "_replace"):
        return set_in_text(frame, text, args, keywords, e)
    return url_queries.in_text(text, name, args, keywords)


def _query_of_unknown(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    def change(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        return url_queries.in_text(strings.HOLE, name, args, keywords)

    return change


SPECIAL: dict[str, Callable[[Frame, list[Value], Keywords, ir.Expr], Value]] = {
    "sqlalchemy.URL.create": _url, "sqlalchemy.make_url": _parsed_url, "sqlalchemy.URL().set": set_url,
    "sqlalchemy.URL()._replace": set_url,
    **{f"sqlalchemy.URL().{name}": _query_of_unknown(name) for name in sorted(url_queries.METHODS)},
    **dict.fromkeys(urls.BUILDERS, _built_url),
}  # fmt: skip
