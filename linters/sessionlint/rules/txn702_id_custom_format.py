"""TXN702: an id with a prefix, a truncated UUID or a format of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.strings import texts_of
from sessionlint.program.values import Ext, Value
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.derived_ids import around_an_id, random_key
from sessionlint.rules.file_names import names_a_file
from sessionlint.rules.identifiers import custom_format, each_of
from sessionlint.rules.scheduler_keys import names_a_client, names_a_scheduled_job

META = Rule(
    code="TXN702",
    name="id-custom-format",
    summary="An id is built with a prefix, a truncated UUID or a custom format.",
    rationale=(
        "Such an id fits no UUID column: the insert fails with `invalid input for query argument`, or the column "
        "is made a "
        "string for its sake and every lookup needs a cast. Eight hexadecimal digits collide with even odds "
        "after about "
        "77,000 rows, and the collision overwrites or refuses somebody's job."
    ),
    remedy="Use `uuid.uuid4()` (or `str(uuid.uuid4())` in JSON) as it is; show prefixes in the user interface.",
    not_flagged=(
        "`uuid4()`, `str(uuid4())` and `uuid4().hex` whole; request, trace and correlation ids of logs, ids of "
        "foreign systems (`external_id`); keys of a scheduler's own jobs; names and labels that "
        "are no ids; ids cut only for log text. Tests and migrations."
    ),
    presets=("scrapersky",),
)

BAD = [
    Bad(
        source="""
import nanoid
import secrets
import time
import uuid
from uuid import uuid4

import uuid as u
from app.models.item import Item

PREFIX = "job_"


def new_job_id():
    return f"job_{uuid4()}"  # TXN702@12


def make_run_id():
    value = "run-" + str(uuid4())
    return value  # TXN702@12


def short():
    return uuid.uuid4().hex[:8]


class Job:
    def __init__(self, job_id=None):
        self.id = job_id or "job-" + str(uuid4())  # TXN702@19


def run(session, payload):
    job_id = f"job_{uuid.uuid4()}"  # TXN702@14
    batch_id: str = PREFIX + u.uuid4().hex  # TXN702@21
    task_id = str(uuid4())[:8]  # TXN702@15
    scan_id = uuid4().hex[:12].upper()  # TXN702@15
    value = short()
    page_id = value  # TXN702@15
    session.add(Item(id="{}-{}".format("item", uuid4()), name="x"))  # TXN702@25
    payload["run_id"] = "run_%s" % uuid4()  # TXN702@25
    row = {"domain_id": str(uuid.uuid4()).split("-")[0]}  # TXN702@25
    export_id = f"export_{int(time.time())}_{secrets.token_hex(4)}"  # TXN702@17
    other_id = new_job_id()
    joined_id = "".join(["job_", str(uuid4())])  # TXN702@17
    nano_id = nanoid.generate()  # TXN702@15
    session.merge(Item(id=(made := f"item_{uuid4()}")))  # TXN702@28
    session.add(Item(id=job_id, name=row["domain_id"]))
    last_id = row["domain_id"]
    return job_id, batch_id, task_id, scan_id, page_id, row, export_id, other_id, last_id, joined_id, nano_id, made
"""
    ),
    Bad(
        source="""
from uuid import uuid4

from sqlalchemy import Column, String
from sqlalchemy.orm import declarative_base
from sqlmodel import Field, SQLModel

Base = declarative_base()


def label():
    return f"place_{uuid4()}"


class Job(Base):
    __tablename__ = "jobs"

    key = Column(String, primary_key=True, default=lambda: f"job_{uuid4()}")  # TXN702@11


class Place(SQLModel, table=True):
    id: str = Field(default_factory=label, primary_key=True)  # TXN702@15
""",
        path="app/models/job.py",
    ),
    Bad(
        source="""
import uuid
from functools import partial
from uuid import uuid4

from sqlalchemy import Column, insert, text
from sqlalchemy.dialects.postgresql import UUID

from app.models.item import Base, Item


def prefixed(prefix):
    return prefix + "_" + uuid4().hex


class Job(Base):
    __tablename__ = "jobs"

    id = Column(UUID, primary_key=True, default=partial(prefixed, "job"))  # TXN702@10


