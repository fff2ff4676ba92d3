"""Which calls of libraries wait on the network or sleep.

All names are import paths after :func:`sessionlint.program.knowledge.canonical`; ``()`` marks the result of a call.
Sources: the documentation of the named clients. Clients of stores and brokers are in :mod:`.remote_stores`, bots in
:mod:`.chat_bots`, those of services that need no more than their name in :mod:`.service_clients`, what fetches pages
and records in :mod:`.fetching`, what arrives piece by piece in :mod:`.streams`. What only puts
a request together is left out (:mod:`.local_parts`).
"""

from __future__ import annotations

from functools import lru_cache

from sessionlint.patterns import regex
from sessionlint.program import chat_bots, connecting, fetching, local_parts, remote_stores, service_clients, streams

PREFIXES = (
    "httpx.", "requests.", "aiohttp.", "urllib.request.urlopen", "urllib3.", "http.client.", "socket.", "smtplib.",
    "aiosmtplib.", "openai.", "anthropic.", "litellm.", "boto3.", "aioboto3.", "botocore.", "google.generativeai.",
    "google.genai.", "cohere.", "mistralai.", "groq.", "stripe.", "twilio.", "sendgrid.",
    "grpc.", "paramiko.", "ftplib.", "imaplib.", "poplib.", "websockets.", "websocket.", "playwright.", "selenium.",
    "fastapi_mail.", "resend.", "aiokafka.", "kafka.", "pika.", "aio_pika.", "nats.", "langchain",
    "githubkit.", "github.", "hubspot.", "supabase.", "firebase_admin.", "pinecone.",
    "googlemaps.", "ollama.", "replicate.", "minio.", "aiobotocore.", "miniopy_async.", "curl_cffi.", "cloudscraper.",
    "tavily.", "serpapi.", "tweepy.", "dns.", "google.cloud.", "azure.", "redis.", "aioredis.", "any_llm.", "emails.",
    "asyncio.open_connection", "subprocess.",
    "niquests.", "httplib2.", "requests_oauthlib.", "authlib.integrations.httpx_client.",
    "authlib.integrations.requests_client.", "asyncssh.", "aioftp.", "yagmail.", "postmarker.", "mailersend.",
    "vertexai.", "together.", "fireworks.", "voyageai.", "deepgram.", "elevenlabs.", "pydantic_ai.", "llama_index.",
    "docker.", "aiodocker.", "typesense.", "braintree.", "razorpay.", "notion_client.",
)  # fmt: skip
SLEEPS = {"asyncio.sleep", "time.sleep", "anyio.sleep", "trio.sleep", "gevent.sleep"}
#: What fetches what it is given the URL of, and reads what else it is given: a text, a file, an answer.
READERS = frozenset({
    "feedparser.parse",
    *(f"pandas.read_{kind}" for kind in ("csv", "json", "html", "xml", "excel", "parquet", "table", "feather")),
    *(f"polars.read_{kind}" for kind in ("csv", "json", "ndjson", "excel", "parquet", "ipc")),
    "fsspec.open", "fsspec.open_files", "smart_open.open", "smart_open.smart_open",
})  # fmt: skip
_SOCKETS = {
    f"fastapi.WebSocket().{verb}{what}" for verb in ("receive", "send") for what in ("", "_text", "_bytes", "_json")
}
#: Functions that wait themselves, whatever else their module has.
_FUNCTIONS = {
    *(f"socket.{name}" for name in ("create_connection", "getaddrinfo", "gethostbyname", "gethostbyaddr")),
    *("imaplib.IMAP4", "imaplib.IMAP4_SSL", "poplib.POP3", "poplib.POP3_SSL"),
    "urllib.request.urlretrieve", "pywebpush.webpush", "huggingface_hub.hf_hub_download",
    "huggingface_hub.snapshot_download", "aio_pika.connect_robust",
}  # fmt: skip
_METHODS = {
    "get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream", "fetch", "urlopen",
    "connect",
    "send_message", "sendmail", "login", "create", "acreate", "generate", "generate_content", "generate_content_async",
    "completion", "acompletion", "embed", "embedding", "aembedding", "invoke", "ainvoke", "astream", "call", "upload",
    "upload_file", "upload_fileobj", "download", "download_file", "put_object", "get_object", "delete_object",
    "list_objects_v2", "send_email", "sendto", "sendall", "recv", "goto", "content", "ws_connect", "open_connection",
    "parse", "retrieve", "list", "modify", "publish", "quit", "ehlo", "starttls", "run", "check_output", "check_call",
    "search", "query", "upsert", "index", "bulk", "ping", "text", "json", "read", "download_fileobj", "head_object",
    "place", "places", "places_nearby", "find_place", "geocode", "reverse_geocode", "directions", "distance_matrix",
    "chat",
    "resolve", "copy_object", "publish_message", "send_mail", "async_request", "set", "setex",
    "delete_many", "create_batch", "acreate_batch", "retrieve_batch", "aretrieve_batch", "cancel_batch",
    "acancel_batch", "list_batches", "alist_batches", "aretrieve_batch_results",
}  # fmt: skip
#: What waits in one family of libraries alone: prefix -> methods.
_OF_FAMILY = {
    "openai.": {"edit", "create_and_poll", "create_and_run", "submit_tool_outputs", "wait_for_processing"},
    "anthropic.": {"count_tokens"},
    "litellm.": {
        "rerank", "arerank", "transcription", "atranscription", "speech", "aspeech", "image_generation",
        "aimage_generation", "responses", "aresponses", "text_completion", "atext_completion",
    },
    "google.genai.": {"generate_content_stream", "embed_content", "generate_images", "count_tokens", "send_message"},
    "google.generativeai.": {"embed_content", "send_message_async", "upload_file", "count_tokens"},
    "vertexai.": {"get_embeddings", "predict", "send_message_async", "generate_images"},
    "cohere.": {"rerank", "chat_stream", "classify", "summarize"},
    "mistralai.": {"complete", "complete_async", "create_async", "stream_async"},
    "replicate.": {"async_run", "async_create", "wait"},
    "voyageai.": {"rerank", "multimodal_embed"},
    "pydantic_ai.": {"run_sync", "run_stream"},
    "langchain": {
        "batch", "abatch", "predict", "apredict", "agenerate", "arun", "embed_documents", "aembed_documents",
        "embed_query", "aembed_query", "similarity_search", "asimilarity_search", "add_documents", "aadd_documents",
    },
    "llama_index.": {"aquery", "achat", "complete", "acomplete", "aretrieve"},
    "stripe.": {
        "confirm", "capture", "cancel", "pay", "expire", "attach", "detach", "finalize_invoice", "void_invoice",
        "create_async", "retrieve_async", "modify_async", "list_async", "cancel_async", "confirm_async", "update",
    },
    "braintree.": {"sale", "refund", "find", "submit_for_settlement", "void"},
    "razorpay.": {"capture", "refund", "all"},
    "twilio.": {"update", "create_async", "fetch_async", "update_async"},
    "firebase_admin.": {
        "send_each", "send_each_async", "send_each_for_multicast", "send_each_for_multicast_async", "send_multicast",
        "send_all", "subscribe_to_topic", "get_user", "get_user_by_email", "create_user", "update_user", "delete_user",
        "set_custom_user_claims",
    },
    "supabase.": {
        "execute", "sign_up", "sign_in_with_password", "sign_out", "get_user", "remove", "create_user", "delete_user",
        "update_user_by_id", "create_signed_url",
    },
    "google.cloud.": {
        "upload_from_string", "upload_from_file", "upload_from_filename", "download_as_bytes", "download_as_string",
        "download_as_text", "download_to_file", "download_to_filename", "create_task", "access_secret_version",
        "add_secret_version", "recognize", "long_running_recognize", "synthesize_speech", "translate_text",
        "annotate_image", "predict", "insert_rows_json", "pull", "acknowledge", "get_bucket", "list_blobs",
        "create_bucket", "exists", "process_document", "text_detection", "document_text_detection", "label_detection",
        "face_detection", "object_localization", "batch_annotate_images", "async_batch_annotate_files",
    },
    "azure.": {
        "upload_blob", "download_blob", "delete_blob", "exists", "send_messages", "receive_messages", "get_secret",
        "set_secret", "begin_send", "create_item", "upsert_item", "read_item", "replace_item", "delete_item",
        "upload_documents", "get_token", "send_batch", "send_event", "publish", "send_request",
        "begin_analyze_document", "begin_analyze_document_from_url", "analyze_sentiment", "extract_key_phrases",
        "recognize_entities", "complete",
    },
    "pinecone.": {"update", "describe_index_stats", "create_index", "list_indexes", "search_records"},
    "typesense.": {"upsert", "update", "import_", "export"},
    "paramiko.": {
        "exec_command", "listdir", "listdir_attr", "open_session", "stat", "open_sftp", "invoke_shell", "putfo",
        "getfo", "mkdir", "rmdir", "remove", "rename", "recv_exit_status", "from_transport", "start_client",
        "auth_password", "auth_publickey",
    },
    "ftplib.": {"storbinary", "retrbinary", "storlines", "retrlines", "nlst", "cwd"},
    "imaplib.": {"select", "store", "append", "uid"},
    "poplib.": {"retr", "dele", "stat", "user", "pass_"},
    "http.client.": {"getresponse"},
    "socket.": {"accept", "recvfrom", "recv_into"},
    "authlib.integrations.": {"fetch_token", "refresh_token"},
    "requests_oauthlib.": {"fetch_token", "refresh_token"},
    "aiokafka.": {"start", "send_and_wait", "flush", "getmany", "getone"},
    "kafka.": {"flush", "poll"},
    "pika.": {"basic_publish", "queue_declare"},
    "aio_pika.": {"declare_queue", "declare_exchange"},
    "nats.": {"subscribe", "flush", "drain", "next_msg", "pull_subscribe", "ack_sync"},
    "docker.": {"pull", "build", "push", "start", "stop", "exec_run", "remove", "wait"},
    "notion_client.": {"update", "append"},
}  # fmt: skip
#: Packages around language models: most of what they have is data and text handling, which no client needs.
_MODELS = (
    "openai.", "anthropic.", "litellm.", "cohere.", "mistralai.", "groq.", "together.", "fireworks.", "voyageai.",
    "ollama.", "any_llm.", "vertexai.", "google.generativeai.", "google.genai.", "pydantic_ai.", "langchain",
    "llama_index.",
)  # fmt: skip
_TOOLKITS = ("litellm.", "pydantic_ai.", "langchain", "llama_index.")
#: What dictionaries, texts and parsers do as well.
_PLAIN = {"get", "set", "parse", "text", "json", "read", "index", "list", "content"}
#: What asks by such a name all the same: wrappers of an HTTP client, parsers that have a model repair what they read.
_ASKS_PLAINLY = regex(r"Requests\w*Wrapper\(\)\.\w+$|(?:Fixing|Retry)\w*Parser\b.*\.parse$")
_ELASTIC = r"(?:elasticsearch\d?|opensearchpy)\."
_MEILI = r"(?:meilisearch|meilisearch_python_sdk)\.(?:Async)?Client"
#: Clients whose methods all wait, those of the namespaces below them included; and what only puts requests together.
_CLIENTS = tuple(
    (regex(rf"^{client}\(\)(?:\.\w+)*\.(?P<method>\w+)$"), local)
    for client, local in (
        (_ELASTIC + r"(?:Async)?(?:Elasticsearch|OpenSearch)(?:\(\)\.options)?", {"options"}),
        (r"qdrant_client\.(?:Async)?QdrantClient", set[str]()),
        (_MEILI, {"index"}),
        (_MEILI + r"\(\)\.(?:get_)?(?:index|or_create_index)", {"index"}),
        (r"pysolr\.Solr", set[str]()),
        (r"(?:minio\.Minio|miniopy_async\.Minio)", {"presigned_get_object", "presigned_put_object"}),
        (r"(?:boto3|aioboto3|aiobotocore)(?:\.\w+)*(?:\(\))?(?:\.\w+)*\.(?:client|create_client)",
         {"generate_presigned_url", "generate_presigned_post", "get_paginator", "get_waiter", "can_paginate"}),
        (r"(?:boto3|aioboto3)(?:\.\w+)*(?:\(\))?(?:\.\w+)*\.resource\(\)\.(?:Table|Bucket|Object|Queue|Topic)",
         {"Object", "batch_writer", "all", "filter"}),
        (r"hvac\.Client", {"seal_status"}),
        (r"kubernetes(?:_asyncio)?\.client\.\w+Api", set[str]()),
        (r"huggingface_hub\.(?:(?:Async)?InferenceClient|HfApi)", set[str]()),
        (r"ldap3\.Connection", {"closed", "response"}),
        (r"xmlrpc\.client\.ServerProxy", set[str]()),
    )
)  # fmt: skip
_BULK = regex(rf"^{_ELASTIC}helpers\.(?:\w+\.)*(?:async_)?(?:bulk|reindex)$")
#: What sends a request that was put together before.
_EXECUTED = regex(
    r"^googleapiclient\.discovery\.build(?:_from_document)?\(\).*\.(?:execute|next_chunk)$"
    r"|^weaviate\..*\.(?:do|near_text|near_vector|near_object|bm25|hybrid|fetch_objects?|fetch_object_by_id|insert"
    r"|insert_many|replace|delete_by_id|delete_many)$"
)
_CLOSES = ("close", "aclose", "__aenter__", "__enter__", "__aexit__", "__exit__", "shutdown", "disconnect")
_NOT_IN_MODULE = regex(r"\.(?:exceptions?|types|errors?|models?|status_codes|codes)\.")
_NOT_NETWORK = regex(
    r"Error$|Exception$|Timeout$|Limits$|\.Response$|^(?:redis|aioredis|subprocess|socket)\.(?!.*\(\)\.)"
)
_ASKED = ("get", "send_text", "send")
#: What looks something up in an answer; what gives something to ask, no answer; how a body arrives after the headers.
_LOOKED_UP = ("get", "index")
_CONNECTED = frozenset({
    "connect", "connect_robust", "ws_connect", "open_connection", "create_connection", "declare_queue", "run",
})  # fmt: skip
_BODY = frozenset({"json", "text", "read", "content.read", "content.readline", "content.readany"})
_PURE_RESULTS = regex(r"\.(?:get|post|put|patch|delete|head|options|request|send)\(\)\.")


