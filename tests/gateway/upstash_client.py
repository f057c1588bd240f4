"""The published Python client of Upstash against the gateway. Prints one line of JSON a check: its name, and what went wrong."""

import asyncio
import json
import os
import sys
import threading
import traceback

import httpx
from upstash_redis import Redis
from upstash_redis.asyncio import Redis as AsyncRedis
from upstash_redis.errors import UpstashError

URL, TOKEN = os.environ["GATEWAY_URL"], os.environ["GATEWAY_TOKEN"]
OPTIONS = {"allow_telemetry": False, "rest_retries": 0}
CHECKS = []
TEXT = "Příliš žluťoučký 👍🏽"
BEYOND = 2**53 + 1


def check(function):
    """Every check begins with an empty database."""
    CHECKS.append(function)
    return function


def fails(words, action):
    """The action fails, in words of Redis."""
    try:
        action()
    except UpstashError as error:
        assert words in str(error), str(error)
        return
    raise AssertionError(f"it should have failed with {words}")


@check
def strings(redis):
    assert redis.set("s", TEXT) is True
    assert redis.get("s") == TEXT
    assert redis.get("absent") is None
    assert not redis.set("s", "other", nx=True)
    assert redis.set("s", "other", get=True) == TEXT
    assert redis.append("s", "!") == 6
    assert redis.getrange("s", 0, 4) == "other"
    assert redis.incrby("n", 41) == 41 and redis.incr("n") == 42
    assert redis.incrbyfloat("f", 0.5) == 0.5
    assert redis.mget("s", "absent", "n") == ["other!", None, "42"]
    assert redis.set("e", "x", px=60_000) is True and redis.pttl("e") > 0
    assert redis.delete("s", "n", "absent") == 2
    assert redis.exists("e") == 1


@check
def texts_keep_every_character(redis):
    for text in ["", "OK", "null", "\ufeff\x00\r\n\t\"\\", "".join(map(chr, range(0x800))), "x" * 1_000_000]:
        redis.set("t", text)
        assert redis.get("t") == text, repr(text[:20])
        assert redis.strlen("t") == len(text.encode())


@check
def bits_are_bytes(redis):
    redis.setbit("bits", 7, 1)
    redis.setbit("bits", 9, 1)
    assert (redis.getbit("bits", 7), redis.bitcount("bits"), redis.strlen("bits")) == (1, 2, 2)
    assert redis.get("bits") == "\x01@"


@check
def integers_beyond_2_53(redis):
    redis.set("big", BEYOND)
    assert redis.get("big") == str(BEYOND)
    assert redis.incr("big") == BEYOND + 1
    assert redis.incrby("most", 2**63 - 1) == 2**63 - 1
    fails("overflow", lambda: redis.incr("most"))


@check
def hashes(redis):
    assert redis.hset("h", values={"a": "1", "ž": TEXT}) == 2
    assert redis.hgetall("h") == {"a": "1", "ž": TEXT}
    assert redis.hget("h", "absent") is None
    assert redis.hmget("h", "ž", "absent") == [TEXT, None]
    assert redis.hincrby("h", "a", 2) == 3
    assert (redis.hlen("h"), redis.hexists("h", "a"), redis.hdel("h", "a")) == (2, True, 1)
    assert redis.hsetnx("h", "ž", "no") is False


@check
def lists(redis):
    assert redis.rpush("l", "a", "b", "c") == 3
    assert redis.lpush("l", TEXT) == 4
    assert redis.lrange("l", 0, -1) == [TEXT, "a", "b", "c"]
    assert redis.lpos("l", "b") == 2
    assert redis.lmove("l", "m", "LEFT", "RIGHT") == TEXT
    assert redis.lpop("l", 2) == ["a", "b"]
    assert redis.ltrim("l", 1, 0) and redis.llen("l") == 0


@check
def sets(redis):
    assert redis.sadd("s", "x", "y", "x") == 2
    assert redis.sadd("t", "y", "z") == 2
    assert sorted(redis.smembers("s")) == ["x", "y"]
    assert redis.sismember("s", "x") is True
    assert list(redis.sinter("s", "t")) == ["y"]
    assert sorted(redis.sunion("s", "t")) == ["x", "y", "z"]
    assert (redis.srem("s", "x"), redis.scard("s")) == (1, 1)


@check
def sorted_sets(redis):
    assert redis.zadd("z", {"old": 1.5, "new": 1_795_253_400_123}) == 2
    assert redis.zrange("z", 0, -1, withscores=True) == [("old", 1.5), ("new", 1_795_253_400_123.0)]
    assert redis.zrange("z", "+inf", "(2", sortby="BYSCORE", rev=True) == ["new"]
    assert redis.zadd("z", {"old": 1}, gt=True, ch=True) == 0
    assert redis.zscore("z", "old") == 1.5 and redis.zscore("z", "absent") is None
    assert redis.zincrby("z", 1, "old") == 2.5
    assert (redis.zrank("z", "new"), redis.zcount("z", 0, 10)) == (1, 1)
    assert redis.zpopmax("z") == [("new", 1_795_253_400_123.0)]