class Page(Base):
    __tablename__ = "pages"

    id = Column(UUID, primary_key=True, server_default=text("'page_' || gen_random_uuid()"))  # TXN702@10

    def __init__(self, **values):
        values.setdefault("id", f"page-{uuid4()}")  # TXN702@33
        super().__init__(**values)


def numbered(item: Item):
    item.id = "_".join(["item", str(uuid.UUID(int=1))])  # TXN702@15


def rename(item: Item):
    setattr(item, "id", "item-" + str(uuid4()))  # TXN702@25


async def insert_one(session):
    await session.execute(insert(Item).values(id=f"item-{uuid4()}"))  # TXN702@50


class Ids:
    def __init__(self, prefix):
        self.prefix = prefix

    def next_id(self):
        return self.prefix + uuid4().hex  # TXN702@16

    def number_id(self):
        return uuid4().int >> 64  # TXN702@16
""",
        path="app/models/job.py",
    ),
    Bad(
        path="app/services/items.py",
        source="""
from uuid import uuid4

from app.models.item import Item


def short() -> Item:
    return Item(id=str(uuid4())[:8])  # TXN702@20


def proper() -> Item:
    return Item(id=uuid4())


def shown(item: Item) -> dict[str, str]:
    item = proper()
    item_id = item.id
    return {"item_id": str(item_id), "parent_id": str(short().id), "other_id": str(uuid4())}


def cut(item_id) -> dict[str, str]:
    return {"item_id": str(uuid4())[:8]}  # TXN702@24
""",
    ),
    Bad(
        path="app/services/ids.py",
        source="""
from uuid import uuid4


def first() -> str:
    head, *_ = str(uuid4()).split("-")
    job_id = head  # TXN702@14
    return job_id


def named() -> str:
    run_id = "run." + format(uuid4())  # TXN702@14
    return run_id
""",
    ),
    Bad(
        path="app/services/ids.py",
        source="""
import random
import secrets
import string
import time

from app.models.item import Item


def number() -> str:
    return f"ORD-{int(time.time())}"


def work(session):
    doc_id = "%s_%d" % ("doc", time.time())  # TXN702@14
    run_id = f"run-{int(time.time() * 1000)}"  # TXN702@14
    batch_id = "".join(random.choices(string.ascii_lowercase, k=12))  # TXN702@16
    session.add(Item(id=number(), name=number()))  # TXN702@25
    code_id = "".join(secrets.choice(string.digits) for _ in range(9))  # TXN702@15
    return doc_id, run_id, batch_id, code_id
""",
    ),
    Bad(
        path="app/schemas/export.py",
        source="""
from dataclasses import dataclass, field
from uuid import uuid4

import attrs
from pydantic import BaseModel, Field

new_export_id = lambda: "export-" + str(uuid4())  # TXN702@25


class Export(BaseModel):
    export_id: str = Field(default_factory=lambda: "export-" + uuid4().hex)  # TXN702@22
    part_id: str = Field(default_factory=new_export_id)
    title: str = Field(default_factory=lambda: f"export {uuid4()}")


@dataclass
class Part:
    part_id: str = field(default_factory=lambda: uuid4().hex[:10])  # TXN702@20


@attrs.define
class Piece:
    piece_id: str = attrs.field(factory=lambda: f"piece.{uuid4()}")  # TXN702@21


class Names:
    next_piece_id = staticmethod(lambda: f"piece.{uuid4()}")  # TXN702@42

    def __init__(self, prefix):
        self.own_id = lambda: prefix + uuid4().hex  # TXN702@31


def export(session, run):
    export_id = new_export_id()
    return run(export_id, make_run_id=lambda: str(uuid4())[:8])  # TXN702@47
""",
    ),
    Bad(
        source="""
import uuid


def numbered():
    crate_id = uuid.uuid4().int % 10**8  # TXN702@16
    barrel_id = uuid.uuid4().int // 2**64  # TXN702@17
    return crate_id, barrel_id
""",
        path="app/services/crates.py",
    ),
    Bad(
        path="app/models/crate.py",
        source="""
import random
import secrets
from datetime import datetime
from functools import partial

import shortuuid
from nanoid import generate
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.item import Base, Item


class Crate(Base):
    __tablename__ = "crates"

    id: Mapped[str] = mapped_column(String(21), primary_key=True, default=generate)  # TXN702@23


