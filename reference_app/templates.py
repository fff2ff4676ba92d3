"""Templates and documentation blocks, cut out of the running service by name, so that they cannot differ from it.

A template names a file and functions or classes in it (``create_batch``, ``ScanRunner._work``), or ``*`` for the whole
file. ``python -m reference_app.templates`` writes them to ``linters/sessionlint/templates/NAME.md`` and between the
``<!-- template: NAME -->`` and ``<!-- end -->`` marks of ``docs/reference/*.md``; a test holds that nothing is stale.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from reference_app.models import Base

ROOT = Path(__file__).parents[1]
TEMPLATES_FOLDER = ROOT / "linters" / "sessionlint" / "templates"
DOCS_FOLDER = ROOT / "docs" / "reference"

WHOLE_FILE = "*"
_MARKED = re.compile(r"(<!-- (?P<kind>template|schema): (?P<name>[\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """Functions or classes of one file, in the order they are shown."""

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern to copy: what it is called, when it is the right one, and where the service uses it."""

    name: str
    title: str
    when: str
    sources: tuple[Source, ...]


TEMPLATES = (
    Template(
        "session-module",
        "The session module",
        "Once per service: the one engine, the one factory, the context manager and the dependency.",
        (Source("reference_app/session.py", (WHOLE_FILE,)),),
    ),
    Template(
        "write-endpoint",
        "An endpoint that writes",
        "Authenticate, do everything slow first, own the transaction with `async with session.begin():`, hand plain "
        "ids to services. Leaving the block commits; an error rolls back, and the client gets no 2xx.",
        (Source("reference_app/routers/batches.py", ("create_batch",)),),
    ),
    Template(
        "read-endpoint",
        "An endpoint that reads",
        "Reading needs a transaction too: it ends where you see it, and the connection goes back at once.",
        (Source("reference_app/routers/batches.py", ("get_batch", "list_scans")),),
    ),
    Template(
        "streaming-endpoint",
        "An endpoint that streams",
        "Check access in a short transaction; the stream opens short sessions of its own and holds none while sending.",
        (
            Source("reference_app/routers/batches.py", ("export_batch",)),
            Source("reference_app/live/export.py", ("export_stream",)),
        ),
    ),
    Template(
        "service",
        "A service",
        "Takes the caller's session and plain ids; adds, executes, flushes; never begins, commits or rolls back.",
        (Source("reference_app/services/batches.py", ("create_batch", "cancel_batch", "settle")),),
    ),
    Template(
        "background-job",
        "A background job",
        "Its own sessions: one to claim the work, none while it uses the network, another to record how it ended, "
        "failure included. It takes ids, never rows.",
        (Source("reference_app/jobs/scan_job.py", ("ScanRunner._claim", "ScanRunner._work", "ScanRunner._record")),),
    ),
    Template(
        "enqueue",
        "Work enqueued with its rows",
        "The job is a row in the same transaction: both are there, or neither. Nothing is scheduled in memory.",
        (Source("reference_app/jobs/queue.py", ("enqueue_scans", "enqueue")),),
    ),
    Template(
        "command",
        "Work without a request",
        "Commands, schedulers, scripts: `get_session()` and a transaction of your own.",
        (Source("reference_app/commands/accounts.py", ("create_key",)),),
    ),
    Template(
        "error-handling",
        "Errors inside a transaction",
        "Let errors leave the block. To try something and go on, give the attempt a savepoint; to report a failure, "
        "first leave the failed session. Never open a second session while the failed one is open.",
        (
            Source(
                "reference_app/commands/verify.py", ("_undo_in_savepoint", "_undo_in_transaction", "_write_and_undo")
            ),
        ),
    ),
    Template(
        "authentication",
        "Authentication",
        "Ends at the router, on a short session of its own, so that the endpoint's is still unused. Services get the "
        "user's id.",
        (
            Source("reference_app/auth/guard.py", ("authenticate", "Require")),
            Source("reference_app/auth/credentials.py", ("_find_key",)),
        ),
    ),
    Template(
        "model",
        "A model",
        "A PostgreSQL UUID as id and for every foreign key; no tenant column.",
        (
            Source("reference_app/models/base.py", ("Identified", "text_enum")),
            Source("reference_app/models/batches.py", ("BatchStatus", "Batch")),
        ),
    ),
    Template(
        "migration",
        "Migrations",
        "One process at a time, one transaction, and the time-outs on the role, where every pooler accepts them.",
        (
            Source("reference_app/migrations/env.py", ("_migrate", "_run")),
            Source("reference_app/migrations/role_settings.py", ("set_timeouts",)),
        ),
    ),
    Template(
        "test",
        "A test's application",
        "Replace the engine by settings, never the session: the commit is what is being tested.",
        (Source("tests/support/service.py", ("running_service",)),),
    ),
)


