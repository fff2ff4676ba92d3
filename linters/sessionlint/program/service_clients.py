"""Clients of services that are asked over HTTP: mail, messages, payments, identity, files, models, chains, databases.

Each entry names what a client is made by and what of it only puts something together; every other method asks the
service. Making a client asks nobody. Sources: the packages themselves, as their documentation has them called.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from sessionlint.patterns import regex

_NAME: Final = r"(?:\w+\.)*"


class _Client(NamedTuple):
    """What makes a client, and the methods that ask nobody."""

    made_by: str
    local: frozenset[str] = frozenset()


def _of(made_by: str, local: str = "") -> _Client:
    return _Client(made_by, frozenset(local.split()))


#: By package: clients all of whose methods ask, those of the namespaces below them included.
_CLIENTS: Final = {
    # mail, messages, push
    **dict.fromkeys(("sib_api_v3_sdk", "brevo_python", "brevo"), _of(rf"{_NAME}(?:\w+Api|(?:Async)?Brevo)")),
    "mailjet_rest": _of(rf"{_NAME}Client"),
    "mailchimp_transactional": _of(rf"{_NAME}Client", "set_timeout set_default_output_format"),
    "mailchimp_marketing": _of(rf"{_NAME}Client", "set_config"),
    "mailtrap": _of(rf"{_NAME}MailtrapClient"),
    "sparkpost": _of(rf"{_NAME}SparkPost"),
    "customerio": _of(rf"{_NAME}(?:CustomerIO|APIClient)"),
    "klaviyo_api": _of(rf"{_NAME}KlaviyoAPI"),
    "vonage": _of(rf"{_NAME}(?:Vonage|Client|Sms|Verify|Messages|Voice)"),
    "plivo": _of(rf"{_NAME}RestClient"),
    "messagebird": _of(rf"{_NAME}Client"),
    "telnyx": _of(rf"{_NAME}(?:Async)?Telnyx"),
    "pusher": _of(rf"{_NAME}Pusher(?:\.from_\w+)?", "authenticate authenticate_user validate_webhook"),
    "pusher_push_notifications": _of(rf"{_NAME}PushNotifications", "generate_token"),
    "aioapns": _of(rf"{_NAME}APNs"),
    "apns2": _of(rf"{_NAME}APNsClient"),
    "pyfcm": _of(rf"{_NAME}FCMNotification", "parse_payload json_dumps parse_response registration_id_chunks"),
    "exponent_server_sdk": _of(rf"{_NAME}PushClient", "is_exponent_push_token"),
    "onesignal": _of(rf"{_NAME}\w+Api"),
    "novu_py": _of(rf"{_NAME}Novu"),
    "tweepy": _of(rf"{_NAME}(?:(?:Async)?Client|API)"),
    "knockapi": _of(rf"{_NAME}(?:Async)?Knock"),
    "courier": _of(rf"{_NAME}(?:Async)?Courier"),
    "mailgun": _of(rf"{_NAME}Client"),
    # payments
    "plaid": _of(rf"{_NAME}PlaidApi"),
    "square": _of(rf"{_NAME}(?:Async)?(?:Square|Client)"),
    "mollie": _of(rf"{_NAME}Client", "set_api_key set_access_token set_timeout set_user_agent_component"),
    "gocardless_pro": _of(rf"{_NAME}Client"),
    "paddle_billing": _of(rf"{_NAME}Client"),
    "midtransclient": _of(rf"{_NAME}(?:Snap|CoreApi)"),
    "mercadopago": _of(r"SDK\(\)\.\w+"),
    "paypalcheckoutsdk": _of(rf"{_NAME}PayPalHttpClient"),
    "easypost": _of(rf"{_NAME}EasyPostClient"),
    "xendit": _of(rf"{_NAME}\w+Api"),
    "polar_sdk": _of(rf"{_NAME}Polar"),
    "dodopayments": _of(rf"{_NAME}(?:Async)?DodoPayments"),
    "paypalserversdk": _of(rf"{_NAME}PaypalServersdkClient"),
    "Adyen": _of(rf"{_NAME}Adyen"),
    "coinbase_commerce": _of(rf"{_NAME}Client"),
    # identity
    "keycloak": _of(rf"{_NAME}Keycloak(?:OpenID|Admin|UMA|OpenIDConnection)", "decode_token a_decode_token"),
    "auth0": _of(r"(?:authentication|management)\.(?:\w+\.)*(?!\w*Verifier)[A-Z]\w*"),
    "clerk_backend_api": _of(rf"{_NAME}Clerk", "authenticate_request"),
    "workos": _of(rf"{_NAME}(?:Async)?WorkOSClient", "get_authorization_url get_logout_url get_jwks_url"),
    "stytch": _of(rf"{_NAME}(?:B2B)?Client", "authenticate_jwt_local"),
    "descope": _of(
        rf"{_NAME}DescopeClient",
        "validate_session validate_permissions validate_roles validate_tenant_permissions validate_tenant_roles",
    ),
    "fusionauth": _of(rf"{_NAME}FusionAuthClient"),
    "ory_client": _of(rf"{_NAME}\w+Api"),
    "jwt": _of(rf"{_NAME}PyJWKClient", "match_kid"),
    # files and pictures
    "dropbox": _of(rf"{_NAME}Dropbox(?:Team)?", "clone with_path_root as_user as_admin"),
    "imagekitio": _of(rf"{_NAME}ImageKit", "url get_authentication_parameters"),
    "oss2": _of(r"Bucket", "sign_url sign_rtmp_url"),
    "qcloud_cos": _of(rf"{_NAME}CosS3Client", "get_presigned_url get_presigned_download_url get_conf get_auth"),
    "pysftp": _of(r"Connection"),
    # offices and shops
    "docusign_esign": _of(rf"{_NAME}\w+Api"),
    "jira": _of(rf"{_NAME}JIRA"),
    "atlassian": _of(rf"{_NAME}(?:Jira|Confluence|Bitbucket|ServiceDesk)"),
    "simple_salesforce": _of(rf"{_NAME}Salesforce"),
    "woocommerce": _of(rf"{_NAME}API"),
    "algoliasearch": _of(
        rf"{_NAME}SearchClient(?:Sync)?(?:\.create)?(?:\(\)\.init_index)?",
        "init_index generate_secured_api_key get_secured_api_key_remaining_validity",
    ),
    "spotipy": _of(rf"{_NAME}Spotify"),
    "livekit": _of(rf"{_NAME}LiveKitAPI"),
    "asana": _of(rf"{_NAME}\w+Api"),
    "trello": _of(rf"{_NAME}TrelloClient"),
    "zenpy": _of(rf"{_NAME}Zenpy"),
    "nylas": _of(rf"{_NAME}Client", "url_for_oauth2 url_for_oauth2_pkce"),
    "openrouteservice": _of(rf"{_NAME}Client"),
    "datadog_api_client": _of(rf"{_NAME}\w+Api"),
    # models and pages
    "exa_py": _of(rf"{_NAME}(?:Async)?Exa"),
    "firecrawl": _of(rf"{_NAME}(?:Async)?Firecrawl(?:App)?"),
    "assemblyai": _of(rf"{_NAME}Transcriber"),
    "zhipuai": _of(rf"{_NAME}ZhipuAI"),
    **dict.fromkeys(("duckduckgo_search", "ddgs"), _of(r"DDGS")),
    "serpapi": _of(rf"{_NAME}(?:\w+Search|Client)"),
    "tavily": _of(rf"{_NAME}(?:Async)?TavilyClient"),
    "linkup": _of(rf"{_NAME}LinkupClient"),
    "browserbase": _of(rf"{_NAME}(?:Async)?Browserbase"),
    "mistralai": _of(rf"{_NAME}Mistral"),
    "elevenlabs": _of(rf"{_NAME}(?:Async)?ElevenLabs"),
    "composio": _of(rf"{_NAME}Composio"),
    "letta_client": _of(rf"{_NAME}(?:Async)?Letta"),
    "mem0": _of(rf"{_NAME}(?:Async)?Memory(?:Client|\.from_config)?"),
    **dict.fromkeys(("e2b", "e2b_code_interpreter"), _of(rf"{_NAME}(?:Async)?Sandbox(?:\.create)?", "get_host")),
    **dict.fromkeys(("daytona", "daytona_sdk"), _of(rf"{_NAME}(?:Async)?Daytona")),
    # work that runs elsewhere
    "inngest": _of(rf"{_NAME}Inngest", "create_function"),
    "hatchet_sdk": _of(rf"{_NAME}Hatchet", "task workflow durable_task durable worker"),
    "modal": _of(rf"{_NAME}Function\.(?:from_name|lookup)"),
    "qstash": _of(rf"{_NAME}(?:Async)?QStash"),
    # databases beside the own one
    "pymilvus": _of(rf"{_NAME}(?:Async)?MilvusClient", "create_schema prepare_index_params"),
    "clickhouse_connect": _of(rf"{_NAME}(?:get_client|get_async_client|create_client)"),
    "clickhouse_driver": _of(rf"{_NAME}Client(?:\.from_url)?"),
    "consul": _of(rf"{_NAME}Consul"),
    "influxdb_client_3": _of(rf"{_NAME}InfluxDBClient3"),
    "etcd3": _of(rf"{_NAME}client", "transactions"),
    # chains
    "web3": _of(
        r"(?:\w+\.)*(?:Async)?Web3(?!.*\.(?:account|codec|middleware_onion|manager|provider)\.)",
        "to_wei from_wei to_bytes to_int to_hex to_text to_json to_checksum_address is_address is_checksum_address"
        " keccak solidity_keccak is_encodable contract set_contract_factory attach_modules batch_requests"
        " normalize_values set_gas_price_strategy",
    ),
}
_NEVER: Final = frozenset(
    {"close", "aclose", "__aenter__", "__enter__", "__aexit__", "__exit__", "shutdown", "disconnect"}
)
#: By package: what asks in its own way.
_OTHERS: Final = {
    "cloudinary": (
        r"cloudinary\.(?:uploader|api|provisioning(?:\.\w+)?)\.(?!download_|only$|build_|transformation_string$)[a-z]\w*"
        r"|cloudinary\.(?:\w+\.)*Search\w*\(\)(?:\.\w+\(\))*\.execute"
    ),
    "paypalrestsdk": (
        r"paypalrestsdk\.(?:\w+\.)*[A-Z]\w*(?:\(\)|\.find\(\))\.(?:create|execute|refund|capture|void|authorize|reauthorize"
        r"|update|replace|delete|post|get|put|patch|activate|inactivate|suspend|cancel|reactivate|bill_balance"
        r"|set_balance|send|remind|record_\w+|resend|get_resource|get_event_types|search_transactions|find|all|request)"
        r"|paypalrestsdk\.(?:\w+\.)*[A-Z]\w*\.(?:find|all|search|next_invoice_number)"
    ),
    "web3": (
        r"web3\.(?:\w+\.)*(?:Async)?Web3\(\)\.eth\.contract\(\)\.(?:(?:functions|constructor|caller)(?:\.\w+|\[\])?(?:\(\))?"
        r"\.(?:call|transact|estimate_gas)|events(?:\.\w+|\[\])?(?:\(\))?\.(?:get_logs|create_filter))"
    ),
    "msal": r"msal\.(?:\w+\.)*\w+(?:Application|Client)\(\)\.(?:acquire_token_\w+|initiate_device_flow)",
    "yookassa": r"yookassa\.(?:\w+\.)*[A-Z]\w*\.(?:create|capture|cancel|find_one|list)",
    "chargebee": r"chargebee\.(?:\w+\.)*(?:Chargebee\(\)\.)?[A-Z]\w*\.(?!deserialize$|construct$)[a-z]\w*",
    "telnyx": r"telnyx\.[A-Z]\w*\.(?:create|retrieve|list|modify)",
    "mixpanel": (
        r"mixpanel\.Mixpanel\(\)\.(?:track|import_data|alias|merge|people_\w+|group_\w+)"
    ),
    "gspread": (
        r"gspread\.(?:\w+\.)*(?:authorize|service_account(?:_from_dict)?|oauth(?:_from_dict)?|Client)\(\)(?:\.\w+|\(\)|\[\])*"
        r"\.(?:open(?:_by_\w+|all)?|create|copy|share|worksheets?|add_worksheet|del_worksheet|append_rows?|insert_rows?"
        r"|delete_rows|update(?:_\w+)?|batch_\w+|get_(?:all_\w+|values|worksheet)|row_values|col_values|find(?:all)?"
        r"|acell|cell|range|clear|sort|format)"
    ),
    "pyairtable": (
        r"pyairtable\.(?:\w+\.)*(?:Table|Api\(\)\.table|Base\(\)\.table)\(\)\.(?:all|first|get|create|update|upsert|delete"
        r"|batch_\w+|schema)"
    ),
    "gitlab": r"gitlab\.(?:\w+\.)*Gitlab\(\)(?:\.\w+|\(\))*\.(?:get|list|create|update|delete|save|auth)",
    "msgraph": r"msgraph\.(?:\w+\.)*GraphServiceClient\(\)(?:\.\w+|\(\))*\.(?:get|post|patch|put|delete)",
    "zeep": r"zeep\.(?:\w+\.)*(?:Async|Caching)?Client\(\)\.service\.\w+",
    "geopy": r"geopy\.(?:\w+\.)*[A-Z]\w*\(\)\.(?:geocode|reverse)",
    "ccxt": (
        r"ccxt\.(?:\w+\.)*[a-z]\w*\(\)\.(?!set_sandbox_mode$)(?:fetch|create|cancel|edit|load|watch|withdraw|transfer|set)_\w+"
    ),
    "yfinance": r"yfinance\.(?:download|(?:Ticker|Tickers|Search)\(\)\.(?:history|download|get_\w+|option_chain))",
    "yt_dlp": r"yt_dlp\.YoutubeDL\(\)\.(?:extract_info|download)",
    "apify_client": (
        r"apify_client\.(?:\w+\.)*ApifyClient(?:Async)?\(\)\.\w+\(\)\.(?:call|start|get|list\w*|update|delete|create)"
    ),
    "fal_client": r"fal_client\.(?:run|submit|subscribe|stream|upload|upload_file|status|result)(?:_async)?",
    "dashscope": r"dashscope\.(?:\w+\.)*[A-Z]\w*\.(?:call|async_call|wait|fetch)",
    "chromadb": (
        r"chromadb\.(?:Async)?HttpClient\(\)(?:\.\w+\(\))?\.(?:heartbeat|\w*collections?|add|get|query|update|upsert|delete"
        r"|count|peek|modify)"
    ),
    "neo4j": (
        r"neo4j\.(?:Async)?GraphDatabase\.driver\(\)(?:\.\w+|\(\))*\.(?:run|execute_query|execute_read|execute_write"
        r"|read_transaction|write_transaction|verify_connectivity|verify_authentication)"
    ),
    "influxdb_client": (
        r"influxdb_client\.(?:\w+\.)*InfluxDBClient(?:Async)?(?:\.from_\w+)?\(\)\.(?:ping|health|ready"
        r"|\w+_api\(\)\.(?!with_)[a-z]\w*)"
    ),
    "slack_sdk": (
        r"slack_sdk\.(?:\w+\.)*(?:Async)?(?:Web|SCIM|AuditLogs|Webhook)Client\(\)\.(?!api_url_|close$)[a-z]\w*"
        r"|slack_sdk\.(?:\w+\.)*(?:Async)?SocketModeClient\(\)"
        r"\.(?:connect\w*|send_\w+|issue_new_wss_url|disconnect)"
    ),
    "apprise": r"apprise\.(?:\w+\.)*Apprise\(\)\.(?:async_)?notify",
    "discord_webhook": r"discord_webhook\.(?:\w+\.)*(?:Async)?DiscordWebhook\(\)\.(?:execute|edit|delete)",
    "pycurl": r"pycurl\.Curl\(\)\.perform(?:_rb|_rs)?",
    # a channel makes what asks for one procedure
    "grpc": (
        r"grpc\.(?:\w+\.)*(?:insecure_channel|secure_channel|intercept_channel)\(\)"
        r"\.(?:unary|stream)_(?:unary|stream)\(\)(?:\.with_call)?"
    ),
    "instructor": (
        r"instructor\.(?:\w+\.)*(?:from_\w+|a?patch)\(\)(?:\.\w+)*\.(?:create(?:_partial|_iterable|_with_completion)?)"
    ),
    "fabric": (
        r"fabric\.(?:\w+\.)*(?:Connection|SerialGroup|ThreadingGroup)(?:\.from_\w+)?\(\)"
        r"\.(?:(?:open|open_gateway|run|sudo|shell|put|get|sftp|create_session|forward_local|forward_remote)"
        r"|sftp\(\)\.(?!close$|getcwd$|get_channel$)[a-z]\w*)"
        r"|fabric\.(?:\w+\.)*Transfer\(\)\.(?:get|put)"
    ),
    "cassandra": r"cassandra\.cluster\.Cluster\(\)\.connect(?:\(\)\.execute)?",
    "astrapy": (
        r"astrapy\.DataAPIClient\(\)(?:\.\w+|\(\))*"
        r"\.(?:insert|update|replace|delete|count|create|drop|list|find_one)\w*"
    ),
    # graphs and agents ask their models; a chain is asked as the model in it is
    "langgraph": (
        r"langgraph\.(?:\w+\.)*(?:\w*Graph\(\)\.compile|create_\w+|Compiled\w*Graph|RemoteGraph)\(\)(?:\.with_config\(\))?"
        r"\.(?:invoke|batch|stream)"
    ),
    "deepagents": r"deepagents\.(?:\w+\.)*create_deep_agent\(\)\.(?:invoke|batch|stream)",
    "agents": r"agents\.(?:run\.)?Runner\.run_sync",
    "crewai": r"crewai\.(?:\w+\.)*(?:(?:Crew|Agent)\(\)\.kickoff(?:_for_each)?|LLM\(\)\.call)",
    "dspy": (
        r"dspy\.(?:\w+\.)*(?:LM|Predict|ChainOfThought|ReAct|ProgramOfThought|CodeAct|MultiChainComparison|Refine|BestOfN)"
        r"\(\)(?:\.forward)?"
    ),
    "agno": r"agno\.(?:\w+\.)*(?:Agent|Team|Workflow)\(\)\.(?:run|print_response)",
    "smolagents": r"smolagents\.(?:\w+\.)*\w*(?:Agent\(\)(?:\.run)?|Model\(\)(?:\.generate)?)",
    "strands": r"strands\.(?:\w+\.)*Agent\(\)(?:\.structured_output)?",
    "langfuse": (
        r"langfuse\.(?:\w+\.)*(?:Langfuse|get_client)\(\)\.(?:get_prompt|create_prompt|get_dataset|create_dataset\w*|flush"
        r"|auth_check|fetch_\w+|api\.(?:\w+\.)*\w+)"
    ),
    "supabase": (
        r"supabase\.(?:\w+\.)*(?:a?create_client|create_async_client|(?:Async)?Client)\(\)\.auth\."
        r"(?:admin\.)?(?!on_auth_state_change$|admin$|mfa$)[a-z]\w*"
    ),
    **{
        package: (
            rf"{package}\.init_\w*auth\w*\(\)\.(?:fetch|create|update|delete|disable|enable|migrate|add|remove|invite|clear"
            r"|change|allow|disallow|revoke|resend|logout|validate_(?:personal|org|api))_\w+"
        )
        for package in ("propelauth_fastapi", "propelauth_flask", "propelauth_py")
    },
    "google": r"google\.oauth2\.id_token\.(?:verify_\w+|fetch_id_token\w*)",
    "authlib": (
        r"authlib\.integrations\.\w+_client\.OAuth\(\)\.(?:create_client\(\)|register\(\)|\w+)\.(?:authorize_access_token"
        r"|fetch_access_token|get|post|put|patch|delete|request|userinfo|load_server_metadata|fetch_jwk_set)"
    ),
    "github": (
        r"github\.(?:\w+\.)*(?:Github|GithubIntegration)\(\)(?:\.\w+|\(\)|\[\])*\.(?:get_\w+|create_\w+|edit|delete(?:_\w+)?"
        r"|update(?:_\w+)?|merge(?:_\w+)?|add_to_\w+|remove_from_\w+|search_\w+|set_\w+|compare)"
    ),
    "shopify": (
        r"shopify\.(?:\w+\.)*[A-Z]\w*(?:\.(?:find\w*|create|exists|count|search)"
        r"|(?:\(\)|\.(?:find|create)\(\))\.(?:save|destroy|reload|execute))"
    ),
    **{
        package: (
            rf"{package}\.(?:\w+\.)*\w+FileSystem\(\)\.(?:put|get|cat|pipe|ls|find|glob|exists|rm|cp|mv|copy|move"
            r"|info|isfile|isdir|walk|touch|upload|download|open)(?:_\w+)?"
        )
        for package in ("s3fs", "gcsfs", "adlfs")
    },
}  # fmt: skip


#: What generators write for a service's description: clients by OpenAPI Generator, stubs by gRPC.
_GENERATED: Final = regex(r"(?:\w+\.)+api\.\w+_api\.\w+Api\(\)\.[a-z]\w*|(?:\w+\.)*\w+_pb2_grpc\.\w+Stub\(\)\.[A-Z]\w*")


@lru_cache(maxsize=256)
def _methods_of(package: str) -> re.Pattern[str]:
    client = _CLIENTS[package]
    return re.compile(rf"{package}\.{client.made_by}\(\)(?:\.\w+)*\.(?P<method>[a-z]\w*)")


@lru_cache(maxsize=256)
def _other(package: str) -> re.Pattern[str]:
    return re.compile(_OTHERS[package])


def asks(name: str) -> bool:
    """Whether calling the external symbol asks a service and waits for it."""
    if ("_api." in name or "_grpc." in name) and _GENERATED.fullmatch(name) is not None:
        return True
    package = name.partition(".")[0]
    client = _CLIENTS.get(package)
    found = _methods_of(package).fullmatch(name) if client is not None else None
    if client is not None and found is not None and found["method"] not in client.local | _NEVER:
        return True
    return package in _OTHERS and _other(package).fullmatch(name) is not None
