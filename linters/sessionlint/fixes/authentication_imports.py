"""TXN404: imports of the auth layer that are not needed below the router when the program runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import removed
from sessionlint.fixes.source import Source
from sessionlint.report import Finding


def import_from_elsewhere(context: Context, finding: Finding) -> Proposal:
    """An import of the auth layer goes where nothing uses it, or takes the name from where it is defined.

    Refuses when what is imported belongs to the auth layer and is used.
    """
    source = context.source(finding.path)
    node = source.node_at(finding.span, cst.ImportFrom)
    if isinstance(node.names, cst.ImportStar) or source.span(node) != _span(finding):
        refuse("the import takes a module, or everything in one")
    if source.function(node) is not None:
        refuse("the function imports it when it runs")
    names = context.program.solver.names
    module = names.absolute(finding.path, _dotted(source, node), len(node.relative))
    homes: dict[int, str] = {}
    for index, alias in enumerate(node.names):
        home = _home(context, source, finding.path, module, alias)
        if home is not None:
            homes[index] = home
    if not homes:
        used = ", ".join(source.code(alias.name) for alias in node.names)
        refuse(f"{used} is used here; check in a dependency of the route and pass the plain result")
    edit = context.edit()
    _take_out(edit, source, node, homes)
    return edit.proposal(finding, "Do not import from the auth layer", "unsafe")


def _span(finding: Finding) -> tuple[int, int, int, int]:
    return (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)


def _dotted(source: Source, node: cst.ImportFrom) -> str:
    return source.code(node.module).strip() if node.module is not None else ""


def _home(context: Context, source: Source, path: str, module: str, alias: cst.ImportAlias) -> str | None:
    """The import that may take the place of one name; empty when nothing uses it, None when it has to stay."""
    name = source.code(alias.name)
    local = source.code(alias.asname.name).strip() if alias.asname is not None else name
    if not _is_used(context, path, local):
        return ""
    program = context.program
    target = program.solver.names.path_of(module, path)
    atoms = list(program.solver.member(target, name)) if target in program.solver.modules else []
    infos = [atom.info for atom in atoms if atom.tag in ("fn", "cls")]
    if len(infos) != 1 or len(atoms) != 1 or local != name or infos[0].qualname != name or infos[0].path == path:
        return None
    defined = program.solver.modules.get(infos[0].path)
    if defined is None or program.policy.layer_of(infos[0].path) in ("auth", "router"):
        return None
    return f"from {defined.name} import {name}"


def _is_used(context: Context, path: str, name: str) -> bool:
    """Whether a file mentions a name anywhere but in imports, or hands it on."""
    nodes = list(ast.walk(context.tree(path)))
    return any(
        (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Constant) and node.value == name)
        for node in nodes
    )


def _take_out(edit: Edit, source: Source, node: cst.ImportFrom, homes: Mapping[int, str]) -> None:
    assert not isinstance(node.names, cst.ImportStar)
    line = source.statement(node)
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) > 1:
        refuse("the import stands on one line with other statements")
    made = "".join(f"{code}\n" for code in sorted(set(filter(None, homes.values()))))
    if len(homes) == len(node.names):
        if made:
            edit.replace_statement(source.path, line, made)
        else:
            edit.remove(source.path, line)
        return
    kept = list(node.names)
    for index in sorted(homes, reverse=True):
        kept = removed(kept, index)
    edit.change(source.path, node, lambda old: old.with_changes(names=_ended(kept)))
    if made:
        edit.insert_after(source.path, line, made)


def _ended(names: list[cst.ImportAlias]) -> list[cst.ImportAlias]:
    last = names[-1].comma
    broken = isinstance(last, cst.Comma) and isinstance(last.whitespace_after, cst.ParenthesizedWhitespace)
    return names if broken else [*names[:-1], names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]
