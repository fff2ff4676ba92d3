"""Endpoints that a decorator of the project registers are endpoints: with method, path, router, dependencies."""

import pytest

from sessionlint.program.api import Program
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules
from tests.program.support import marked, solved

DECORATORS = """\
import functools

from fastapi import APIRouter, Depends

from app.auth.security import get_current_user

shared = APIRouter()


def given_method(method, path, scopes=(), **options):
    def decorator(function):
        return method(path, **options)(function)

    return decorator


def protected(method, path, **options):
    def decorator(function):
        return method(path, dependencies=[Depends(get_current_user)], **options)(wrapped(function))

    return decorator


def wrapped(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        return await function(*args, **kwargs)

    return wrapper


def by_name(router, method, path):
    def decorator(function):
        getattr(router, method)(path)(function)
        return function

    return decorator


def fixed(path):
    def decorator(function):
        shared.add_api_route(path, function, methods=["POST"])
        return function

    return decorator


def fixed_method(path):
    return lambda function: shared.put(path)(function)


def counted(method, path):
    def decorator(function):
        print(method, path)
        return function

    return decorator
"""
ENDPOINTS = """\
from fastapi import APIRouter

from app.decorators import by_name, counted, fixed, fixed_method, given_method, protected
from app.session import get_session

router = APIRouter(prefix="/items")
commands = {}


@DECORATOR
async def load():
    async with get_session() as session:
        return await session.get(object, 1)
"""


def program_with(decorator):
    files = {"app/decorators.py": DECORATORS, "app/web.py": ENDPOINTS.replace("DECORATOR", decorator)}
    return Program(examples.policy_for({}), solved(files), (), lambda path, line: "")


def found(decorator):
    program = program_with(decorator)
    checks = [rule.check for rule in all_rules() if rule.META.code in ("TXN106", "TXN405")]
    return sorted((f.code, f.path, f.span.line) for check in checks for f in check(program))


def routes(decorator):
    program = program_with(decorator)
    return {f.name: [(r.method, r.path) for r in f.routes] for f in program.functions if f.routes}


@pytest.mark.parametrize(
    ("decorator", "route"),
    [
        ('given_method(router.get, "/x", ["read"])', ("get", "/x")),
        ('given_method(method=router.post, path="/x", tags=["items"])', ("post", "/x")),
        ('protected(router.delete, "")', ("delete", "")),
        ('by_name(router, "patch", "/x")', ("patch", "/x")),
        ('fixed("/x")', ("post", "/x")),
        ('fixed_method("/x")', ("put", "/x")),
    ],
)
def test_what_the_decorator_registers_is_the_decorated_function(decorator, route):
    assert routes(decorator) == {"load": [route]}


def test_two_endpoints_of_one_decorator_keep_their_own_methods_and_paths():
    two = 'given_method(router.get, "/a")\nasync def first():\n    return 1\n\n\n@given_method(router.post, "/b")'
    assert routes(two) == {"first": [("get", "/a")], "load": [("post", "/b")]}


def test_such_an_endpoint_may_not_open_its_own_session_and_needs_authentication():
    assert found('given_method(router.get, "/x")') == [("TXN106", "app/web.py", 12), ("TXN405", "app/web.py", 10)]


def test_the_dependencies_that_the_decorator_adds_protect_it():
    assert found('protected(router.get, "/x")') == [("TXN106", "app/web.py", 12)]


@pytest.mark.parametrize("decorator", ['counted(router.get, "/x")', 'given_method(commands.get, "/x")'])
def test_a_decorator_that_registers_nothing_makes_no_endpoint(decorator):
    assert routes(decorator) == {}
    assert found(decorator) == []


def test_a_bound_celery_task_is_an_object_of_its_base_class():
    found, expected = marked(
        """\
from celery import Celery, Task
from app.session import session_factory
app = Celery()
class DatabaseTask(Task):
    @property
    def db(self):
        if self._db is None: self._db = session_factory()  # TXN101, TXN109
        return self._db
class LogTask(Task):
    def commit(self): print("written")
@app.task(base=DatabaseTask, bind=True)
def store(self):
    self.db.commit()  # TXN201
@app.task(base=LogTask, bind=True)
def log(self):
    self.commit()
@app.task(base=DatabaseTask)
def unbound(job):
    job.db.commit()
"""
    )
    assert found == expected
