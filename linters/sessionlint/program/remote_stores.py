"""Clients of stores and brokers that are asked over a socket: Redis, memcached, MongoDB, FastStream, Kafka, AMQP.

A round trip to them holds a transaction open as one by HTTP does, and no rollback takes back what they were told.
What a client only collects (a pipeline's commands, a cursor) or makes (a lock, a subscription) waits for nothing; what
sends it does. Sources: redis-py, valkey-py, coredis, upstash-redis, arq; pymemcache, pylibmc, python-memcached,
aiomcache; PyMongo, Motor; FastStream; confluent-kafka; Kombu; aiomqtt; gql (the documentation of each).
"""

from __future__ import annotations

from typing import Final

from sessionlint.patterns import regex

#: The packages that speak to Redis and its descendants.
REDIS: Final = ("redis.", "aioredis.", "valkey.", "coredis.", "upstash_redis.", "rediscluster.", "arq.")
#: What a client of the first group is made by, with its result.
_REDIS_CLIENT: Final = (
    r"(?:(?:redis|aioredis|valkey|coredis|upstash_redis|rediscluster)\.(?:\w+\.)*"
    r"(?:\w*(?:Redis|Valkey|RedisCluster|ValkeyCluster)(?:\.from_url|\.from_pool)?|from_url"
    # arq's pool is a client of redis-py with methods for jobs
    r"|Sentinel\(\)\.(?:master|slave)_for)|arq\.(?:connections\.)?(?:ArqRedis|create_pool))\(\)"
)
#: Methods of such a client that make an object, tell what it was made with, or only end it.
_REDIS_LOCAL: Final = frozenset({
    "pipeline", "pubsub", "lock", "monitor", "client", "register_script", "from_url", "from_pool", "json", "ft", "ts",
    "bf", "cf", "cms", "topk", "tdigest", "vset", "get_encoder", "get_connection_kwargs", "get_retry", "set_retry",
    "set_response_callback", "load_external_module", "get_nodes", "get_primaries", "get_replicas", "get_default_node",
    "keyslot", "close", "aclose",
    # a job is told as scheduled work
    "enqueue_job",
})  # fmt: skip
_COMMAND: Final = regex(
    rf"^{_REDIS_CLIENT}(?:\.client\(\)|\.(?:json|ft|ts|bf|cf|cms|topk|tdigest|vset)\(\))?\.(?P<method>[a-z]\w*)$"
)
#: What sends a pipeline, and what listens to channels or waits for a lock.
_SENT: Final = regex(
    rf"^{_REDIS_CLIENT}(?:"
    r"\.pipeline\(\)(?:\.\w+\(\))*\.(?:execute|watch|unwatch|immediate_execute_command)"
    r"|\.pubsub\(\)\.(?:p|s)?(?:un)?(?:subscribe)"
    r"|\.pubsub\(\)\.(?:get_message|get_sharded_message|listen|ping|run|connect)"
    r"|\.lock\(\)\.(?:acquire|release|extend|reacquire|locked|owned)"
    r")$"
)
_MEMCACHED: Final = regex(
    r"^(?:(?:pymemcache|emcache)\.(?:\w+\.)*(?:\w*Client|create_client)|(?:pylibmc|memcache|aiomcache)\.Client)\(\)"
    r"\.(?:[gs]et(?:s|_many|_multi)?|gats?|cas|add|replace|append|prepend|delete(?:_many|_multi)?|incr|decr|increment"
    r"|decrement|touch|multi_get|stats|get_stats|version|flush_all)$"
)
_MONGO: Final = r"(?:pymongo|motor)\.(?:\w+\.)*\w*(?:Client|Database|Collection)\(\)"
#: A cursor of ``find()`` asks when it is read; ``aggregate()`` asks at once, where it is not Motor's.
_DOCUMENTS: Final = regex(
    rf"^{_MONGO}(?:\.\w+|\[\]|\(\))*\.(?:(?:insert|update|replace|delete)_(?:one|many)|find_one(?:_and_\w+)?"
    r"|count_documents|estimated_document_count|distinct|bulk_write|command|create_index(?:es)?|drop_index(?:es)?"
    r"|drop(?:_collection|_database)?|create_collection|list_(?:collection|database)_names|server_info|to_list)$"
    rf"|^pymongo\.(?:\w+\.)*\w*(?:Client|Database|Collection)\(\)(?:\.\w+|\[\]|\(\))*\.aggregate$"
)
_BROKERS: Final = regex(
    r"^faststream\.(?:\w+\.)+\w+(?:Broker|Router)\(\)(?:\.broker)?(?:\.publisher\(\))?"
    r"\.(?:publish|publish_batch|request|ping|connect|start)$"
    r"|^confluent_kafka\.(?:\w+\.)*\w*(?:Producer|Consumer)\(\)\.(?:flush|poll|consume|commit|list_topics"
    r"|committed|get_watermark_offsets|(?:init|begin|commit|abort)_transactions?)$"
    r"|^kombu\.(?:\w+\.)*(?:Connection|Producer|Consumer|SimpleQueue)\(\)(?:\.\w+|\(\))*"
    r"\.(?:publish|put|drain_events|ensure_connection|connect)$"
    r"|^aiomqtt\.Client\(\)\.(?:publish|subscribe|unsubscribe)$"
    r"|^gql\.(?:\w+\.)*Client\(\)(?:\.__a?enter__\(\))?\.(?:execute|execute_async|execute_batch|subscribe)$"
)
_OTHERS: Final = (
    (("faststream.", "confluent_kafka.", "kombu.", "aiomqtt.", "gql."), _BROKERS),
    (("pymongo.", "motor."), _DOCUMENTS),
    (("pymemcache.", "emcache.", "pylibmc.", "memcache.", "aiomcache."), _MEMCACHED),
)


def asks(name: str) -> bool:
    """Whether calling the external symbol asks a store or broker and waits for it."""
    if name.startswith(REDIS):
        if _SENT.match(name) is not None:
            return True
        command = _COMMAND.match(name)
        return command is not None and command["method"] not in _REDIS_LOCAL
    return any(name.startswith(packages) and client.match(name) is not None for packages, client in _OTHERS)
