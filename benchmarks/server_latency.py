"""How long an editor waits from a keystroke to the diagnostics it leads to.

    python benchmarks/server_latency.py                # a 1,000-line router in a program of 30,000 lines
    python benchmarks/server_latency.py --areas 20     # a smaller program
    python benchmarks/server_latency.py --profile      # where the time goes, function by function

A real server process speaks over its standard streams. Every measured change is sent when the answer to the last one
has come; half of them make or mend a finding that also shows in another file. Exits with 1 when the median is above
the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

sys.path.insert(0, str(Path(__file__).resolve().parent))

from backend import LARGE_ROUTER, write_backend

LIMIT_MS = 100
_BODY = 'raise HTTPException(422, detail="the name is empty")'
_BEGIN = "    async with session.begin():\n"


def edits(text: str, number: int) -> list[tuple[str, str]]:
    """What a person types in the middle of a file: label and whole text, one change after the other."""
    half = len(text) // 2
    head, tail = text[:half], text[half:]
    found: list[tuple[str, str]] = []
    for n in range(number):
        found += [
            ("text inside a line", head + tail.replace(_BODY, _BODY.replace("empty", f"empty {n}"), 1)),
            ("a new line", head + tail.replace(_BEGIN, f"    name = body.name[:{n + 10}]\n{_BEGIN}", 1)),
            ("a finding", head + tail.replace(_BEGIN, f"    await session.commit()\n{_BEGIN}", 1)),
            ("its repair", head + tail.replace(_BEGIN, f"    label = str({n})\n{_BEGIN}", 1)),
        ]
    return found


class _Client(LanguageClient):
    def __init__(self, uri: str) -> None:
        super().__init__("benchmark", "1")
        self.uri = uri
        self.answered: asyncio.Future[int] = asyncio.Future()
        self.number = 0
        self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(_hearing(self))

    def ask(self) -> None:
        self.number += 1
        self.answered = asyncio.get_running_loop().create_future()


def _hearing(client: _Client) -> Callable[[types.PublishDiagnosticsParams], None]:
    def hear(params: types.PublishDiagnosticsParams) -> None:
        if params.uri == client.uri and params.version == client.number and not client.answered.done():
            client.answered.set_result(len(params.diagnostics))

    return hear


async def measure(root: Path, number: int) -> dict[str, list[float]]:
    """Milliseconds per kind of change, in the order they were made."""
    file = root / LARGE_ROUTER
    text = file.read_text(encoding="utf-8")
    client = _Client(file.as_uri())
    await client.start_io(sys.executable, "-m", "sessionlint", "server")
    folder = types.WorkspaceFolder(root.as_uri(), root.name)
    await client.initialize_async(types.InitializeParams(types.ClientCapabilities(), workspace_folders=[folder]))
    begun = time.perf_counter()
    client.initialized(types.InitializedParams())
    client.ask()
    document = types.TextDocumentItem(client.uri, "python", client.number, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    await asyncio.wait_for(client.answered, 300)
    print(f"first diagnostics after {time.perf_counter() - begun:.1f} s")
    taken: dict[str, list[float]] = {}
    for label, changed in edits(text, number):
        client.ask()
        identifier = types.VersionedTextDocumentIdentifier(client.number, client.uri)
        change = types.TextDocumentContentChangeWholeDocument(changed)
        begun = time.perf_counter()
        client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))
        await asyncio.wait_for(client.answered, 60)
        taken.setdefault(label, []).append((time.perf_counter() - begun) * 1000)
        # the server tidies up after an answer; nobody types a thousand keys a minute
        await asyncio.sleep(0.15)
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return taken


def profile(root: Path, number: int) -> None:
    """Prints where the time of the same changes goes, without a server around it."""
    from sessionlint.facts import source
    from sessionlint.program import build
    from sessionlint.server.buffers import Buffer
    from sessionlint.server.workspace import Workspace

    text = (root / LARGE_ROUTER).read_text(encoding="utf-8")
    workspace = Workspace()
    workspace.arrange([root], [], rescan=True)
    workspace.check({})
    gc.disable()  # as the server does
    # a profile sees one thread only
    sys.setrecursionlimit(20_000)
    for module in (source, build):
        vars(module)["with_deep_stack"] = lambda call: call()
    profiler = cProfile.Profile()
    for _, changed in edits(text, number):
        buffers = {root / LARGE_ROUTER: Buffer("", changed)}
        profiler.enable()
        workspace.check(buffers)
        profiler.disable()
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


def main() -> int:
    """Makes the program, measures, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--areas", type=int, default=89, help="size of the program (about 330 lines each)")
    parser.add_argument("--endpoints", type=int, default=54, help="size of the file that is edited (18 lines each)")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sessionlint-latency-") as folder:
        root = Path(folder).resolve()
        lines = write_backend(root, options.areas, options.endpoints)
        edited = (root / LARGE_ROUTER).read_text(encoding="utf-8").count("\n")
        print(f"{lines:,} lines; the edited file has {edited:,}")
        if options.profile:
            profile(root, options.rounds)
            return 0
        taken = asyncio.run(measure(root, options.rounds))
    print(f"{'change':<22} {'median':>8} {'slowest':>8}  ms")
    for label, values in taken.items():
        print(f"{label:<22} {statistics.median(values):>8.0f} {max(values):>8.0f}")
    median = statistics.median(value for values in taken.values() for value in values)
    print(f"{'all':<22} {median:>8.0f}          limit {LIMIT_MS}")
    return int(median > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
