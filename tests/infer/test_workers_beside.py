"""Workers beside applications, and beside each other: programs of their own in one repository."""

from __future__ import annotations

DB = (
    "import os\nfrom contextlib import asynccontextmanager\n\n"
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
    "engine = create_async_engine(os.environ['{0}'])\nmaker = async_sessionmaker(engine)\n\n\n"
    "@asynccontextmanager\nasync def scope():\n    async with maker() as session:\n        yield session\n"
)
MODELS = "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n    pass\n"
WORKER = (
    "import asyncio\n\nfrom common.models import Base\nfrom {0}.db import scope\n\n\nasync def consume():\n"
    "    async with scope() as session, session.begin():\n        session.add(Base())\n\n\n"
    "if __name__ == '__main__':\n    asyncio.run(consume())\n"
)
API = (
    "from fastapi import Depends, FastAPI\n\nfrom api.db import maker\nfrom common.models import Base\n\n"
    "app = FastAPI()\n\n\n"
    "async def get_session():\n    async with maker() as session:\n        yield session\n\n\n"
    "@app.get('/')\nasync def read(session=Depends(get_session)):\n    return await session.get(Base, 1)\n"
)


def test_a_worker_that_shares_models_with_an_application_has_its_own_session_module(infer):
    files = {"api/main.py": API, "api/db.py": DB.format("API"), "common/models.py": MODELS}
    result = infer(files | {"worker/db.py": DB.format("WORKER"), "worker/main.py": WORKER.format("worker")})
    assert result.policy.session_modules == ("api/db.py", "worker/db.py")


def test_two_workers_that_share_models_have_one_each(infer):
    files = {f"{name}/db.py": DB.format(name.upper()) for name in ("one", "two")}
    files |= {f"{name}/main.py": WORKER.format(name) for name in ("one", "two")}
    assert infer(files | {"common/models.py": MODELS}).policy.session_modules == ("one/db.py", "two/db.py")
