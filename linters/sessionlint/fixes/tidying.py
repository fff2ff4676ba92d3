"""What a fix leaves without use goes with it: imports, and suppression comments."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Mapping

import libcst as cst
from libcst.helpers import get_full_name_for_node

from sessionlint.facts.source import decode
from sessionlint.fixes.bench import State
from sessionlint.fixes.encoding import encoded
from sessionlint.fixes.model import CannotFixError
from sessionlint.fixes.names import modules_imported, names_in, used_from
from sessionlint.fixes.rebuilding import Rebuilding
from sessionlint.fixes.source import Source
from sessionlint.fixes.texts import Texts
from sessionlint.gate.suppressing import UNUSED
from sessionlint.patterns import regex
from sessionlint.report import Finding

_CODES = regex(r"\[[^\]]*\]")
_CODE = regex(r"\bTXN\d{3}\b")


def tidied(texts: Texts, path: str, text: str, sources: Mapping[str, bytes]) -> str:
    """``text`` (the new one of ``path``) without imports that were used before the change and no longer are.

    One stays when another file takes the name from here, and when it is the only one in the program that loads a
    module of the project: that module may be needed for what it does when it is loaded.
    """
    before, after = names_in(path, texts.sources[path]), names_in(path, text.encode())
    if before is None or after is None:
        return text
    imported = {local for local, _ in _imports(texts, path)}
    unused = {
        (line, _bound_by(words))
        for words, lines in after.unused.items()
        if words not in before.unused
        for line in lines
    }
    names = {name for _, name in unused} & imported
    gone = {(line, name) for line, name in unused if name in names and not _needed(texts, path, name, names, sources)}
    if not gone:
        return text
    try:
        source = Source(path, text)
    except CannotFixError:
        return text
    file = Rebuilding(source)
    # the positions of LibCST take as long as all the rest
    written = [node for node in source.walk() if isinstance(node, cst.ImportFrom | cst.Import)]
    for node, line in zip(written, after.import_lines, strict=True):
        if not isinstance(node.names, cst.ImportStar):
            _drop(file, node, {name for at, name in gone if at == line})
    made = file.text()
    return made if text.startswith("\n") else made.lstrip("\n")


def without_unused(before: State, after: State) -> dict[str, bytes]:
    """The files of ``after`` without the suppression comments that nothing answers to since ``before``."""
    known = Counter(finding.identity for finding in before.report.findings if finding.code == UNUSED)
    sources = dict(after.sources)
    for finding in reversed(after.report.findings):
        if finding.code != UNUSED or before.sources[finding.path] == after.sources[finding.path]:
            continue
        if known[finding.identity]:
            known[finding.identity] -= 1
        else:
            text = decode(sources[finding.path], finding.path).split("\n")
            line = text[finding.span.line - 1]
            kept = _shortened(line[finding.span.column - 1 : finding.span.end_column - 1], finding)
            line = (line[: finding.span.column - 1] + kept).rstrip() + line[finding.span.end_column - 1 :]
            text[finding.span.line - 1 : finding.span.line] = [line] if line.strip() else []
            sources[finding.path] = encoded("\n".join(text), after.sources[finding.path], finding.path)
    return sources


def _shortened(comment: str, finding: Finding) -> str:
    """A suppression comment without the codes that a finding says are unused; nothing when none is left."""
    listed = _CODES.search(comment)
    unused = _CODE.findall(finding.message)
    left = [code for code in _CODE.findall(listed[0]) if code not in unused] if listed else []
    return f"{comment[: listed.start()]}[{', '.join(left)}]{comment[listed.end() :]}" if listed and left else ""


def _drop(file: Rebuilding, node: cst.ImportFrom | cst.Import, gone: Collection[str]) -> None:
    assert not isinstance(node.names, cst.ImportStar)
    kept = [alias for alias in node.names if _local(alias) not in gone]
    if len(kept) == len(node.names):
        return
    if not kept:
        line = file.source.parents[node]
        if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
            first = _opens_section(file, line)
            commented = any(up.comment for up in line.leading_lines)
            file.change(line, lambda old: cst.FlattenSentinel(old.leading_lines if commented or first else []))
        else:
            file.change(node, lambda _: cst.RemovalSentinel.REMOVE)
        return
    kept[-1] = kept[-1].with_changes(comma=node.names[-1].comma)
    file.change(node, lambda old: old.with_changes(names=kept))


def _opens_section(file: Rebuilding, line: cst.SimpleStatementLine) -> bool:
    """Whether the blank line above an import divides what is above from what follows, and so has to stay."""
    holder = file.source.parents[line]
    body = list(holder.body) if isinstance(holder, cst.Module | cst.IndentedBlock) else []
    after = body[body.index(line) + 1] if line in body[:-1] else None
    return isinstance(after, cst.SimpleStatementLine) and not after.leading_lines


def _needed(texts: Texts, path: str, name: str, gone: Collection[str], sources: Mapping[str, bytes]) -> bool:
    """Whether an import has to stay: another file takes the name from here, or the module would no longer be loaded."""
    names = texts.names
    # who imports from a module writes its name, but for packages
    stem = path.rpartition("/")[2].removesuffix(".py").replace("__init__", "").encode()
    mentioning = {
        other: data for other, data in sources.items() if other != path and name.encode() in data and stem in data
    }
    if any(used_from(names, other, data, path, name) for other, data in mentioning.items()):
        return True
    bindings = _imports(texts, path)
    staying = frozenset(imported for local, imported in bindings if local not in gone)
    lost = modules_imported(names, path, frozenset(imported for local, imported in bindings if local == name))
    lost -= modules_imported(names, path, staying)
    return any(not _loaded_elsewhere(texts, path, target, sources) for target in lost)


def _imports(texts: Texts, path: str) -> list[tuple[str, tuple[str, int, str | None]]]:
    """The name and the target of every import of a file."""
    found: list[tuple[str, tuple[str, int, str | None]]] = []
    for node in ast.walk(texts.tree(path)):
        if isinstance(node, ast.ImportFrom):
            found += [(a.asname or a.name, (node.module or "", node.level, a.name)) for a in node.names]
        elif isinstance(node, ast.Import):
            found += [(a.asname or a.name.partition(".")[0], (a.name, 0, None)) for a in node.names]
    return found


def _loaded_elsewhere(texts: Texts, path: str, target: str, sources: Mapping[str, bytes]) -> bool:
    parts = target.removesuffix("/__init__.py").removesuffix(".py").split("/")
    for other, data in sources.items():
        if other in (path, target) or parts[-1].encode() not in data:
            continue
        if texts.policy.layer_of(other) in ("test", "migration"):
            continue
        found = names_in(other, data)
        if found is not None and target in modules_imported(texts.names, other, found.running):
            return True
    return False


def _local(alias: cst.ImportAlias) -> str:
    if alias.asname is not None:
        return get_full_name_for_node(alias.asname.name) or ""
    return (get_full_name_for_node(alias.name) or "").partition(".")[0]


def _bound_by(words: str) -> str:
    """The name an import binds, from how pyflakes words it: ``a.b``, ``a.b as c``, ``from`` members as ``a.b``."""
    module, _, alias = words.partition(" as ")
    return alias or module.rpartition(".")[2]
