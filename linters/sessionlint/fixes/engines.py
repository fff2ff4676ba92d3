"""TXN501 and TXN505: settings of an engine that the pooler needs, cannot bear, or that leave its pool unbounded."""

from __future__ import annotations

import ast

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import add_argument, inserted, remove_argument, removed
from sessionlint.fixes.source import Source
from sessionlint.report import Finding
from sessionlint.rules.engine_settings import EngineCall, engine_calls

CACHES = ("statement_cache_size", "prepared_statement_cache_size")
_ENTRIES = dict.fromkeys(CACHES, "0")
_PSYCOPG = {"prepare_threshold": "None"}
_TITLE = "Set the engine up for a transaction pooler"


def suit_the_pooler(context: Context, finding: Finding) -> Proposal:
    """Adds the cache settings, or takes out what the pooler refuses; the settings of one engine go together."""
    source = context.source(finding.path)
    call = _engine_call(context, finding)
    edit = context.edit()
    if call is not None and tuple(call.event.span) == _span(finding):
        psycopg = any(u.driver in ("psycopg", "psycopg_async") for u in call.urls)
        node = source.node_at(finding.span, cst.Call)
        _add_entries(edit, source, node, _PSYCOPG if psycopg else _ENTRIES)
        return edit.proposal(finding, _TITLE, "unsafe")
    _mend_entry(edit, source, finding)
    return edit.proposal(finding, _TITLE, "unsafe")


def _span(finding: Finding) -> tuple[int, int, int, int]:
    return (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)


def _engine_call(context: Context, finding: Finding) -> EngineCall | None:
    here = [c for c in engine_calls(context.program) if c.event.path == finding.path]
    return next((c for c in here if tuple(c.event.span) == _span(finding)), None)


def _add_entries(edit: Edit, source: Source, call: cst.Call, entries: dict[str, str]) -> None:
    """Gives ``connect_args`` the entries it lacks."""
    given = next((a for a in call.args if a.keyword is not None and a.keyword.value == "connect_args"), None)
    if given is None:
        if any(a.star == "**" for a in call.args):
            refuse("connect_args may come with the ** argument", source.path, source.line(call))
        wanted = ", ".join(f'"{name}": {value}' for name, value in entries.items())
        add_argument(edit, source.path, call, f"connect_args={{{wanted}}}")
        return
    _extend(edit, source, _dictionary(source, given.value), entries)


def _dictionary(source: Source, value: cst.BaseExpression) -> cst.Dict | cst.Call:
    """The dictionary an expression is: written there, or once in this file under the name that stands there."""
    if isinstance(value, cst.Name):
        assigned = [
            node
            for node in source.walk()
            if isinstance(node, cst.Assign | cst.AnnAssign | cst.AugAssign) and value.value in _targets(node)
        ]
        if len(assigned) != 1 or isinstance(assigned[0], cst.AugAssign) or assigned[0].value is None:
            refuse(f"what {value.value} holds is not written down once in this file", source.path, source.line(value))
        if len([n for n in source.walk() if isinstance(n, cst.Name) and n.value == value.value]) > 2:
            refuse(f"{value.value} is used for other things, too", source.path, source.line(value))
        value = assigned[0].value
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Name) and value.func.value == "dict":
        return value
    if not isinstance(value, cst.Dict):
        refuse("connect_args is made by other code", source.path, source.line(value))
    return value


def _targets(node: cst.Assign | cst.AnnAssign | cst.AugAssign) -> list[str]:
    targets = [t.target for t in node.targets] if isinstance(node, cst.Assign) else [node.target]
    return [t.value for t in targets if isinstance(t, cst.Name)]


def _extend(edit: Edit, source: Source, entries: cst.Dict | cst.Call, wanted: dict[str, str]) -> None:
    if isinstance(entries, cst.Call):
        present = {a.keyword.value for a in entries.args if a.keyword is not None}
        for name, value in wanted.items():
            if name not in present:
                add_argument(edit, source.path, entries, f"{name}={value}")
        return
    keys = [_key(element) for element in entries.elements]
    added = {name: value for name, value in wanted.items() if name not in keys}
    edit.change(source.path, entries, lambda old: _with_entries(old, added))


def _with_entries(old: cst.Dict, added: dict[str, str]) -> cst.Dict:
    """A dictionary with more entries, laid out as it is."""
    elements = list(old.elements)
    for name, value in added.items():
        entry = cst.DictElement(cst.SimpleString(f'"{name}"'), cst.parse_expression(value))
        elements = inserted(elements, len(elements), entry)
    return old.with_changes(elements=elements)


def _key(element: cst.BaseDictElement) -> str | None:
    if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString):
        return str(ast.literal_eval(element.key.value))
    return None


def _mend_entry(edit: Edit, source: Source, finding: Finding) -> None:
    """Mends the dictionary entry or the argument that the finding points at."""
    node = _expression(source, finding)
    parent = source.parents[node]
    if isinstance(parent, cst.DictElement):
        _mend_element(edit, source, parent)
    elif isinstance(parent, cst.Arg) and parent.keyword is not None:
        _mend_argument(edit, source, parent)
    else:
        refuse("what is wrong is put together elsewhere; only an entry written out here can be mended")


