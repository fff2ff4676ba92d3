"""TXN107: the error leaves the first session before the second one is opened."""

from __future__ import annotations

from typing import Any

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.source import Source
from sessionlint.report import Finding
from sessionlint.rules.opening import main_handle
from sessionlint.rules.transactions import closing_commits


def catch_outside(context: Context, finding: Finding) -> Proposal:
    """``with`` around ``try`` becomes ``try`` around ``with``, where the ``try`` is all there is in the ``with``."""
    source = context.source(finding.path)
    inner = source.node_at(finding.span, cst.Call)
    handler = source.around(inner, cst.ExceptHandler)
    tried = source.parents[handler] if handler is not None else None
    block = source.parents.get(tried) if tried is not None else None
    outer = source.parents.get(block) if block is not None else None
    if not isinstance(tried, cst.Try) or not isinstance(outer, cst.With) or not isinstance(block, cst.IndentedBlock):
        refuse("the try is not the only thing in the with that opens the first session")
    name = _only_session(source, outer)
    if len(block.body) != 1 or not isinstance(tried.body, cst.IndentedBlock):
        refuse("the with holds more than the try", finding.path, source.line(outer))
    for part in (*tried.handlers, tried.orelse, tried.finalbody):
        for node in source.walk(part) if part is not None else ():
            if isinstance(node, cst.Name) and node.value == name:
                refuse(f"{name} is used where the error is handled", finding.path, source.line(node))
    _refuse_commit(context, finding, source, outer)
    edit = context.edit()

    def turn(old: cst.With) -> cst.Try:
        inside: Any = old.body.body[0]
        block = old.with_changes(body=inside.body, leading_lines=[])
        made: cst.Try = inside.with_changes(
            body=cst.IndentedBlock([block]), leading_lines=[*old.leading_lines, *inside.leading_lines]
        )
        return made

    edit.change(finding.path, outer, turn)
    return edit.proposal(finding, "Catch the error outside the first session", "unsafe")


def _only_session(source: Source, block: cst.With) -> str:
    item = block.items[0]
    if len(block.items) > 1 or item.asname is None or not isinstance(item.asname.name, cst.Name):
        refuse("the with opens more than the first session", source.path, source.line(block))
    return item.asname.name.value


def _refuse_commit(context: Context, finding: Finding, source: Source, block: cst.With) -> None:
    """Leaving the block must do nothing but close: what the handler hides from it now would reach it."""
    for event in context.events(finding.path, "obtain", "create"):
        if event.span == source.span(block.items[0].item):
            handle = main_handle(event.subject)
            if handle is not None and closing_commits(context.program, event.function, handle) is False:
                return
    refuse("leaving the first session's block may do more than close it", finding.path, source.line(block))
