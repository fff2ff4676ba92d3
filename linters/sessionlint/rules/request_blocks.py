"""Transactions that a dependency holds open around its ``yield``: what asks for it runs in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sessionlint.program.model import Transaction
from sessionlint.program.values import Injected
from sessionlint.report import TraceStep
from sessionlint.rules.background_work import sessions_in
from sessionlint.rules.sessions_inside import held_at_yield
from sessionlint.rules.transactions import behind, commit_trace, injector, request_dependencies

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo


class RequestBlock(NamedTuple):
    """The transaction, on what the sessions are called in the function that asks for it, and the dependency."""

    transaction: Transaction
    dependency: FunctionInfo

    def steps(self, program: Program) -> list[TraceStep]:
        """That the dependency runs first, and where it opens the transaction."""
        first = program.step(self.dependency.site, f"the dependency {self.dependency.in_full} runs first")
        return [first, *commit_trace(program, self.dependency)]


def request_blocks(program: Program, function: FunctionInfo) -> tuple[RequestBlock, ...]:
    """The transactions in which FastAPI calls an endpoint, or a dependency that has dependencies."""
    return program.shared(_blocks).get(function, ())


def _blocks(program: Program) -> dict[FunctionInfo, tuple[RequestBlock, ...]]:
    holders = {f for f in program.dependency_functions if held_at_yield(f)}
    found: dict[FunctionInfo, tuple[RequestBlock, ...]] = {}
    for user in program.functions if holders else ():
        if user.routes or user.dependencies:
            asked = (
                target for dependency in request_dependencies(program, user) for target in behind(program, dependency)
            )
            blocks = tuple(_block(program, user, target) for target in dict.fromkeys(asked) if target in holders)
            if blocks:
                found[user] = blocks
    return found


def _block(program: Program, user: FunctionInfo, holder: FunctionInfo) -> RequestBlock:
    opened = held_at_yield(holder)
    yielded = {subject for t in opened for subject in t.subjects}
    given = (
        a for _, value in user.param_values.values() for a in sessions_in(program, value) if isinstance(a, Injected)
    )
    own = [a for a in given if injector(program, a) is holder and not yielded.isdisjoint(holder.summary.yields)]
    return RequestBlock(Transaction(tuple(dict.fromkeys((*own, *yielded))), opened[-1].site, False, holder), holder)