#: HTTP modules and clients: whatever verb is asked of one by a name that only a run knows, a request is sent.
_HTTP = regex(
    r"^(?:requests|httpx|niquests|curl_cffi\.requests)(?:\.(?:sessions\.)?(?:Async)?(?:Client|Session)\(\)|\.session\(\))?$"
    r"|^aiohttp(?:\.client)?\.ClientSession\(\)$"
    r"|^authlib\.integrations\.(?:httpx|requests)_client\.(?:\w+\.)*\w+\(\)$|^requests_oauthlib\.(?:\w+\.)*\w+Session\(\)$"
)


def request_of(name: str) -> str | None:
    """What ``getattr(client, verb)`` is as good as where the verb is not known: ``client.request``."""
    return f"{name}.request" if _HTTP.match(name) else None


@lru_cache(maxsize=20000)
def is_client(name: str) -> bool:
    """Whether it is an object that asks somebody else, or a connection, by what it is asked most often."""
    return name.endswith("()") and any(is_network(f"{name}.{method}") for method in _ASKED)


@lru_cache(maxsize=20000)
def is_network(name: str) -> bool:
    """Whether calling the external symbol waits on the network (or sleeps)."""
    if name in SLEEPS or name in _SOCKETS or name in _FUNCTIONS or name in READERS:
        return True
    if _is_request(name) or _is_method_of_client(name) or remote_stores.asks(name):
        return True
    if chat_bots.asks(name) or service_clients.asks(name) or connecting.connects(name):
        return True
    return fetching.fetches(name) or streams.reads(name)


