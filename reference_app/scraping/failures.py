"""Why a fetch failed, in stable codes; and how aiohttp's and the system's errors become them."""

from __future__ import annotations

import socket
import ssl

import aiohttp

from reference_app.scraping.network import ForbiddenAddressError
from reference_app.scraping.records import Failure

# Tried again at once (after a backoff) by the fetcher; other transient failures are for a later scan.
RETRIED_AT_ONCE = frozenset({"connect_failed", "disconnected", "dns_unavailable"})
# Failures before any HTTP was spoken: another scheme may still work.
BEFORE_HTTP = frozenset({"connect_failed", "connect_timeout", "disconnected", "tls_failed", "tls_certificate"})


class FetchError(Exception):
    """No usable response: ``code`` is stable, ``transient`` says whether a later try may succeed."""

    def __init__(self, code: str, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.transient = transient

    def as_failure(self) -> Failure:
        """The same as a plain value."""
        return Failure(self.code, self.message, self.transient)


def failure_of_status(status: int) -> Failure:
    """What an HTTP status of 400 or above means to a scan; 408, 425, 429 and 5xx may pass (RFC 9110, RFC 8470)."""
    return Failure(f"http_{status}", f"The server answered {status}.", status in (408, 425, 429) or status >= 500)


def explain(error: Exception) -> FetchError:
    """The FetchError for what aiohttp, ssl or a socket raised."""
    if forbidden := _forbidden_cause(error):
        return FetchError("forbidden_address", f"{forbidden}; only public addresses are fetched.")
    match error:
        case aiohttp.ClientConnectorDNSError(os_error=socket.gaierror(errno=socket.EAI_AGAIN)):
            return FetchError("dns_unavailable", "The name could not be resolved at the moment.", transient=True)
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return FetchError("dns_not_found", "The host name does not exist or has no address.")
        case aiohttp.ClientConnectorCertificateError():
            return FetchError("tls_certificate", f"The server's certificate is not valid: {_tls_reason(error)}.")
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return FetchError("tls_failed", "The server does not speak TLS the way this client does.")
        case aiohttp.ConnectionTimeoutError():
            return FetchError("connect_timeout", "No connection within the time limit.", transient=True)
        case aiohttp.SocketTimeoutError():
            return FetchError("idle_timeout", "The server fell silent in mid-response.", transient=True)
        case TimeoutError():
            return FetchError("timeout", "The response was not complete within the time limit.", transient=True)
        case aiohttp.ClientConnectorError():
            return FetchError("connect_failed", f"No connection: {error.os_error.strerror or error}.", transient=True)
        case aiohttp.ClientResponseError():
            return FetchError("invalid_response", "The server's answer is not valid HTTP.")
        case aiohttp.ClientPayloadError():
            return FetchError("broken_body", "The response ended or broke before it was complete.", transient=True)
        case aiohttp.InvalidURL():
            return FetchError("invalid_url", "The address is not a valid URL.")
        case aiohttp.ClientConnectionError() | OSError():
            return FetchError("disconnected", "The server closed the connection without an answer.", transient=True)
        case _:
            return FetchError("invalid_response", f"The server's answer could not be read ({type(error).__name__}).")


def _forbidden_cause(error: BaseException | None) -> ForbiddenAddressError | None:
    while error is not None and not isinstance(error, ForbiddenAddressError):
        error = error.__cause__
    return error


def _tls_reason(error: aiohttp.ClientConnectorCertificateError) -> str:
    reason = error.certificate_error
    return reason.verify_message if isinstance(reason, ssl.SSLCertVerificationError) else type(reason).__name__
