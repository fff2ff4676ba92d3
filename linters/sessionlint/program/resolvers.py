"""What GraphQL servers call: resolvers, subscriptions, loaders of many rows at once, extensions and permissions.

Fields of one request are resolved at the same time, so a resolver may as well open a short session of its own as take
the one of the context; either way nobody but it owns the transaction. Sources: the packages themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sessionlint.patterns import regex
from sessionlint.program.listing import FileListing
from sessionlint.program.model import ClassInfo, FunctionInfo

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_PACKAGES: Final = ("strawberry.", "ariadne.", "graphene.", "aiodataloader.", "graphene_sqlalchemy.")
#: Decorators and calls that are given a resolver.
_DECORATORS: Final = regex(
    r"strawberry\.(?:\w+\.)*(?:field|mutation|subscription|connection|node|input_mutation)(?:\(\))?"
    r"|strawberry\.(?:\w+\.)*DataLoader"
    r"|ariadne\.(?:\w+\.)*(?:ObjectType|QueryType|MutationType|SubscriptionType|InterfaceType)\(\)\."
    r"(?:field|source|set_field|set_source)(?:\(\))?"
    r"|aiodataloader\.DataLoader"
)
#: Bases with the methods that the server calls.
_HOOKS: Final = (
    (regex(r"strawberry\.(?:\w+\.)*SchemaExtension|ariadne\.(?:\w+\.)*Extension(?:Sync)?"),
     regex(r"on_\w+|resolve|get_results|request_started|request_finished|format")),
    (regex(r"strawberry\.(?:\w+\.)*FieldExtension"), regex(r"resolve(?:_async)?|apply")),
    (regex(r"strawberry\.(?:\w+\.)*BasePermission"), regex(r"has_permission|on_unauthorized")),
    (regex(r"graphene\.(?:\w+\.)*(?:ObjectType|Interface|Mutation|ClientIDMutation)"),
     regex(r"resolve_\w+|subscribe_\w+|mutate(?:_and_get_payload)?|get_node")),
    (regex(r"(?:strawberry\.|aio)(?:\w+\.)*DataLoader"), regex(r"(?:batch_)?load_fn")),
)  # fmt: skip


def resolvers(program: Program) -> frozenset[FunctionInfo]:
    """The functions that a GraphQL server calls."""
    found = set(program.by_file(_in_file))
    for info in program.classes:
        if info.bases and info.methods:
            found.update(_hooks(program, info))
    return frozenset(found)


def _in_file(listing: FileListing) -> Iterator[FunctionInfo]:
    for function in listing.functions:
        values = [a for _, value in function.decorator_values for a in value]
        if any(a.tag == "ext" and a.name.startswith(_PACKAGES) and _DECORATORS.fullmatch(a.name) for a in values):
            yield function
    for event in listing.by_kind.get("external", ()):
        if event.name.startswith(_PACKAGES) and _DECORATORS.fullmatch(event.name):
            given = [a for value in (*event.args, *(v for _, v in event.keywords)) for a in value]
            yield from (a.info for a in given if a.tag == "fn")


def _hooks(program: Program, info: ClassInfo) -> Iterator[FunctionInfo]:
    bases = [b for b in program.solver.external_bases(info) if b.startswith(_PACKAGES)]
    for base, names in _HOOKS if bases else ():
        if any(base.fullmatch(b) for b in bases):
            yield from (method for name, method in info.methods.items() if names.fullmatch(name))
