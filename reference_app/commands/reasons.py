"""Why a connection failed, and what to do about it, in words."""

from __future__ import annotations

import re
import socket
import ssl

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from reference_app.settings import Settings

_BY_SQLSTATE = {
    "28P01": "The password is wrong; correct it in the database URL (percent-encoded).",
    "28000": "The server refuses this user; correct the user in the database URL.",
    "3D000": "There is no such database; correct its name in the database URL.",
    "53300": "The server has no connection left; lower REFERENCE_APP_POOL_MAX or ask fewer processes.",
    "26000": "A prepared statement is gone: the pooler is in transaction mode and a statement cache is on.",
    "42P05": "A prepared statement is there twice: the pooler is in transaction mode and a statement cache is on.",
}
# PgBouncer's words, and Supavisor's before and since its codes in parentheses; both come as SQLSTATE XX000 or 08P01.
_INSISTS_ON_TLS = re.compile(r"SSL required|ESSLREQUIRED|SSL connection is required")
_BY_POOLERS_WORDS = {
    r"Tenant or user not found|\(ENOTFOUND\)|\(ENOIDENTIFIER\)": (
        "The pooler does not know this user; copy host and user (postgres.<project-ref>) from the project's "
        "connection page: a region can have several poolers, and each knows its own projects."
    ),
    r"[Mm]ax client connections reached|\(EMAXCONN\w*\)|\(ECHECKOUTTIMEOUT\)|no more connections allowed": (
        "The pooler has no connection left; lower REFERENCE_APP_POOL_MAX, run fewer processes, or raise its limit."
    ),
    r"\(EADDRNOTALLOWED\)": "The pooler does not let this address in; add it to the project's network restrictions.",
}


def reason_of(error: BaseException, settings: Settings) -> str:
    """The cause of ``error`` and its remedy. The password is not in it."""
    chain = _chain(error)
    where = f"{settings.url().host or 'the socket'}:{settings.url().port or 5432}"
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            problem = f"The certificate of {where} is not trusted ({link.verify_message})"
            return f"{problem}; set REFERENCE_APP_DATABASE_CA_FILE to the CA's."
        if isinstance(link, socket.gaierror):
            return f"There is no host of that name ({where}); correct it in the database URL."
        state = getattr(link, "sqlstate", None)
        if isinstance(state, str) and state in _BY_SQLSTATE:
            return _BY_SQLSTATE[state]
        if _INSISTS_ON_TLS.search(str(link)):
            return f"{where} insists on TLS; set REFERENCE_APP_DATABASE_TLS or REFERENCE_APP_DATABASE_CA_FILE."
        for pattern, reason in _BY_POOLERS_WORDS.items():
            if re.search(pattern, str(link)):
                return reason
        if isinstance(link, ConnectionRefusedError):
            return f"Nobody answers on {where}; start the server or correct host and port."
    for link in chain:
        if isinstance(link, ssl.SSLError | ConnectionError):
            return (
                f"{where} ended the connection ({link}); does it speak TLS? REFERENCE_APP_DATABASE_TLS says whether to."
            )
        if isinstance(link, TimeoutError | PoolTimeoutError):
            return f"{where} did not answer in time; check host, port and firewall."
    return f"{type(chain[-1]).__name__}: {str(chain[-1]).splitlines()[0] if str(chain[-1]) else 'no message'}"


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain
