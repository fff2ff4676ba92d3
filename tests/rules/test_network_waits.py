"""Which calls wait on the network, and since when the transaction around them is open."""

from __future__ import annotations

import pytest

from sessionlint.program.network import is_network
from sessionlint.rules import examples, txn207_network_io_in_transaction

WAITS = (
    "elasticsearch8.AsyncElasticsearch().update",
    "elasticsearch.Elasticsearch().indices.exists",
    "elasticsearch.Elasticsearch().options().search",
    "opensearchpy.AsyncOpenSearch().index",
    "opensearchpy.helpers.async_bulk",
    "meilisearch.Client().index().search",
    "qdrant_client.AsyncQdrantClient().query_points",
    "weaviate.connect_to_local().collections.get().query.near_text",
    "google.genai.Client().aio.models.generate_content",
    "openai.AsyncOpenAI().chat.completions.create",
    "aioboto3.Session().client().invoke_model",
    "aiobotocore.session.get_session().create_client().put_object",
    "boto3.resource().Table().put_item",
    "stripe.PaymentIntent.confirm",
    "slack_sdk.web.async_client.AsyncWebClient().chat_update",
    "aiogram.Bot().send_photo",
    "kubernetes.client.CoreV1Api().list_namespace",
    "googleapiclient.discovery.build().files().list().execute",
    "google.cloud.storage.Client().bucket().blob().upload_from_string",
    "hvac.Client().secrets.kv.v2.read_secret_version",
    "socket.create_connection",
    "supabase.create_client().table().select().execute",
    "time.sleep",
    "openai.OpenAI().files.list",
    "openai.AsyncOpenAI().beta.chat.completions.parse",
    "litellm.Router().acompletion",
    "langchain.output_parsers.OutputFixingParser.from_llm().parse",
    "langchain_community.utilities.requests.TextRequestsWrapper().get",
    "aiohttp.ClientSession().post",
    "aiohttp.ClientSession().post().json",
    "aiohttp.ClientSession().get().content.read",
    "boto3.client().get_object",
    "aio_pika.connect_robust().channel().declare_queue().get",
    "redis.asyncio.Redis().set",
    "redis.asyncio.client.Redis().hgetall",
    "redis.asyncio.from_url().get",
    "redis.Redis.from_url().delete",
    "redis.StrictRedis().json().set",
    "redis.cluster.RedisCluster().incr",
    "redis.sentinel.Sentinel().master_for().rpush",
    "redis.Redis().pipeline().execute",
    "redis.Redis().pipeline().incr().expire().execute",
    "redis.asyncio.Redis().pubsub().psubscribe",
    "redis.asyncio.Redis().pubsub().get_message",
    "redis.asyncio.Redis().lock().acquire",
    "valkey.asyncio.Valkey().xadd",
    "pymemcache.client.base.Client().get_many",
    "pylibmc.Client().set",
    "pymongo.MongoClient()[][].insert_one",
    "pymongo.MongoClient().shop.orders.aggregate",
    "motor.motor_asyncio.AsyncIOMotorClient().shop.orders.find().to_list",
    "motor.motor_asyncio.AsyncIOMotorCollection().find_one_and_update",
    "faststream.rabbit.RabbitBroker().publish",
    "faststream.kafka.KafkaBroker().publisher().publish",
    "faststream.nats.fastapi.NatsRouter().broker.request",
    "confluent_kafka.Producer().flush",
    "kombu.Connection().Producer().publish",
    "nats.aio.client.Client().subscribe",
    "aiomqtt.Client().publish",
    "gql.Client().execute_async",
    "aiogram.types.Message().answer_photo",
    "aiogram.types.Message().answer().edit_text",
    "aiogram.types.CallbackQuery().message.delete",
    "aiogram.types.ChatJoinRequest().approve",
    "aiogram.types.Message().bot.send_message",
    "aiogram.client.bot.Bot().get_chat",
    "telegram.Update().effective_message.reply_text",
    "telegram.Update().callback_query.edit_message_text",
    "telegram.Update().effective_chat.send_message",
    "telegram.ext.CallbackContext().bot.get_file().download_to_drive",
    "telegram.ext.ApplicationBuilder().token().build().bot.send_photo",
    "telebot.async_telebot.AsyncTeleBot().reply_to",
    "pyrogram.types.Message().reply_text",
    "pyrogram.Client().send_message",
    "telethon.TelegramClient().send_file",
    "discord.Interaction().response.send_message",
    "discord.ext.commands.Context().author.send",
    "discord.ext.commands.Bot().get_channel().send",
    "discord.Client().fetch_user",
    "discord.SyncWebhook.from_url().send",
    "slack_bolt.Say()",
    "slack_bolt.async_app.AsyncRespond()",
    "slack_bolt.App().client.chat_postMessage",
    "brevo.AsyncBrevo().transactional_emails.send_transac_email",
    "sib_api_v3_sdk.ContactsApi().create_contact",
    "mailjet_rest.Client().send.create",
    "mailchimp_marketing.Client().lists.add_list_member",
    "cloudinary.uploader.destroy",
    "cloudinary.Search().expression().execute",
    "paypalrestsdk.Payment.find",
    "paypalrestsdk.Payment.find().execute",
    "pusher.Pusher().trigger",
    "web3.AsyncWeb3().eth.send_raw_transaction",
    "web3.Web3().eth.contract().functions.balanceOf().call",
    "plaid.api.plaid_api.PlaidApi().link_token_create",
    "mercadopago.SDK().preference().create",
    "keycloak.KeycloakAdmin().create_user",
    "msal.ConfidentialClientApplication().acquire_token_for_client",
    "gspread.service_account().open().sheet1.append_row",
    "pyairtable.Api().table().batch_create",
    "neo4j.AsyncGraphDatabase.driver().session().run",
    "gitlab.Gitlab().projects.get().issues.create",
    "ccxt.async_support.binance().fetch_ticker",
    "slack_sdk.WebClient().files_upload_v2",
    "slack_sdk.webhook.async_client.AsyncWebhookClient().send_dict",
    "slack_sdk.socket_mode.aiohttp.SocketModeClient().connect",
    "langchain_openai.ChatOpenAI().invoke",
    "requests.adapters.HTTPAdapter().send",
    "authlib.integrations.httpx_client.AsyncOAuth2Client().refresh_token",
    "azure.mgmt.compute.ComputeManagementClient().virtual_machines.get",
    "paramiko.SSHClient().open_sftp().put",
    "fabric.Connection().run",
    "fabric.Connection().sftp().listdir",
    "fabric.Connection().sftp",
    "polar_sdk.Polar().checkouts.create",
    "tweepy.Client().create_tweet",
    "tweepy.asynchronous.AsyncClient().create_tweet",
    "grpc.aio.insecure_channel().unary_unary()",
    "grpc.intercept_channel().stream_unary().with_call",
    "instructor.from_openai().chat.completions.create",
    "discord_webhook.DiscordWebhook().execute",
    "pycurl.Curl().perform",
    "apprise.Apprise().notify",
    "mem0.Memory().add",
    "e2b_code_interpreter.Sandbox().run_code",
    "langgraph.graph.StateGraph().compile().invoke",
    "langgraph.prebuilt.create_react_agent().invoke",
    "agents.Runner.run_sync",
    "crewai.Crew().kickoff",
    "dspy.ChainOfThought()",
    "strands.Agent()",
    "supabase.create_client().auth.admin.invite_user_by_email",
    "propelauth_fastapi.init_auth().fetch_user_metadata_by_user_id",
    "github.Github().get_repo().get_pull().create_issue_comment",
    "jwt.PyJWKClient().get_signing_key_from_jwt",
    "google.oauth2.id_token.verify_oauth2_token",
    "authlib.integrations.starlette_client.OAuth().google.authorize_access_token",
    "langfuse.Langfuse().get_prompt",
    "billing_client.api.invoices_api.InvoicesApi().list_invoices",
    "shop.gen.carts_pb2_grpc.CartsStub().GetCart",
    "inngest.Inngest().send_sync",
    "s3fs.S3FileSystem().put",
)

