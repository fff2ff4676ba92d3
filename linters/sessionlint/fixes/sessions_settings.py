"""Whether sessions of one source may give way to those of another: how they load, flush, and which engine they use."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.program.values import Const, Handle, Site

if TYPE_CHECKING:
    from sessionlint.program.model import Event


def refuse_other_settings(context: Context, old: Handle, new: Handle, path: str, line: int) -> str:
    """Sessions that load or flush at other moments, or are bound to what a function works out, are not exchanged.

    Gives what the title of the change has to say: the engine becomes another one, as far as is known of the same
    database.
    """
    for name in ("expire_on_commit", "autoflush"):
        before, after = (_setting(context, handle, name) for handle in (old, new))
        if before != after:
            said = [_said(name, value) for value in (before, after)]
            refuse(f"the session there now has {said[0]}, the approved one has {said[1]}", path, line)
    classes = [{atom for atom in _setting(context, h, "class_") if atom.tag != "ext"} for h in (old, new)]
    if classes[0] != classes[1]:
        refuse("the session there now is of a class of its own", path, line)
    before_engine, after_engine = (_engine(context, handle, path, line) for handle in (old, new))
    urls = [_url(context, engine) for engine in (before_engine, after_engine)]
    if all(urls) and urls[0] != urls[1]:
        refuse("the session there now is of another database", path, line)
    return "" if before_engine == after_engine else f" (its engine was that of {before_engine[0]})"


def _makers(context: Context, handle: Handle) -> list[Event]:
    """Where a session is made, then where its factory is."""
    made = [e for e in context.program.events("create") if e.site == handle.root]
    factories = {a.root for e in made for a in e.value if isinstance(a, Handle) and a.kind == "factory"}
    found = [e for e in context.program.events("create") if e.name == "factory" and e.site in factories]
    return [*(e for e in made if e.name == "session"), *found]


def _setting(context: Context, handle: Handle, name: str) -> Any:
    """What the factory of a session says for a setting; () for nothing, so that the library's default holds."""
    given = (dict(event.keywords) for event in _makers(context, handle))
    return next((keywords[name] for keywords in given if name in keywords), ())


def _said(name: str, value: Any) -> str:
    if not value:
        return f"the default {name}"
    return f"{name}={value[0].value}" if isinstance(value[0], Const) else f"an {name} of its own"


def _engine(context: Context, handle: Handle, path: str, line: int) -> Site:
    """Where the engine of a session is made; refuses when it is chosen where the session is made."""
    for event in _makers(context, handle):
        bound = dict(event.keywords).get("bind", event.args[0] if event.args else ())
        if bound:
            engines = {atom.root for atom in bound if isinstance(atom, Handle) and atom.kind == "engine"}
            if len(engines) != 1 or _is_local(context, event):
                refuse("the session there now is bound to an engine chosen at run time", path, line)
            return engines.pop()
    return refuse("the session there now is bound to an engine that is not known", path, line)


def _url(context: Context, engine: Site) -> str:
    """The URL of an engine without its driver, where it is a literal; empty when it is not."""
    for event in context.program.events("create"):
        if event.name == "engine" and event.site == engine and event.args:
            texts = {atom.value for atom in event.args[0] if isinstance(atom, Const)}
            return str(texts.pop()).partition("://")[2] if len(texts) == 1 == len(event.args[0]) else ""
    return ""


def _is_local(context: Context, event: Event) -> bool:
    """Whether what a factory or session is bound to is a local of a function, or worked out there."""
    if event.function.name == "<module>":
        return False
    call = context.source(event.path).node_at(event.span, cst.Call)
    bound = [arg.value for arg in call.args if arg.keyword is not None and arg.keyword.value == "bind"]
    bound += [arg.value for arg in call.args[:1] if arg.keyword is None]
    if not bound or not isinstance(bound[0], cst.Name):
        return bool(bound) and not isinstance(bound[0], cst.Attribute)
    name = bound[0].value
    top: set[str] = set()
    for node in context.tree(event.path).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            top |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            top |= {target.id for target in targets if isinstance(target, ast.Name)}
    inner = context.source(event.path).walk(context.node_of(event.function))
    rebound = any(
        (isinstance(node, cst.AssignTarget) and isinstance(node.target, cst.Name) and node.target.value == name)
        or (isinstance(node, cst.Param) and node.name.value == name)
        for node in inner
    )
    return name not in top or rebound
