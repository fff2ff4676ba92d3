"""Renders many pages in several processes: colouring source text is most of the work of a large report."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from sessionlint_reports.render import Renderer, Site
from sessionlint_reports.views.page import Page

Work = tuple[Page, str | None]
"""A page, and the source text it shows."""

#: Fewer pages than this are done before another process has started.
_WORTHWHILE = 400
_CHUNK = 60
_MOST = 4


def rendered(site: Site, pages: Sequence[Work]) -> Iterator[str]:
    """The HTML of ``pages``, in their order."""
    processes = min(_MOST, os.cpu_count() or 1)
    if len(pages) < _WORTHWHILE or processes == 1:
        yield from _chunk(site, pages)
        return
    chunks = [pages[start : start + _CHUNK] for start in range(0, len(pages), _CHUNK)]
    # A forked copy would inherit threads and open databases.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in pool.map(_chunk, [site] * len(chunks), chunks):
            yield from done


def _chunk(site: Site, pages: Sequence[Work]) -> list[str]:
    renderer = Renderer(site)
    return [renderer.html(page, text) for page, text in pages]