DOES_NOT = (
    "elasticsearch.Elasticsearch",
    "elasticsearch.Elasticsearch().close",
    "elasticsearch.Elasticsearch().options",
    "elasticsearch.Elasticsearch().search().get",
    "elasticsearch8.helpers.BulkIndexError",
    "meilisearch.Client().index",
    "qdrant_client.models.PointStruct",
    "weaviate.connect_to_local().collections.get",
    "boto3.client",
    "boto3.client().generate_presigned_url",
    "boto3.resource().Bucket",
    "stripe.Webhook.construct_event",
    "google.genai.types.Part.from_text",
    "google.cloud.storage.Client().bucket().blob",
    "minio.Minio().presigned_get_object",
    "openai.OpenAI().with_options",
    "langgraph.graph.StateGraph().add_node",
    "langgraph.graph.StateGraph().compile().get_graph",
    "agents.Agent",
    "crewai.Task",
    "dspy.Example().with_inputs",
    "propelauth_fastapi.init_auth().require_user",
    "github.Auth.Token",
    "jwt.decode",
    "langfuse.Langfuse().trace",
    "shop.gen.carts_pb2_grpc.CartsStub",
    "shop.gen.carts_pb2.GetCartRequest",
    "descope.DescopeClient().validate_session",
    "inngest.Event",
    "kubernetes.config.load_kube_config",
    "redis.asyncio.Redis",
    "redis.asyncio.from_url",
    "redis.asyncio.Redis().pipeline",
    "redis.asyncio.Redis().pipeline().set",
    "redis.asyncio.Redis().pipeline().incr().expire",
    "redis.asyncio.Redis().pubsub",
    "redis.asyncio.Redis().lock",
    "redis.asyncio.Redis().aclose",
    "redis.asyncio.Redis().get().decode",
    "redis.asyncio.ConnectionPool.from_url",
    "redis.exceptions.RedisError",
    "pylibmc.Client",
    "pymongo.MongoClient",
    "pymongo.MongoClient().shop.orders.find",
    "motor.motor_asyncio.AsyncIOMotorClient()[][].aggregate",
    "bson.objectid.ObjectId",
    "faststream.rabbit.RabbitBroker",
    "faststream.rabbit.RabbitBroker().subscriber",
    "faststream.rabbit.RabbitBroker().publisher",
    "confluent_kafka.Producer().produce",
    "kombu.Queue",
    "subprocess.run",
    "httpx.get().json",
    "openai.OpenAI().chat.completions.create().model_dump().get",
    "anthropic.AsyncAnthropic().messages.create().content.index",
    "litellm.model_alias_map.get",
    "litellm.completion().json",
    "langchain_core.output_parsers.JsonOutputParser().parse",
    "langchain.schema.ChatGeneration().message.additional_kwargs.get",
    "llama_index.core.schema.TextNode().metadata.get",
    "aiohttp.ClientSession().post().json().get",
    "aiohttp.ClientSession().get().headers.get",
    "boto3.client().get_object().get",
    "stripe.PaymentIntent.retrieve().get",
    "stripe.Subscription.retrieve()[][].get",
    "aiogram.types.Message().text.lower",
    "aiogram.types.Message().get_url",
    "aiogram.types.InlineKeyboardMarkup",
    "aiogram.fsm.context.FSMContext().set_state",
    "aiogram.Bot().context",
    "telegram.Update().message.text.replace",
    "telegram.Update().to_dict",
    "telegram.ext.ContextTypes.DEFAULT_TYPE().user_data.get",
    "telebot.TeleBot().message_handler",
    "discord.Client().get_channel",
    "discord.Embed().add_field",
    "discord.Interaction().user.display_name.join",
    "discord.ui.View().stop",
    "slack_bolt.Ack()",
    "slack_bolt.App().event",
    "sib_api_v3_sdk.ApiClient",
    "sib_api_v3_sdk.SendSmtpEmail",
    "mailjet_rest.Client().send.create().json",
    "mailchimp_marketing.Client().set_config",
    "cloudinary.config",
    "cloudinary.utils.cloudinary_url",
    "paypalrestsdk.configure",
    "paypalrestsdk.Payment().success",
    "pusher.Pusher().authenticate",
    "web3.Web3().to_wei",
    "web3.Web3().eth.contract",
    "web3.Web3().eth.account.sign_transaction",
    "keycloak.KeycloakOpenID().decode_token",
    "msal.ConfidentialClientApplication().get_accounts",
    "mercadopago.SDK().preference",
    "neo4j.GraphDatabase.driver().session",
    "gspread.service_account",
    "ccxt.binance().parse_timeframe",
    "ccxt.binance().set_sandbox_mode",
    "chargebee.Event.deserialize",
    "slack_sdk.oauth.AuthorizeUrlGenerator().generate",
    "tweepy.Client",
    "grpc.aio.insecure_channel().unary_unary",
    "grpc.insecure_channel().subscribe",
    "instructor.from_openai",
    "discord_webhook.DiscordWebhook().add_embed",
    "pycurl.Curl().setopt",
    "apprise.Apprise().add",
    "slack_sdk.oauth.RedirectUriPageRenderer().render_success_page",
    "slack_sdk.signature.SignatureVerifier().is_valid",
    "slack_sdk.WebClient().token.strip",
    "slack_sdk.WebClient().conversations_list().get",
    "sendgrid.helpers.mail.Mail().get",
    "twilio.twiml.voice_response.VoiceResponse().connect",
    "twilio.twiml.voice_response.Connect().stream",
    "stripe.Webhook.construct_event().get",
    "stripe.PaymentIntent.retrieve().metadata.get",
    "firebase_admin.auth.verify_id_token().get",
    "supabase.create_client().auth.get_user().user.user_metadata.get",
    "azure.functions.HttpRequest().params.get",
    "azure.ai.formrecognizer.DocumentAnalysisClient().begin_analyze_document().result().fields.get",
    "langchain_core.prompts.ChatPromptTemplate.from_messages().ainvoke",
    "langchain_core.output_parsers.JsonOutputParser().invoke",
    "httpx.Headers().get",
    "httpx.AsyncClient().cookies.set",
    "requests.Session().headers.get",
    "requests.structures.CaseInsensitiveDict().get",
    "http.client.responses.get",
    "aiohttp.web.Request().query.get",
    "authlib.integrations.httpx_client.AsyncOAuth2Client().metadata.get",
    "requests_oauthlib.OAuth2Session().token.get",
    "paramiko.RSAKey.generate",
    "paramiko.SSHConfig().parse",
    "fabric.Connection().cd",
    "fabric.Connection().close",
)


