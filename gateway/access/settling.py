"""What a gateway sends to Valkey or Redis to have its counts settled there, and the script that does it."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from gateway.access.usage import Place, Use
from gateway.access.windows import PERIODS, QUANTITIES, Amounts

# One message, one step of the server: settle a batch unless it was settled before (an answer may have got lost), renew
# the places that are held, then take a place or look at counts. The server's clock counts, so that gateways need not
# agree. The names of keys are in the message: a cluster of several servers is not supported.
SCRIPT = f"""
local PERIODS = {{{", ".join(f"{period} = {seconds}" for period, seconds in PERIODS.items())}}}
local QUANTITIES = {{{", ".join(f"'{quantity}'" for quantity in QUANTITIES)}}}
local message, time = cjson.decode(ARGV[1]), redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

-- Something of another kind under our keys was written by somebody else: it counts as absent.
local function claim(key, kind)
    local found = redis.call('TYPE', key).ok
    if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end

local function read(key)
    claim(key, 'hash')
    local flat, kept, counts = redis.call('HGETALL', key), {{}}, {{}}
    for place = 1, #flat, 2 do kept[flat[place]] = tonumber(flat[place + 1]) end
    for period, seconds in pairs(PERIODS) do
        local number, last = math.floor(now / seconds), kept[period] or 0
        counts[period] = math.max(number, last)
        for _, quantity in ipairs(QUANTITIES) do
            local name = period .. ':' .. quantity
            local current, previous = kept[name] or 0, kept[name .. ':previous'] or 0
            if number > last then
                previous = number == last + 1 and current or 0
                current = 0
            end
            counts[name], counts[name .. ':previous'] = current, previous
        end
    end
    return counts
end

local function write(key, counts)
    local flat = {{}}
    for name, value in pairs(counts) do
        flat[#flat + 1] = name
        flat[#flat + 1] = string.format('%.17g', value)
    end
    redis.call('HSET', key, unpack(flat))
    redis.call('EXPIRE', key, 2 * PERIODS.day)
end

local function add(counts, quantity, amount)
    for period in pairs(PERIODS) do
        local name = period .. ':' .. quantity
        counts[name] = counts[name] + amount
    end
end

local function hold(key, place)
    claim(key, 'zset')
    redis.call('ZADD', key, now + message.lease, place)
    redis.call('EXPIRE', key, message.lease * 2)
end

local function settle(batch)
    for key, amounts in pairs(batch.counts) do
        local counts = read(key)
        for quantity, amount in pairs(amounts) do add(counts, quantity, amount) end
        write(key, counts)
    end
    for _, entry in ipairs(batch.usage) do
        local key, field, amount = entry[1], entry[2], string.format('%.17g', entry[3])
        claim(key, 'hash')
        local sum = redis.pcall('HINCRBYFLOAT', key, field, amount)
        if type(sum) == 'table' and sum.err then redis.call('HSET', key, field, amount) end
        redis.call('EXPIRE', key, message.keep)
    end
    for _, left in ipairs(batch.left) do
        for _, key in ipairs(left[1]) do
            claim(key, 'zset')
            redis.call('ZREM', key, left[2])
        end
    end
end

local function take(asked)
    local counts, refused, why = {{}}, nil, nil
    for owner = 1, 2 do
        local key, most = asked.under_way[owner], asked.most[owner]
        counts[owner] = read(asked.counts[owner])
        claim(key, 'zset')
        redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
        if not refused and most ~= cjson.null and redis.call('ZCARD', key) >= most then
            refused, why = owner, 'at_once'
        end
        for period, limit in pairs(asked.requests[owner]) do
            local name, seconds = period .. ':requests', PERIODS[period]
            local used = counts[owner][name .. ':previous'] * (1 - now % seconds / seconds) + counts[owner][name]
            if not refused and used > limit - 1 then refused, why = owner, 'requests' end
        end
    end
    for owner = 1, 2 do
        if not refused then
            add(counts[owner], 'requests', asked.amount)
            write(asked.counts[owner], counts[owner])
            if asked.most[owner] ~= cjson.null then hold(asked.under_way[owner], asked.place) end
        end
    end
    return {{now = now, counts = counts, refused = refused, why = why}}
end

local function look(keys)
    local counts = {{}}
    for place, key in ipairs(keys) do counts[place] = read(key) end
    return {{now = now, counts = #keys > 0 and counts or nil}}
end

claim(message.gateway, 'string')
if message.batch ~= cjson.null and tonumber(redis.call('GET', message.gateway) or 0) < message.number then
    settle(message.batch)
    redis.call('SET', message.gateway, message.number, 'EX', PERIODS.day)
end
for _, held in ipairs(message.renew) do
    for _, key in ipairs(held[2]) do hold(key, held[1]) end
end
return cjson.encode(message.take ~= cjson.null and take(message.take) or look(message.look))
"""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The server's time, the counts of the caller and of everybody, and which of the two refused and for what.

    Where no place was asked for, ``counts`` are those that were looked at.
    """

    now: float
    counts: tuple[dict[str, float], ...] = ()
    refused: Literal[1, 2] | None = None
    why: Literal["requests", "at_once"] | None = None


class Batch:
    """What a gateway counted and has not settled yet: a sum for each owner and place, and the places given back."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, float]] = {}
        self._use: dict[Place, Use] = {}
        self._left: list[tuple[tuple[str, str], str]] = []

    @property
    def empty(self) -> bool:
        """Whether there is nothing to settle."""
        return not (self._counts or self._use or self._left)

    def count(self, key: str, amounts: Amounts) -> None:
        """Add ``amounts`` to the counts under ``key``."""
        counts = self._counts.setdefault(key, {})
        for quantity, amount in amounts.items():
            counts[quantity] = counts.get(quantity, 0.0) + amount

    def book(self, place: Place, use: Use) -> None:
        """Add ``use`` to what was booked at ``place``."""
        self._use[place] = self._use.get(place, Use()) + use

    def leave(self, under_way: tuple[str, str], place: str) -> None:
        """Give ``place`` back under both keys."""
        self._left.append((under_way, place))

    def message(self, usage_prefix: str) -> dict[str, Any]:
        """The batch as the script reads it."""
        usage = [
            (usage_prefix + place.day, _field(place, name), getattr(use, name))
            for place, use in self._use.items()
            for name in use.__struct_fields__
            if getattr(use, name)
        ]
        return {"counts": self._counts, "usage": usage, "left": self._left}


def _field(place: Place, name: str) -> str:
    return msgspec.json.encode((place.key, place.route, place.speculative, name)).decode()


def booked(days: Iterable[tuple[str, Mapping[bytes, bytes]]]) -> dict[Place, Use]:
    """The use in what the server keeps of each day; what no gateway wrote is left out."""
    found: dict[Place, Use] = {}
    for day, fields in days:
        for field, value in fields.items():
            try:
                key, route, speculative, name = msgspec.json.decode(field, type=tuple[str, str, bool, str])
                amount = float(value)
                use = msgspec.convert({name: amount if name.endswith("seconds") else round(amount)}, Use)
            except (msgspec.DecodeError, ValueError, OverflowError):
                continue
            place = Place(day=day, key=key, route=route, speculative=speculative)
            found[place] = found.get(place, Use()) + use
    return found
