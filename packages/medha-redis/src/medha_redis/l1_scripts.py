"""What Redis runs for the L1 cache.

KEYS[1] is the collection's fence, KEYS[2] the sorted set of its answers' names by their last use; ARGV[1] and ARGV[2]
are where the keys of answers and of tags begin. A name is a digest, and so is a tag.
"""

from __future__ import annotations

from typing import Final

_FENCE: Final = """
local fence, used = KEYS[1], KEYS[2]
local answers, tags = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- a fence that Redis lost begins anew at the clock's microseconds: higher than it ever was
local function current()
  local value = redis.call('GET', fence)
  if not value then
    value = clock[1] .. string.format('%06d', clock[2])
    redis.call('SET', fence, value)
  end
  return value
end

local function drop(name)
  redis.call('ZREM', used, name)
  return redis.call('UNLINK', answers .. name)
end

-- some names at random: of what Redis let go of by itself little is ever left
local function tidy()
  for _, name in ipairs(redis.call('ZRANDMEMBER', used, 5)) do
    if redis.call('EXISTS', answers .. name) == 0 then redis.call('ZREM', used, name) end
  end
end
"""

GET: Final = (
    _FENCE
    + """
local name = ARGV[3]
local kept = redis.call('HMGET', answers .. name, 'hit', 'tags')
if not kept[1] or not kept[2] then return {current(), false} end
-- where Redis evicted a list of names, clear or invalidate could not find the answer: it does not count any more
if not redis.call('ZSCORE', used, name) then
  drop(name)
  return {current(), false}
end
for tag in string.gmatch(kept[2], '%x+') do
  if redis.call('SISMEMBER', tags .. tag, name) == 0 then
    drop(name)
    return {current(), false}
  end
end
redis.call('ZADD', used, 'XX', now, name)
return {current(), kept[1]}
"""
)
"""ARGV[3]: the name. Returns the fence and the answer."""

SET: Final = (
    _FENCE
    + """
local name, hit, seen, most = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[8])
if current() ~= seen then return 0 end
local due = now + tonumber(ARGV[6])
local expires = tonumber(ARGV[7])
if expires and expires > now and expires < due then due = expires end
due = string.format('%.0f', due)
redis.call('HSET', answers .. name, 'hit', hit, 'tags', table.concat(ARGV, ',', 9))
redis.call('PEXPIREAT', answers .. name, due)
for n = 9, #ARGV do
  local key = tags .. ARGV[n]
  redis.call('SADD', key, name)
  if redis.call('PEXPIRETIME', key) < tonumber(due) then redis.call('PEXPIREAT', key, due) end
  for _, other in ipairs(redis.call('SRANDMEMBER', key, 2)) do
    if redis.call('EXISTS', answers .. other) == 0 then redis.call('SREM', key, other) end
  end
end
redis.call('ZADD', used, now, name)
tidy()
if most > 0 then
  local over = redis.call('ZCARD', used) - most
  if over > 0 then
    for _, old in ipairs(redis.call('ZRANGE', used, 0, over - 1)) do drop(old) end
  end
end
return 1
"""
)
"""ARGV from 3 on: the name, the answer, the fence that was read, how long to keep it and until when in milliseconds,
how many answers to keep, and the tags. Returns 0 when the fence has moved."""

INVALIDATE: Final = (
    _FENCE
    + """
current()
redis.call('INCR', fence)
local removed = 0
for n = 3, #ARGV do
  local key = tags .. ARGV[n]
  for _, name in ipairs(redis.call('SMEMBERS', key)) do removed = removed + drop(name) end
  redis.call('UNLINK', key)
end
return removed
"""
)
"""ARGV from 3 on: the tags. Returns how many answers there were."""

CLEAR: Final = (
    _FENCE
    + """
current()
redis.call('INCR', fence)
for _, name in ipairs(redis.call('ZRANGE', used, 0, -1)) do
  for tag in string.gmatch(redis.call('HGET', answers .. name, 'tags') or '', '%x+') do
    redis.call('UNLINK', tags .. tag)
  end
  redis.call('UNLINK', answers .. name)
end
return redis.call('UNLINK', used)
"""
)
