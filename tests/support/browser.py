"""A real headless Chromium for the tests of pages, with everything it complains about collected."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

from tests.support.processes import missing_part

#: Names of the system's Chromium or Chrome, in the order they are preferred.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Starts the system's browser, and ends it. Skips the test (fails it on CI) when there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing_part("Chromium (apt-get install chromium)")
    # the sandbox refuses to run as root
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=options)
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """One page of the browser, which keeps every complaint and every request that leaves the site."""

    def __init__(
        self, browser: Browser, root: Path | str, *, width: int = 1280, height: int = 900, scheme: str = "light"
    ) -> None:
        self._root = root.as_uri() if isinstance(root, Path) else root.rstrip("/")
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
        )
        self._context.set_default_timeout(10_000)
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", self._asked)
        self.page.on("request", self._requested)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    def open(self, place: str) -> Page:
        """Goes to ``place`` (``files/x.html#L10``) of the site and waits until it is drawn."""
        # Another fragment of the same page is no navigation, so its scripts would not run afresh.
        self.page.goto("about:blank")
        self.page.goto(f"{self._root}/{place}" if place else self._root)
        return self.page

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self._root, "data:", "about:")):
            self.complaints.append(f"request: {request.url}")