@pytest.mark.parametrize("name", WAITS)
def test_call_waits_on_the_network(name):
    assert is_network(name)


@pytest.mark.parametrize("name", DOES_NOT)
def test_call_does_not_wait_on_the_network(name):
    assert not is_network(name)


CASES = {
    "a callee writes in a savepoint, which leaves the transaction open": """
import httpx
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def touch(session: AsyncSession, number) -> None:
    await session.execute(update(Item).where(Item.id == number).values(name="seen"))


async def read(session: AsyncSession, number) -> None:
    await session.execute(select(Item).where(Item.id == number))


async def tell(number):
    async with httpx.AsyncClient() as client:
        await client.post("https://a.example", json=number)


async def save(session: AsyncSession):
    async with session.begin_nested():
        await touch(session, 1)
        await tell(1)  # TXN207@15


async def after_the_savepoint(session: AsyncSession):
    async with session.begin_nested():
        await touch(session, 1)
    await tell(1)  # TXN207@11


async def only_reads(session: AsyncSession):
    async with session.begin_nested():
        await read(session, 1)
        await tell(1)


async def before(session: AsyncSession):
    await tell(1)
    async with session.begin_nested():
        await touch(session, 1)
""",
    "a callee that commits unless it is told not to": """
import httpx
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Stored:
    @classmethod
    async def delete_all(cls, session: AsyncSession, commit: bool = True):
        await session.execute(delete(Item))
        if commit:
            await session.commit()

    @classmethod
    async def upsert(cls, session: AsyncSession, number, commit: bool = True):
        await cls.save_all(session, [number], commit)

    @classmethod
    async def save_all(cls, session: AsyncSession, numbers, commit: bool = True):
        await session.execute(update(Item).where(Item.id.in_(numbers)).values(name="a"))
        if commit:
            await session.commit()
            return None
        return numbers

    @classmethod
    async def save_some(cls, session: AsyncSession, numbers, commit: bool = True):
        for number in numbers:
            await session.execute(update(Item).where(Item.id == number).values(name="a"))
            if commit:
                await session.commit()

    @classmethod
    async def undo(cls, session: AsyncSession, keep: bool = True):
        await session.execute(delete(Item))
        if keep:
            await session.commit()
        else:
            await session.rollback()


async def tell(number):
    async with httpx.AsyncClient() as client:
        await client.post("https://a.example", json=number)


async def left(session: AsyncSession):
    async with session.begin_nested():
        await Stored.delete_all(session, commit=False)
        await tell(1)  # TXN207@15
    await session.commit()
    await Stored.upsert(session, 1, commit=False)
    await tell(1)  # TXN207@11


async def ended(session: AsyncSession, commit: bool):
    await Stored.delete_all(session)
    await tell(1)
    await Stored.upsert(session, 1)
    await tell(1)
    await Stored.delete_all(session, commit=commit)
    await tell(1)


async def perhaps(session: AsyncSession, numbers):
    await Stored.save_some(session, numbers, commit=False)
    await tell(1)
    await Stored.undo(session, keep=False)
    await tell(1)
""",
    "clients of search engines": """
from elasticsearch8 import AsyncElasticsearch, helpers
from opensearchpy import AsyncOpenSearch
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Index:
    def __init__(self, client: AsyncElasticsearch):
        self.client = client

    async def save(self, number):
        await self.client.update(index="items", id=number)

    async def save_all(self, numbers):
        await helpers.async_bulk(client=self.client, actions=numbers)

    def patient(self):
        return self.client.options(request_timeout=60)


async def save(session: AsyncSession, index: Index, client: AsyncOpenSearch):
    async with session.begin():
        session.add(Item(name="a"))
        index.patient()
        await index.save(1)  # TXN207@15
        await index.save_all([1])  # TXN207@15
        await client.indices.refresh(index="items")  # TXN207@15
    await index.save(1)
""",
}