def template(name: str) -> Template:
    """The template of that name. Raises ``KeyError``."""
    return next((found for found in TEMPLATES if found.name == name), None) or _unknown(name)


def code_of(wanted: Template) -> str:
    """The template's code blocks in Markdown, each under the path of its file."""
    blocks = []
    for source in wanted.sources:
        code = "\n\n\n".join(_cut(source))
        blocks.append(f"`{source.path}`\n\n```python\n{code}\n```\n")
    return "\n".join(blocks)


def page_of(wanted: Template) -> str:
    """The page that ``sessionlint template show NAME`` prints."""
    return f"# {wanted.title}\n\n{wanted.when}\n\n{code_of(wanted)}"


def schema_of(name: str) -> str:
    """A table's columns and constraints in Markdown."""
    table = Base.metadata.tables[name]
    lines = ["| column | type | null | refers to |", "|---|---|---|---|"]
    lines += [_column_line(column) for column in table.columns]
    indexes = sorted(str(index.name) for index in table.indexes)
    notes = f"\nIndexes: {', '.join(f'`{index}`' for index in indexes)}.\n" if indexes else ""
    return "\n".join(lines) + "\n" + _unique_note(table) + notes


def outputs() -> Iterator[tuple[Path, str]]:
    """Every generated file and what it must contain."""
    for found in TEMPLATES:
        yield TEMPLATES_FOLDER / f"{found.name}.md", page_of(found)
    for page in sorted(DOCS_FOLDER.glob("*.md")):
        yield page, _MARKED.sub(_filled, page.read_text(encoding="utf-8"))


def write_all() -> list[Path]:
    """Writes what is stale; gives what was written."""
    written = []
    for path, text in outputs():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _unknown(name: str) -> Template:
    raise KeyError(name)


def _filled(match: re.Match[str]) -> str:
    fill: Callable[[str], str] = schema_of if match["kind"] == "schema" else lambda name: code_of(template(name))
    return f"{match[1]}{fill(match['name'])}{match[4]}"


def _cut(source: Source) -> Iterator[str]:
    text = (ROOT / source.path).read_text(encoding="utf-8")
    if source.names == (WHOLE_FILE,):
        yield text.rstrip("\n")
        return
    lines = text.splitlines()
    tree = ast.parse(text)
    for name in source.names:
        node = _find(tree, name.split("."), source.path)
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        block = lines[first - 1 : node.end_lineno]
        indent = len(block[0]) - len(block[0].lstrip())
        yield "\n".join(line[indent:] for line in block)


def _find(tree: ast.Module, path: list[str], file: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef:
    body: list[ast.stmt] = tree.body
    found: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None = None
    for part in path:
        definitions = (n for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))
        found = next((node for node in definitions if node.name == part), None)
        if found is None:
            raise LookupError(f"{file} has no {'.'.join(path)}; correct the template's sources in {__name__}.")
        body = found.body
    assert found is not None
    return found


def _column_line(column: Column[object]) -> str:
    kind = str(column.type.compile(dialect=postgresql.dialect())).lower()  # type: ignore[no-untyped-call]
    targets = ", ".join(f"`{key.target_fullname}`" for key in column.foreign_keys)
    return f"| `{column.name}` | {kind} | {'yes' if column.nullable else 'no'} | {targets} |"


def _unique_note(table: Table) -> str:
    found = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    keys = sorted(", ".join(f"`{column.name}`" for column in constraint.columns) for constraint in found)
    return f"\nUnique: {'; '.join(f'({key})' for key in keys)}.\n" if keys else ""


if __name__ == "__main__":
    for changed in write_all():
        print(changed.relative_to(ROOT))
