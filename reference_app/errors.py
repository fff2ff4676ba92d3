"""What can go wrong in the service's own terms. No HTTP here: ``reference_app.problems`` maps these to answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong value of a request: ``pointer`` is its JSON pointer, ``code`` a stable name for programs."""

    pointer: str
    code: str
    message: str


class ServiceError(Exception):
    """The request could not be carried out."""

    code: ClassVar[str] = "service-error"

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] = ()) -> None:
        self.detail = detail or (self.__doc__ or "").splitlines()[0]
        self.errors = tuple(errors)
        super().__init__(self.detail)


class NotFoundError(ServiceError):
    """There is no such thing, or the caller may not know of it."""

    code = "not-found"


class ConflictError(ServiceError):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class AlreadyExistsError(ConflictError):
    """There is one of that name already."""

    code = "already-exists"


class IdempotencyConflictError(ConflictError):
    """This Idempotency-Key was used for a different request."""

    code = "idempotency-key-reused"


class InvalidInputError(ServiceError):
    """Some of the values cannot be used; ``errors`` says which."""

    code = "invalid-input"


class TargetsRejectedError(InvalidInputError):
    """Some of the submitted domains cannot be scanned; nothing was accepted."""

    code = "targets-rejected"


class InvalidCursorError(InvalidInputError):
    """The cursor is not one that this list handed out."""

    code = "invalid-cursor"


class PayloadTooLargeError(ServiceError):
    """The request's body is larger than the service accepts."""

    code = "payload-too-large"


class NotAuthenticatedError(ServiceError):
    """The request carries no credentials that are valid now."""

    code = "not-authenticated"


class NotPermittedError(ServiceError):
    """The caller's role or the scopes of the key do not allow this."""

    code = "not-permitted"


class RateLimitedError(ServiceError):
    """Too many requests in too short a time."""

    code = "rate-limited"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 1) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(detail)


class UnavailableError(ServiceError):
    """The database cannot be reached at the moment."""

    code = "unavailable"


class ConfigurationError(Exception):
    """The settings cannot work; ``problems`` says what and the remedy, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