def _expression(source: Source, finding: Finding) -> cst.BaseExpression:
    node = source.node_at(finding.span, cst.CSTNode)  # type: ignore[type-abstract]
    if not isinstance(node, cst.BaseExpression):
        refuse("what is wrong is put together elsewhere; only an entry written out here can be mended")
    return node


def _mend_element(edit: Edit, source: Source, element: cst.DictElement) -> None:
    name = _key(element)
    if name in CACHES:
        edit.replace(source.path, element.value, "0")
        return
    holder = source.parents[element]
    assert isinstance(holder, cst.Dict)
    _refuse_unless_plain(source, element.value)
    at = list(holder.elements).index(element)
    edit.change(source.path, holder, lambda old: old.with_changes(elements=removed(list(old.elements), at)))


def _mend_argument(edit: Edit, source: Source, argument: cst.Arg) -> None:
    assert argument.keyword is not None
    name = argument.keyword.value
    call = source.parents[argument]
    assert isinstance(call, cst.Call)
    if isinstance(call.func, cst.Name) and call.func.value == "dict" and name in CACHES:
        edit.replace(source.path, argument.value, "0")
        return
    _refuse_unless_plain(source, argument.value)
    remove_argument(edit, source.path, call, argument)
    if name in CACHES:
        # an argument of the engine by mistake: it belongs into connect_args, with its twin
        _add_entries(edit, source, call, _ENTRIES)


def _refuse_unless_plain(source: Source, value: cst.BaseExpression) -> None:
    """What calls something may do more than give a value."""
    later = {inner for node in source.walk(value) if isinstance(node, cst.Lambda) for inner in source.walk(node.body)}
    run = [node for node in source.walk(value) if node not in later]
    calls = [node for node in run if isinstance(node, cst.Call | cst.Await | cst.NamedExpr)]
    if any(not isinstance(node, cst.Call) or source.code(node.func) != "dict" for node in calls):
        refuse("the value is made by a call that may do more", source.path, source.line(value))


def bound_the_pool(context: Context, finding: Finding) -> Proposal:
    """Raises ``pool_size`` to the policy's minimum, and bounds ``max_overflow``, where the number is written out."""
    source = context.source(finding.path)
    node = _expression(source, finding)
    parent = source.parents[node]
    name = parent.keyword.value if isinstance(parent, cst.Arg) and parent.keyword is not None else None
    if isinstance(parent, cst.DictElement):
        name = _key(parent)
    if name not in ("pool_size", "max_overflow") or not _is_number(node):
        refuse("the number is written elsewhere")
    edit = context.edit()
    edit.replace(finding.path, node, str(context.policy.pool_min))
    return edit.proposal(finding, f"Set {name} to {context.policy.pool_min}", "unsafe")


def _is_number(node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.UnaryOperation):
        node = node.expression
    return isinstance(node, cst.Integer)


def require_tls(context: Context, finding: Finding) -> Proposal:
    """TXN504: an engine without TLS asks for it, where the policy wants no more than that.

    Verifying the server needs its CA file, which is not for a fix to choose.
    """
    if context.policy.tls != "required":
        refuse("which CA file verifies the server is for you to say")
    source = context.source(finding.path)
    edit = context.edit()
    calls = [c for c in engine_calls(context.program) if c.event.path == finding.path]
    call = next((c for c in calls if tuple(c.url_span) == _span(finding)), None)
    if call is None:
        _require_in_entry(edit, source, finding)
    elif any(u.query and {"ssl", "sslmode"} & {key for key, _ in u.query} for u in call.urls):
        refuse("TLS is switched off in the URL")
    else:
        drivers = {u.driver for u in call.urls}
        if not drivers <= {"asyncpg", "psycopg", "psycopg_async", "psycopg2"} or len(drivers) != 1:
            refuse("how this driver is told to use TLS is not known")
        key = "ssl" if drivers == {"asyncpg"} else "sslmode"
        _add_entries(edit, source, source.node_at(call.event.span, cst.Call), {key: '"require"'})
    return edit.proposal(finding, "Connect with TLS", "unsafe")


def _require_in_entry(edit: Edit, source: Source, finding: Finding) -> None:
    """``"ssl": False`` and ``sslmode="disable"``, written out in ``connect_args``, ask for TLS."""
    node = _expression(source, finding)
    holder = source.parents[node]
    name = holder.keyword.value if isinstance(holder, cst.Arg) and holder.keyword is not None else None
    if isinstance(holder, cst.DictElement):
        name = _key(holder)
    value = holder.value if isinstance(holder, cst.Arg | cst.DictElement) and name in ("ssl", "sslmode") else None
    if not isinstance(value, cst.SimpleString | cst.Name) or source.code(value) in ("None", "True"):
        refuse("what is wrong is put together elsewhere; only an entry written out here can be mended")
    edit.replace(source.path, value, '"require"')
