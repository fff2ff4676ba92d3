"""TXN211: a dependency that commits ends before the response is sent."""

from __future__ import annotations

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import add_argument
from sessionlint.report import Finding, Span
from sessionlint.rules.txn211_commit_after_response import late_commits

#: The first FastAPI whose ``Depends`` takes a scope; older ones raise TypeError when the module is imported.
SCOPES_SINCE = "0.121.0"


def refuse_without_scopes(context: Context, path: str) -> None:
    """Refuses when the project asks for a FastAPI that knows no scopes."""
    asked = context.requirements.forbidding("fastapi", SCOPES_SINCE, path)
    if asked is not None:
        refuse(f"the project asks for {asked.text}, and scope= came with FastAPI 0.121", asked.path, asked.line)


def end_before_the_response(context: Context, finding: Finding) -> Proposal:
    """Every ``Depends(get_session)`` becomes ``Depends(get_session, scope="function")``, which FastAPI has since 0.121.

    FastAPI refuses an application in which a generator that lives as long as the request asks for one that ends
    with the function (``DependencyScopeError``), so those are not mended.
    """
    place = (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)
    uses = [
        use
        for late in late_commits(context.program)
        if (late.dependency.path, late.span) == (finding.path, place)
        for use in late.uses
    ]
    if not uses:
        refuse("nothing asks for it any more")
    edit = context.edit()
    for path, span in sorted(set(uses)):
        _give_scope(edit, Span(path, *span))
    return edit.proposal(finding, "End the dependency before the response is sent (FastAPI 0.121 or newer)", "unsafe")


def _give_scope(edit: Edit, use: Span) -> None:
    context = edit.context
    refuse_without_scopes(context, use.path)
    call = context.source(use.path).node_at(use, cst.Call)
    if not context.source(use.path).code(call.func).endswith("Depends"):
        refuse("only Depends(…) takes a scope; FastAPI's Security(…) does not", use.path, use.line)
    for function in context.program.functions:
        if function.is_generator and any(
            (d.site[0], *d.site[1][:2]) == (use.path, use.line, use.column) for d in function.dependencies.values()
        ):
            reason = f"{function.qualname}() asks for it and itself ends after the response; give that a scope first"
            refuse(reason, function.path, function.header[0])
    add_argument(edit, use.path, call, 'scope="function"')
