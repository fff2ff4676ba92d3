"""What one application holds for its whole life, made in ``create_app`` and reached through one dependency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from reference_app.auth.credentials import Credentials
from reference_app.auth.limits import RateLimits
from reference_app.auth.tokens import Tokens
from reference_app.live.progress import ProgressHub
from reference_app.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """The settings, and the parts that remember something between requests."""

    settings: Settings
    tokens: Tokens
    credentials: Credentials
    limits: RateLimits
    progress: ProgressHub


def make_state(settings: Settings) -> AppState:
    """The state of a new application; connects to nothing."""
    tokens = Tokens(settings)
    return AppState(settings, tokens, Credentials(settings, tokens), RateLimits(settings), ProgressHub(settings))


def app_state(request: Request) -> AppState:
    """The state of the application that answers this request."""
    return cast(AppState, request.app.state.reference)
