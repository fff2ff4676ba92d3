"""Which hosts belong to the website being scanned."""

from __future__ import annotations

import ada_url

from reference_app.scraping.hostnames import registrable_domain
from reference_app.scraping.targets import Target


class Scope:
    """The submitted host, its ``www.`` twin, and the host of the same registered domain the start page led to."""

    def __init__(self, target: Target) -> None:
        self._registered = registrable_domain(target.host)
        self._sites = {target.domain, _www_twin(target.domain)}

    def settle(self, start_url: str) -> None:
        """Takes in where the start page led, unless that is another registered domain, which stays outside."""
        url = ada_url.URL(start_url)
        if url.host not in self._sites and registrable_domain(url.hostname) == self._registered:
            self._sites |= {url.host, _www_twin(url.host)}

    def contains(self, url: str) -> bool:
        """Whether a canonical URL is part of the website. Another port is another website."""
        return ada_url.URL(url).host in self._sites


def _www_twin(domain: str) -> str:
    return domain[4:] if domain.startswith("www.") else f"www.{domain}"