class Barrel(Base):
    __tablename__ = "barrels"

    id: Mapped[str] = mapped_column(String(12), primary_key=True, default=partial(generate, size=12))  # TXN702@23


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[str] = mapped_column(String(22), primary_key=True, default=shortuuid.uuid)  # TXN702@23


def pack(session):
    session.add(Item(id=secrets.token_urlsafe(8), name="crate"))  # TXN702@25
    session.add(Item(id=random.randint(100000, 999999), name="crate"))  # TXN702@25
    crate_id = datetime.now().strftime("CRATE-%Y%m%d-") + secrets.token_hex(3)  # TXN702@16
    return crate_id
""",
    ),
    Bad(
        source="""
from uuid import uuid4


def numbered(session):
    head_id, _, _ = str(uuid4()).partition("-")  # TXN702@5
    first_id, *others = str(uuid4()).split("-")  # TXN702@5
    short_id = f"{uuid4().hex:.8}"  # TXN702@16
    filled_id = "{:<12.8s}".format(uuid4().hex)  # TXN702@17
    old_id = "%.8s" % uuid4()  # TXN702@14
    return head_id, first_id, others, short_id, filled_id, old_id
""",
    ),
    Bad(
        """
import random
import string
import time

from nanoid import generate


def imported():
    item_id = generate(size=10)  # TXN702@15
    return item_id


def stamped():
    item_id = f"{int(time.time())}-{random.randint(1, 999)}"  # TXN702@15
    return item_id


def drawn():
    item_id = "".join(random.choices(string.digits, k=8))  # TXN702@15
    return item_id


def shuffled(items):
    random.shuffle(items)
    label = f"{int(time.time())}-{random.randint(1, 999)}"
    return label, items
""",
        path="app/services/items.py",
    ),
    Bad(
        """
from uuid import uuid4

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from app.models.item import Item

scheduler = AsyncIOScheduler()


async def remind(order):
    print(order)


def plan(session):
    item_id = f"item_{uuid4()}"  # TXN702@15
    session.add(Item(id=item_id))
    scheduler.add_job(remind, "date", id=item_id, args=[1])
"""
    ),
    Bad(
        """
from uuid import uuid4

from app.models.item import Item


def add(session, given):
    name, item_id = given, f"item_{uuid4()}"  # TXN702@28
    other, page_id = given, uuid4()
    session.add(Item(id=item_id, name=name))
    session.add(Item(id=page_id, name=other))
"""
    ),
    Bad(
        source="""
from uuid import uuid4


def make_id():
    report_id = str(uuid4()).split("-")[0]  # TXN702@17
    event_id = str(uuid4())
    return report_id, event_id


def new_ids():
    return str(uuid4()).split("-")[0], str(uuid4())  # TXN702@12
"""
    ),
    Bad(
        path="app/services/crates.py",
        source="""
import shortuuid
import ulid
from ulid import ULID


def stacked():
    crate_id = f"crate_{ULID()}"  # TXN702@16
    shelf_id = "shelf-" + str(ULID()).lower()  # TXN702@16
    barrel_id = ulid.new().str  # TXN702@17
    return crate_id, shelf_id, barrel_id


def proper():
    crate_id = ULID().to_uuid()
    shelf_id = str(ulid.new().uuid)
    barrel_id = shortuuid.decode("aB3")
    label = f"crate {ULID()}"
    return crate_id, shelf_id, barrel_id, label
""",
    ),
    Bad(
        path="app/models/crate.py",
        source="""
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4


def prefixed(kind: str) -> str:
    return f"{kind}_{uuid4()}"


def counted(kind: str) -> UUID:
    return uuid4() if kind else UUID(int=0)


@dataclass
class Crate:
    id: str = field(default_factory=partial(prefixed, "crate"))  # TXN702@15
    name: str = field(default_factory=partial(prefixed, "crate"))


@dataclass
class Shelf:
    id: UUID = field(default_factory=partial(counted, "shelf"))
""",
    ),
    Bad(
        """
# --- app/services/crates.py
from app.services.naming import prefixed


class Crate:
    def __init__(self, id=None, name=None):
        self.id = id or prefixed("crate")  # TXN702@19
        self.name = name or prefixed("crate")
# --- app/services/naming.py
from uuid import uuid4