@check
def streams(redis):
    first = redis.xadd("log", "*", {"who": "ada", "said": TEXT})
    second = redis.xadd("log", "*", {"who": "bob"})
    assert redis.xlen("log") == 2
    entries = redis.xrange("log", "-", "+")
    assert [entry[0] for entry in entries] == [first, second]
    assert TEXT in entries[0][1]
    assert redis.xgroup_create("log", "readers", "0") == "OK"
    (name, pending), = redis.xreadgroup("readers", "one", {"log": ">"}, count=1)
    assert (name, pending[0][0]) == ("log", first)
    assert redis.xack("log", "readers", first) == 1
    assert redis.xtrim("log", maxlen=1, approximate=False) == 1
    fails("not allowed in REST", lambda: redis.execute(["XREAD", "BLOCK", "0", "STREAMS", "log", "$"]))


@check
def scripts(redis):
    source = "#!lua flags=allow-key-locking\nredis.call('SET', KEYS[1], ARGV[1])\nreturn {KEYS[1], 7, {'x'}, false}"
    assert redis.eval(source, keys=["k"], args=[TEXT]) == ["k", 7, ["x"], None]
    assert redis.get("k") == TEXT
    sha = redis.script_load(source)
    assert redis.evalsha(sha, keys=["k2"], args=["again"])[0] == "k2"
    assert redis.script_exists(sha, "0" * 40) == [True, False]
    assert redis.eval("return ARGV[1]", args=[str(BEYOND)]) == str(BEYOND)
    fails("NOSCRIPT", lambda: redis.evalsha("0" * 40))
    fails("MY own", lambda: redis.eval("return redis.error_reply('MY own')"))


@check
def pipelines(redis):
    pipeline = redis.pipeline()
    pipeline.set("p", "1").incr("p").get("p")
    pipeline.hset("ph", values={"a": "1"}).hgetall("ph")
    assert pipeline.exec() == [True, 2, "2", 1, {"a": "1"}]


@check
def transactions(redis):
    transaction = redis.multi()
    transaction.set("t", "1").incr("t").get("t")
    assert transaction.exec() == [True, 2, "2"]
    refused = redis.multi()
    refused.set("t", "5").execute(["NOPE"])
    try:
        refused.exec()
    except Exception:
        # This client expects a list, and trips over the error of the whole.
        pass
    assert redis.get("t") == "2"


@check
def scans(redis):
    redis.mset({f"k{number}": "v" for number in range(250)})
    redis.set("other", "v")
    cursor, found = 0, []
    while True:
        cursor, keys = redis.scan(cursor, match="k*", count=50)
        found += keys
        if int(cursor) == 0:
            break
    assert sorted(set(found)) == sorted(f"k{number}" for number in range(250))
    redis.hset("h", values={f"f{number}": str(number) for number in range(20)})
    assert redis.hscan("h", 0)[1] == {f"f{number}": str(number) for number in range(20)}
    redis.zadd("z", {"a": 1.5})
    assert redis.zscan("z", 0)[1] == [("a", 1.5)]
    assert redis.keys("oth*") == ["other"]


@check
def channels(redis):
    lines, ready = [], threading.Event()

    def listen():
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
        with httpx.stream("GET", f"{URL}/subscribe/chat", headers=headers, timeout=20) as events:
            for line in events.iter_lines():
                if line.startswith("data: "):
                    lines.append(line[6:])
                    ready.set()
                    if len(lines) == 2:
                        return

    # The client has no subscription of its own: it publishes.
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(20)
    assert redis.publish("chat", TEXT) == 1
    listener.join(20)
    assert lines == ["subscribe,chat,1", f"message,chat,{TEXT}"], lines


@check
def errors_are_redis_words(redis):
    redis.set("text", "a")
    fails("ERR value is not an integer", lambda: redis.incr("text"))
    fails("WRONGTYPE", lambda: redis.lpush("text", "b"))
    fails("not available", lambda: redis.execute(["NOPE"]))
    stranger = Redis(url=URL, token="wrong", **OPTIONS)
    fails("WRONGPASS", lambda: stranger.get("text"))


@check
def one_reads_ones_own_writes(redis):
    redis.set("own", "1")
    token = redis._sync_token
    assert token
    redis.set("own", "2")
    assert redis._sync_token and redis._sync_token != token


@check
def without_base64(_redis):
    plain = Redis(url=URL, token=TOKEN, rest_encoding=None, **OPTIONS)
    plain.set("s", TEXT)
    assert plain.get("s") == TEXT


@check
def the_asynchronous_client(_redis):
    async def run():
        async with AsyncRedis(url=URL, token=TOKEN, **OPTIONS) as redis:
            await redis.set("n", 0)
            await asyncio.gather(*(redis.incr("n") for _ in range(50)))
            assert await redis.get("n") == "50"
            transaction = redis.multi()
            transaction.incr("n").get("n")
            assert await transaction.exec() == [51, "51"]

    asyncio.run(run())


def main():
    redis = Redis(url=URL, token=TOKEN, **OPTIONS)
    for function in CHECKS:
        problem = None
        try:
            redis.flushdb()
            function(redis)
        except Exception:
            problem = traceback.format_exc()
        print(json.dumps({"name": function.__name__.replace("_", " "), "problem": problem}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