@pytest.mark.parametrize("case", CASES)
def test_wait_in_an_open_transaction_is_found(case):
    files = examples.split(CASES[case], "app/services/example.py")
    program = examples.program_for(files, examples.policy_for({}, files))
    found = {(f.path, f.span.line, f.span.column, f.code) for f in txn207_network_io_in_transaction.check(program)}
    assert sorted(found) == examples.expected(files)


IN_A_CIRCLE = """
import httpx
from sqlalchemy.ext.asyncio import AsyncSession


async def visit(node):
    await visit_children(node)


async def visit_children(node):
    for child in node:
        await revisit(child)
    await report(node)


async def revisit(node):
    await visit(node)


async def report(node):
    async with httpx.AsyncClient() as client:
        await client.post("https://example.com", json=node)


async def save(session: AsyncSession, node):
    async with session.begin():
        await visit(node)
"""


def test_proof_leaves_a_circle_of_calls_for_the_one_that_waits():
    files = examples.split(IN_A_CIRCLE, "app/services/example.py")
    program = examples.program_for(files, examples.policy_for({}, files))
    (finding,) = txn207_network_io_in_transaction.check(program)
    assert [(step.line, step.note) for step in finding.trace] == [
        (25, "the transaction is opened here"),
        (26, "visit(…) is called"),
        (6, "visit_children() is called here"),
        (12, "report() is called here"),
        (21, "httpx.AsyncClient.post() waits here"),
    ]


OPENED_ANEW = """
import httpx
from sqlalchemy.ext.asyncio import AsyncSession


async def put(session: AsyncSession, row):
    session.add(row)
    await session.flush()


async def sync(session: AsyncSession, pages):
    await put(session, 1)
    await session.commit()
    async with httpx.AsyncClient() as client:
        for page in pages:
            await client.get(page)
            await put(session, page)
    await put(session, 2)


async def sync_at_once(session: AsyncSession, pages):
    await put(session, 1)
    async with httpx.AsyncClient() as client:
        for page in pages:
            await client.get(page)
            await put(session, page)
"""


def test_what_a_commit_has_ended_before_a_loop_is_not_what_its_rounds_find_open():
    files = examples.split(OPENED_ANEW, "app/services/example.py")
    program = examples.program_for(files, examples.policy_for({}, files))
    found = [(f.span.line, f.message.partition(" that ")[2]) for f in txn207_network_io_in_transaction.check(program)]
    told = [(line, message.partition(" is open")[0]) for line, message in found]
    assert told == [
        (15, "`put(…)` on line 16 opened in the round before"),
        (24, "`put(…)` on line 21 opened"),
    ]