def prefixed(kind: str) -> str:
    return f"{kind}_{uuid4()}"
"""
    ),
]

GOOD = [
    Good(
        source="""
import uuid
from uuid import UUID, uuid4

from sqlalchemy import insert

from app.models.item import Item


def run(session, payload, log, user, name, html):
    item_id = uuid4()
    text_id = str(uuid.uuid4())
    plain_id = uuid4().hex
    dashless_id = str(uuid4()).replace("-", "")
    parsed_id = UUID(payload["id"])
    request_id = uuid4().hex[:8]
    file_name = f"export_{uuid4()}.csv"
    message_id = f"<{uuid4()}@example.com>"
    label = str(uuid4())[:8]
    cache_key = f"user:{uuid4()}"
    owner_id = f"{user.id}"
    element_id = f"row-{name}"
    log.info("job %s", str(item_id)[:8])
    html.div(id=f"popover-{uuid4()}")
    html.div.values(name=f"popover-{uuid4()}")
    session.execute(insert(Item).values(id=uuid4(), name=f"item-{uuid4()}"))
    mirrored_id = f"{uuid4()}"
    known_id = f"{uuid.UUID(payload['id'])}"
    path = f"items/{uuid.UUID(payload['id'])}"
    session.add(Item(id=uuid4(), name=f"item_{uuid4()}"))
    first_id = payload["ids"][0]
    values = (item_id, text_id, plain_id, dashless_id, parsed_id, request_id, file_name, label, cache_key)
    return values, owner_id, element_id, first_id, mirrored_id, known_id, path


def test_name():
    return f"test_{uuid4()}"
"""
    ),
    Good(
        source="""
from uuid import uuid4


def make():
    job_id = f"job_{uuid4()}"
    return job_id
""",
        path="tests/factories.py",
    ),
    Good(
        path="app/services/ids.py",
        source="""
import random
import string
import time

from sqlalchemy import text

from app.models.item import Item


def work(session, row, number: int):
    sequence_id = int(time.time())
    element_id = f"row-{number}"
    file_name = f"export_{int(time.time())}.csv"
    password = "".join(random.choices(string.ascii_lowercase, k=12))
    chosen_id = random.choice(row.ids)
    path_id = "/".join(row.path)
    started_id = int(row["started"] * 1000)
    session.execute(text(f"select id from items where created < {int(time.time())}"))
    session.add(Item(name=f"ORD-{int(time.time())}"))
    return sequence_id, element_id, file_name, password, chosen_id, path_id, started_id
""",
    ),
    Good(
        path="app/schemas/export.py",
        source="""
from dataclasses import dataclass, field
from uuid import uuid4

from pydantic import BaseModel, Field

new_export_id = lambda: str(uuid4())
new_title = lambda: f"export {uuid4()}"


class Export(BaseModel):
    export_id: str = Field(default_factory=lambda: str(uuid4()))
    request_id: str = Field(default_factory=lambda: uuid4().hex[:8])
    title: str = Field(default_factory=new_title)


@dataclass
class Part:
    part_id: str = field(default_factory=lambda: uuid4().hex)
    id: str = field(default_factory=new_export_id)


class Names:
    next_piece_id = staticmethod(lambda: uuid4())
    make_request_id = staticmethod(lambda: uuid4().hex[:8])
    by_id = lambda self, rows: sorted(rows, key=lambda row: f"{row.number}")
""",
    ),
    Good(
        source="""
import uuid


def numbered(total):
    crate = uuid.uuid4().int % 16
    crate_id = uuid.uuid4()
    barrel_id = "%s" % uuid.uuid4()
    shelf_id = total % 16
    return crate, crate_id, barrel_id, shelf_id
""",
        path="app/services/crates.py",
    ),
    Good(
        source="""
from uuid import uuid4


def numbered(session, share, token):
    first_id, second_id = uuid4(), str(uuid4())
    whole_id = f"{uuid4().hex:.32}"
    word, _, _ = str(uuid4()).partition("-")
    third_id = f"{share:.3}"
    shop_id, _, _ = token.partition(":")
    return first_id, second_id, whole_id, word, third_id, shop_id
""",
    ),
    Good(
        path="app/models/crate.py",
        source="""
import secrets
import uuid
from datetime import datetime

from nanoid import generate
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.models.item import Base, Item