def _is_request(name: str) -> bool:
    """Whether it is a function or method by which a library of the list asks somebody else."""
    if not name.startswith(PREFIXES) or _NOT_NETWORK.search(name) or _NOT_IN_MODULE.search(name.partition("()")[0]):
        return False
    if name.startswith(("subprocess.", *remote_stores.REDIS)) or local_parts.is_local(name):
        return False
    head, _, method = name.rpartition(".")
    if "()" not in head and method[:1].isupper():
        return False
    answered = _PURE_RESULTS.search(name)
    if answered is not None:
        return name.startswith("aiohttp.") and name[answered.end() :] in _BODY
    if method in _LOOKED_UP and _is_answer(head):
        return False
    if method in _PLAIN and name.startswith(_MODELS):
        return not _is_plain(name, head)
    return method in _METHODS or any(
        method in methods for prefix, methods in _OF_FAMILY.items() if name.startswith(prefix)
    )


def _is_answer(value: str) -> bool:
    """Whether it is what a request gave, or lies in that: data, unless it was a connection, which asks again."""
    asked = value.rpartition("()")[0]
    return bool(asked) and asked.rpartition(".")[2] not in _CONNECTED and is_network(asked)


def _is_plain(name: str, head: str) -> bool:
    """Whether a method is one of data of a model's package: of a toolkit's object, or of what a request answered."""
    if name.startswith(_TOOLKITS):
        return _ASKS_PLAINLY.search(name) is None
    called = head.split("()")[:-1]
    return any(is_network("()".join(called[: i + 1])) for i in range(len(called)))


def _is_method_of_client(name: str) -> bool:
    """Whether it is a method of a client that does nothing but ask its server."""
    if _BULK.match(name) or _EXECUTED.match(name):
        return True
    for client, local in _CLIENTS if "()." in name else ():
        found = client.match(name)
        if found is not None:
            method = found["method"]
            return not (method in local or method in _CLOSES or method[:1].isupper() or method.startswith("_"))
    return False
