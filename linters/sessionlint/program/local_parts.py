"""What packages of clients have that asks nobody: what builds a message, signs, renders, and data.

Their methods are called as a client's are (``Headers.get``, ``Mail.get``, ``VoiceResponse.connect``). Sources: the
packages themselves. A ``Response`` of these packages has its body, unlike aiohttp's.
"""

from __future__ import annotations

from typing import Final

from sessionlint.patterns import regex

#: Packages whose clients have no namespaces: what stands behind an attribute of one is data that it was made with.
_FLAT: Final = (
    "httpx.", "requests.", "aiohttp.", "niquests.", "httplib2.", "curl_cffi.", "cloudscraper.", "urllib3.",
    "requests_oauthlib.", "authlib.integrations.", "websockets.", "websocket.", "http.client.",
)  # fmt: skip
_BODY: Final = (".content.read", ".content.readline", ".content.readany")
#: Modules and classes that only make or read something.
_MADE: Final = regex(
    r"(?:httpx|requests|aiohttp|niquests|curl_cffi|urllib3|http\.client|websockets)\.(?:\w+\.)*"
    r"(?:Headers|HTTPHeaderDict|HTTPMessage|CaseInsensitiveDict|Cookies|\w*CookieJar|URL|QueryParams|Request|PreparedRequest"
    r"|FormData|\w*Retry|responses)\b(?!\(\)\.(?:json|read|post)$)"
    r"|(?:httpx|requests|niquests|curl_cffi)\.(?:\w+\.)*Response\(\)\.(?:json|text|content)$"
    r"|sendgrid\.helpers\.|twilio\.(?:twiml|jwt|request_validator)\.|azure\.functions\."
    r"|paramiko\.(?:\w+\.)*(?:\w*Key|SSHConfig|HostKeys|Message)\b"
    r"|langchain\w*\.(?:\w+\.)*(?:prompts|messages|documents|text_splitters?)\."
    r"|langchain\w*\.(?:\w+\.)*output_parsers\.(?:\w+\.)*(?!\w*(?:Fixing|Retry))\w*Parser\b"
)
#: Packages none of whose calls is named so: what is asked by these names is an answer's, an event's or a token's data.
_LOOKS_UP: Final = regex(r"(?:stripe|twilio|firebase_admin\.auth|github)\..*\.(?:get|index)$")
#: What an object keeps as a dictionary, whoever made it.
_CARRIED: Final = regex(
    r".*\(\).*\.(?:headers|cookies|attrs|labels|fields|raw_data|raw_headers|\w*metadata|properties)(?:\[\])*\.(?:get|index)$"
)


def is_local(name: str) -> bool:
    """Whether a symbol of a client's package is none of its ways to ask."""
    if name.startswith(_FLAT) and not name.endswith(_BODY):
        head = name.rpartition(".")[0]
        if "()" in head and head[-1] not in ")]":
            return True
    return any(known.match(name) for known in (_MADE, _LOOKS_UP, _CARRIED))