class Crate(Base):
    __tablename__ = "crates"

    id: Mapped[uuid.UUID] = mapped_column(UUID, primary_key=True, default=uuid.uuid4)
    slug: Mapped[str] = mapped_column(default=generate)


def pack(session):
    session.add(Item(id=uuid.uuid4(), name=secrets.token_urlsafe(8)))
    session_id = secrets.token_urlsafe(32)
    label = datetime.now().strftime("CRATE-%Y%m%d-") + secrets.token_hex(3)
    return session_id, label
""",
    ),
    Good(
        """
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

scheduler = AsyncIOScheduler()


async def remind(order):
    print(order)


def plan(order, hour):
    at = datetime(2030, 1, 1, hour).strftime("%H%M")
    job_id = f"remind_{order}_{at}"
    scheduler.remove_job(job_id)
    scheduler.add_job(remind, "date", id=job_id, args=[order])


def cancel(order, hour):
    at = datetime(2030, 1, 1, hour).strftime("%H%M")
    scheduler.remove_job(job_id=f"remind_{order}_{at}")
""",
        path="app/tasks/reminders.py",
    ),
    Good(
        """
import time

import paho.mqtt.client as mqtt
from aiokafka import AIOKafkaConsumer


class Bus:
    def __init__(self, broker, log, session, client_id: str = ""):
        self._client_id = client_id or f"shop-{int(time.time())}"
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=self._client_id, clean_session=True)
        self.consumer = AIOKafkaConsumer("orders", client_id=f"shop-{int(time.time())}")
        log.info("connected to %s as %s", broker, self._client_id)
