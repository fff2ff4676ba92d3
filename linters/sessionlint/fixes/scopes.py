"""TXN211: a dependency that commits ends before the response is sent."""

from __future__ import annotations

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves_calls import add_argument
from sessionlint.report import Finding

#: The first FastAPI whose ``Depends`` takes a scope; older ones raise TypeError when the module is imported.
SCOPES_SINCE = "0.121.0"


def refuse_without_scopes(context: Context, path: str) -> None:
    """Refuses when the project asks for a FastAPI that knows no scopes."""
    asked = context.requirements.forbidding("fastapi", SCOPES_SINCE, path)
    if asked is not None:
        refuse(f"the project asks for {asked.text}, and scope= came with FastAPI 0.121", asked.path, asked.line)


def end_before_the_response(context: Context, finding: Finding) -> Proposal:
    """``Depends(get_session)`` becomes ``Depends(get_session, scope="function")``, which FastAPI has since 0.121.

    FastAPI refuses an application in which a generator that lives as long as the request asks for one that ends
    with the function (``DependencyScopeError``), so those are not mended.
    """
    refuse_without_scopes(context, finding.path)
    call = context.source(finding.path).node_at(finding.span, cst.Call)
    if not context.source(finding.path).code(call.func).endswith("Depends"):
        refuse("only Depends(…) takes a scope; FastAPI's Security(…) does not")
    place = (finding.span.line, finding.span.column)
    for function in context.program.functions:
        if function.is_generator and any(
            d.site[0] == finding.path and d.site[1][:2] == place for d in function.dependencies.values()
        ):
            reason = f"{function.qualname}() asks for it and itself ends after the response; give that a scope first"
            refuse(reason, function.path, function.header[0])
    edit = context.edit()
    add_argument(edit, finding.path, call, 'scope="function"')
    return edit.proposal(finding, "End the dependency before the response is sent (FastAPI 0.121 or newer)", "unsafe")
