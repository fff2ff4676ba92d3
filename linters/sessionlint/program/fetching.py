"""What fetches pages, files, records and answers from elsewhere, by packages that are no clients of one service.

Scraping, feeds, registries of names and addresses, mailboxes, transcripts, speech, and files behind URLs. Sources: the
packages themselves, as their documentation has them called.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sessionlint.patterns import regex

_VERBS: Final = "get|post|put|patch|delete|head|options|request"
#: By package: what waits for somebody else.
_ASKING: Final = {
    # pages
    "trafilatura": (
        r"(?:downloads\.)?fetch_(?:url|response)|(?:feeds\.)?find_feed_urls|(?:sitemaps\.)?sitemap_search"
        r"|(?:spider\.)?focused_crawler"
    ),
    "newspaper": (
        r"(?:\w+\.)*(?:Article\(\)\.(?:download|build)|article|build|download|Source\(\)\.(?:build|download\w*))"
    ),
    "requests_html": rf"(?:\w+\.)?(?:Async)?HTMLSession\(\)\.(?:(?:{_VERBS})(?:\(\)\.html\.a?render)?)",
    "mechanize": r"(?:\w+\.)?Browser\(\)\.(?:open\w*|submit|follow_link|reload)|urlopen",
    "mechanicalsoup": (
        r"(?:\w+\.)?(?:Stateful)?Browser\(\)\.(?:open|open_relative|submit\w*|follow_link|download_link|get|post|request"
        r"|refresh)"
    ),
    "crawl4ai": r"(?:\w+\.)?AsyncWebCrawler\(\)\.a?run(?:_many)?",
    "scrapegraphai": r"(?:\w+\.)*\w+Graph\(\)\.run(?:_safe_async)?",
    "browser_use": r"(?:\w+\.)*Agent\(\)\.run(?:_sync)?",
    "scrapfly": r"(?:\w+\.)?ScrapflyClient\(\)\.(?:async_)?(?:concurrent_)?(?:scrape|screenshot|extract|account)",
    "scrapingbee": rf"(?:\w+\.)?ScrapingBeeClient\(\)\.(?:{_VERBS})",
    "zenrows": rf"(?:\w+\.)?ZenRowsClient\(\)\.(?:{_VERBS})(?:_async)?",
    "pyppeteer": r"(?:launcher\.)?(?:launch|connect)",
    "hrequests": rf"{_VERBS}|(?:\w+\.)?Session\(\)\.(?:{_VERBS})",
    "tls_client": rf"(?:\w+\.)?Session\(\)\.(?:{_VERBS})",
    "primp": rf"(?:Async)?Client\(\)\.(?:{_VERBS})",
    "requests_cache": rf"(?:\w+\.)?CachedSession\(\)\.(?:{_VERBS})",
    "requests_toolbelt": rf"(?:\w+\.)*\w+Session\(\)\.(?:{_VERBS})",
    "aiohttp_retry": rf"(?:\w+\.)?RetryClient\(\)\.(?:{_VERBS})",
    "aiohttp_client_cache": rf"(?:\w+\.)?CachedSession\(\)\.(?:{_VERBS})",
    "httpx_sse": r"(?:\w+\.)?a?connect_sse",
    "httpx_ws": r"(?:\w+\.)?a?connect_ws",
    "gdown": r"download(?:_folder)?",
    "wget": r"download",
    "pdfkit": r"from_url",
    # names and addresses
    "whois": r"(?:\w+\.)?(?:whois|query)",
    "asyncwhois": r"(?:aio_)?(?:whois|rdap)\w*",
    "whoisit": r"(?:bootstrap|domain|ip|asn|entity)(?:_async)?",
    "ipwhois": r"(?:\w+\.)?IPWhois\(\)\.lookup_\w+",
    "aiodns": r"DNSResolver\(\)\.(?:query|gethostby\w+|getaddrinfo|getnameinfo)",
    "ping3": r"(?:verbose_)?ping",
    "icmplib": r"(?:async_)?(?:ping|multiping|traceroute)",
    "ntplib": r"NTPClient\(\)\.request",
    "shodan": r"(?:\w+\.)?Shodan\(\)\.(?:search|host|count|info|scan)",
    "geocoder": r"(?!distance$)[a-z]\w*",
    "opencage": r"geocoder\.OpenCageGeocode\(\)\.(?:reverse_)?geocode(?:_async)?",
    "ipinfo": r"getHandler(?:Async|Lite)?\(\)\.get\w+",
    # texts and records
    "wikipedia": r"page|summary|search|suggest|geosearch|random|WikipediaPage",
    "youtube_transcript_api": r"(?:\w+\.)?YouTubeTranscriptApi(?:\.(?:get|list)_transcripts?|\(\)\.(?:fetch|list))",
    "Bio": r"Entrez\.(?:efetch|esearch|esummary|elink|epost|einfo|egquery|espell|ecitmatch)",
    "pytrends": r"request\.TrendReq\(\)\.(?!build_payload$)[a-z]\w*",
    "llama_parse": r"(?:\w+\.)?LlamaParse\(\)\.(?:a?load_data|a?parse|a?get_\w+)",
    "llama_cloud_services": r"(?:\w+\.)*LlamaParse\(\)\.(?:a?load_data|a?parse|a?get_\w+)",
    "unstructured_client": r"(?:\w+\.)?UnstructuredClient\(\)\.\w+\.\w+",
    # models and speech
    "cerebras": r"cloud\.sdk\.(?:Async)?Cerebras\(\)(?:\.\w+)*\.create",
    "portkey_ai": r"(?:\w+\.)?(?:Async)?Portkey\(\)(?:\.\w+)*\.(?:create|generate)",
    "aisuite": r"(?:\w+\.)?Client\(\)\.chat\.completions\.create",
    "xai_sdk": r"(?:\w+\.)*(?:Async)?Client\(\)\.chat\.create\(\)\.(?:sample|stream|parse|defer)(?:_batch)?",
    "ai21": r"(?:Async)?AI21Client\(\)(?:\.\w+)*\.create",
    "writerai": r"(?:Async)?Writer\(\)(?:\.\w+)*\.(?:create|chat|list|retrieve)",
    "gtts": r"(?:\w+\.)?gTTS\(\)\.(?:save|write_to_fp|stream)",
    "edge_tts": r"(?:\w+\.)?Communicate\(\)\.(?:save|stream)(?:_sync)?|(?:\w+\.)?list_voices",
    "speech_recognition": r"Recognizer\(\)\.recognize_(?:google|bing|amazon|azure|wit|houndify|ibm|assemblyai|lex)\w*",
    # mail and messages
    "imap_tools": (
        r"(?:\w+\.)?MailBox(?:Tls|StartTls|Unencrypted)?(?:\(\)(?:\.login\w*\(\))?"
        r"\.(?:login\w*|xoauth2|fetch|uids|numbers|move|copy|delete|append|flag|expunge|folder\.\w+|idle\.\w+))?"
    ),
    "exchangelib": r"(?:\w+\.)?Message\(\)\.(?:send|save|send_and_save|reply|forward)",
    "redmail": r"(?:\w+\.)*EmailSender\(\)\.(?:send|connect)|(?:gmail|outlook)\.send",
    "flask_mail": r"(?:flask_mail\.)?Mail\(\)\.(?:send|send_message)",
    "django": r"core\.mail\.(?:send_mail|send_mass_mail|mail_admins|mail_managers|Email\w+\(\)\.send)",
    "pymsteams": r"(?:async_)?connectorcard\(\)\.send",
    # files and machines
    "gcloud": r"aio\.\w+\.(?:\w+\.)?(?:Storage|PublisherClient|SubscriberClient|Datastore|TaskQueue)\(\)\.[a-z]\w*",
    "netmiko": r"ConnectHandler(?:\(\)\.(?:send_\w+|save_config|commit|find_prompt))?",
    "telnetlib": r"Telnet(?:\(\)\.(?:read|write|expect|interact|open)\w*)?",
    "nmap": r"(?:\w+\.)?PortScanner\(\)\.scan",
}  # fmt: skip
_MADE: Final = {package: regex(rf"{package}\.(?:{pattern})") for package, pattern in _ASKING.items()}


@lru_cache(maxsize=20000)
def fetches(name: str) -> bool:
    """Whether calling the external symbol waits for what comes from elsewhere."""
    asking = _MADE.get(name.partition(".")[0])
    return asking is not None and asking.fullmatch(name) is not None