"""
    ),
]

#: Ids of log lines and calls: no row has them.
_NOT_ROWS = frozenset({"request_id", "correlation_id", "trace_id", "span_id", "connection_id", "log_id", "external_id"})
_CONVERSIONS = ("str", "UUID", "uuid.UUID")
_DEFAULTS = ("default", "default_factory", "insert_default")
_UUID_IN_SQL = r"(?:gen_random_uuid|uuid_generate_v\d\w*|uuidv\d)\s*\(\s*\)"
_SERVER_MADE = regex(
    rf"\|\|\s*(?:\w+\()?\s*{_UUID_IN_SQL}|{_UUID_IN_SQL}[^|]*\|\||\b(?:concat|substr|substring|left|right)\s*\([^;]*{_UUID_IN_SQL}",
    re.I,
)


def check(program: Program) -> Iterator[Finding]:
    """Identifiers that get such values, functions named after ids that return them, and column defaults."""
    for event in program.events("identifier"):
        kind = custom_format(event.value)
        if kind is None or _is_no_row(event.name) or _is_exempt(program, event.function):
            continue
        if not _is_told_elsewhere(program, event) and _is_kept(event) and not _names_no_row(event):
            yield program.finding(META, event, _message(repr(event.name), kind))
    yield from _derived(program)
    for event in program.events("return"):
        kind = custom_format(each_of(event.value))
        if kind is None or event.expr is None or _is_exempt(program, event.function):
            continue
        if not _makes_ids(program, event.function):
            continue
        parts = event.expr[2] if event.expr[0] == "t" and event.expr[2] else (event.expr,)
        if not all(part[0] == "n" and _is_identifier(part[2], None) for part in parts):
            message = _message(f"that {_name(program, event.function)}() returns", kind)
            yield program.finding(META, (event.function, event.expr[1]), message)
    yield from _defaults(program)


def _derived(program: Program) -> Iterator[Finding]:
    for event in program.events("identifier"):
        if _is_no_row(event.name) or custom_format(event.value) is not None or _is_exempt(program, event.function):
            continue
        kind = around_an_id(program, event) or random_key(program, event)
        if kind is not None:
            yield program.finding(META, event, _message(repr(event.name), kind))


def _message(what: str, kind: str) -> str:
    return f"The id {what} is {kind}. Use uuid.uuid4() as it is."


def _is_no_row(name: str) -> bool:
    return name.removesuffix("s") in _NOT_ROWS


def _names_no_row(event: Event) -> bool:
    return names_a_file(event) or names_a_scheduled_job(event) or names_a_client(event)


def _is_exempt(program: Program, function: FunctionInfo) -> bool:
    return program.role(function) in ("test", "migration")


def _named(program: Program) -> dict[FunctionInfo, str]:
    """The lambdas that identifiers stand for: ``make_job_id = lambda: …``."""
    return {
        atom.info: event.name
        for event in program.events("identifier")
        for atom in event.value
        if atom.tag == "fn" and atom.info.name == "<lambda>"
    }


def _name(program: Program, function: FunctionInfo) -> str:
    return program.shared(_named).get(function, function.name)


def _makes_ids(program: Program, function: FunctionInfo) -> bool:
    name = _name(program, function).lower()
    return name.endswith(("_id", "_ids")) and name not in _NOT_ROWS and not name.endswith(tuple(_NOT_ROWS))


def _is_told_elsewhere(program: Program, event: Event) -> bool:
    """The value comes from an identifier, or a function that makes ids, which is reported itself."""
    return event.expr is None or _is_told(program, event, event.expr)


def _is_told(program: Program, event: Event, expr: ir.Expr) -> bool:
    while expr[0] in ("aw", "g") or _converts(expr):
        if expr[0] == "g" and expr[3][0][0] == "n" and expr[3][0][2] in [target[-1] for target, _, _ in expr[4]]:
            return True  # a list of what another one holds
        expr = expr[2] if expr[0] == "aw" else expr[3][0]
    if expr[0] in ("l", "t", "e") and expr[2]:
        return all(_is_told(program, event, element) for element in expr[2])
    if expr[0] in ("n", "a"):
        return _is_identifier(expr[-1].removesuffix("s"), None)
    if expr[0] == "i":
        return expr[3][0] == "k" and _is_identifier(str(expr[3][2]), None)
    if expr[0] == "c" and expr[2][0] == "a" and expr[2][3] == "get" and expr[3] and expr[3][0][0] == "k":
        return _is_identifier(str(expr[3][0][2]), None)
    return any(
        e.kind == "call" and e.span == expr[1] and e.callee is not None and _makes_ids(program, e.callee)
        for e in event.function.events
    )


def _converts(expr: ir.Expr) -> bool:
    """``str(job_id)``: the same id in another type."""
    return bool(expr[0] == "c" and len(expr[3]) == 1 and not expr[4] and ir.dotted(expr[2]) in _CONVERSIONS)


def _is_kept(event: Event) -> bool:
    """A bare ``id=`` names an element of a page as well as a row: only a project's class or function makes it ours."""
    if event.text != "keyword" or event.name not in ("id", "ids"):
        return True
    return any(
        e.kind in ("construct", "call")
        and e.expr is not None
        and e.expr[0] == "c"
        and any(v[1] == event.span for _, v in e.expr[4])
        for e in event.function.events
    )


def _defaults(program: Program) -> Iterator[Finding]:
    for info in program.classes:
        if program.policy.layer_of(info.path) in ("test", "migration"):
            continue
        for name, (span, _, default, expr) in info.attributes.items():
            columns = [a for a in default if a.tag == "map"]
            if not columns or not _is_identifier(name, columns[0].get("primary_key")):
                continue
            if _is_no_row(name) and not _is_primary(columns[0].get("primary_key")):
                continue
            for key in _DEFAULTS:
                given = [b for a in columns[0].get(key) or () for b in (a.function if a.tag == "partial" else (a,))]
                makers = [a.info for a in given if a.tag == "fn" and not _makes_ids(program, a.info)]
                called = tuple([Ext(f"{b.name}()") for b in given if b.tag == "ext"])
                kind = next((k for m in makers if (k := custom_format(m.summary.returns))), custom_format(called))
                if kind:
                    yield program.finding(
                        META, (info.defined_in, expr[1] if expr else span), _message(repr(name), f"by default {kind}")
                    )
                    break
            else:
                if any(_SERVER_MADE.search(t.text) for t in texts_of(columns[0].get("server_default") or ())):
                    what = _message(repr(name), "by default of the server text around a UUID or a part of one")
                    yield program.finding(META, (info.defined_in, expr[1] if expr else span), what)


def _is_identifier(name: str, primary: Value | None) -> bool:
    return name == "id" or name.endswith("_id") or _is_primary(primary)


def _is_primary(given: Value | None) -> bool:
    return bool(given and any(a.tag == "const" and a.value is True for a in given))
