"""What Redis runs for the backend: Lua, so that each call is one step and one round trip.

KEYS are those of ``schema.Names``; ARGV[1] is where the entries' keys begin, ARGV[2] the name of the index.
Each returns nil when there is no such collection.
"""

from __future__ import annotations

from typing import Final

COMMON: Final = """
local about, order, expiry, vectors = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local entries, index = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local known = redis.call('HMGET', about, 'dimension', 'engine', 'm', 'ef_construction')
local in_set = known[2] == 'vector_sets'

local function forget(id)
  redis.call('ZREM', order, id)
  redis.call('ZREM', expiry, id)
  if in_set then redis.call('VREM', vectors, id) end
end

-- Redis lets go of expired entries by itself; what else is kept of them goes here
local function sweep(most)
  local due = redis.call('ZRANGEBYSCORE', expiry, '-inf', '(' .. now, 'LIMIT', 0, most)
  for _, id in ipairs(due) do
    redis.call('ZREM', expiry, id)
    if redis.call('EXISTS', entries .. id) == 0 then forget(id) end
  end
  return #due
end

-- the condition stands in ARGV: expired at what instant (or ''), how many tokens, the tokens
local function fits(tokens, expires, first)
  for n = first + 2, first + 1 + tonumber(ARGV[first + 1]) do
    if not tokens or not string.find(tokens, ARGV[n], 1, true) then return false end
  end
  if ARGV[first] == '' then return true end
  return expires and expires ~= 'inf' and tonumber(expires) <= tonumber(ARGV[first])
end

local function remove_all()
  local removed = 0
  for _, id in ipairs(redis.call('ZRANGE', order, 0, -1)) do
    removed = removed + redis.call('UNLINK', entries .. id)
  end
  redis.call('UNLINK', order, expiry, vectors)
  return removed
end

local function make_index(...)
  redis.call('FT.CREATE', index, 'ON', 'HASH', 'PREFIX', 1, entries, ...)
end
"""

NEED: Final = COMMON + "if not known[1] then return false end\n"

INITIALIZE: Final = (
    COMMON
    + """
local name, dimension, model, engine, m, ef = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local schema = {unpack(ARGV, 9)}
if not known[1] then
  if engine == 'search' then
    redis.pcall('FT.DROPINDEX', index)
    remove_all()
    make_index('SKIPINITIALSCAN', 'SCHEMA', unpack(schema))
  else
    remove_all()
  end
  redis.call('HSET', about, 'name', name, 'dimension', dimension, 'model', model, 'engine', engine,
             'm', m, 'ef_construction', ef, 'schema', cjson.encode(schema))
elseif known[2] == 'search' and engine == 'search' and redis.pcall('FT.INFO', index).err then
  -- somebody dropped the index: Redis fills the new one in the background
  make_index('SCHEMA', unpack(cjson.decode(redis.call('HGET', about, 'schema'))))
end
return redis.call('HMGET', about, 'dimension', 'model', 'engine')
"""
)
"""ARGV: name, dimension, model, engine, M, EF_CONSTRUCTION, then the schema of the index."""

STORE: Final = (
    NEED
    + """
local blob, size = ARGV[3], tonumber(ARGV[4])
if size ~= known[1] * 4 then return tonumber(known[1]) end
sweep(1000)
local at = 1
local function take()
  local value
  value, at = struct.unpack('<I4c0', blob, at)
  return value
end
while at <= #blob do
  local id, entry, tokens, expires = take(), take(), take(), take()
  local correct, incorrect, vector = take(), take(), take()
  local key = entries .. id
  local serial = redis.call('ZSCORE', order, id)
  if serial then
    redis.call('PERSIST', key)
    redis.call('ZREM', expiry, id)
  else
    serial = redis.call('HINCRBY', about, 'serial', 1)
    redis.call('ZADD', order, serial, id)
  end
  redis.call('HSET', key, 'entry', entry, 'tokens', tokens, 'expires', expires, 'serial', serial,
             'correct', correct, 'incorrect', incorrect, 'vector', vector)
  if expires ~= 'inf' then
    -- never before the instant; what has expired already waits to be deleted, as the contract has it
    local due = math.floor(expires * 1000) + 1
    if due > now and due < 9e15 then
      redis.call('PEXPIREAT', key, string.format('%.0f', due))
      redis.call('ZADD', expiry, string.format('%.0f', due), id)
    end
  end
  if in_set then
    local alive_until = expires == 'inf' and '1.7976931348623157e308' or expires
    redis.call('VADD', vectors, 'FP32', vector, id, 'NOQUANT', 'EF', known[4],
               'SETATTR', '{"t":["' .. tokens:gsub(',', '","') .. '"],"x":' .. alive_until .. '}', 'M', known[3])
  end
end
return 0
"""
)
"""ARGV: the entries (see ``schema.to_chunks``), and the bytes of each vector. Returns 0, or the true dimension."""

GET: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local found = {}
for n = 4, #ARGV do
  local key = ARGV[1] .. ARGV[n]
  local row
  if ARGV[3] == '1' then
    row = redis.call('HMGET', key, 'entry', 'correct', 'incorrect', 'vector')
  else
    row = redis.call('HMGET', key, 'entry', 'correct', 'incorrect')
  end
  if row[1] or redis.call('EXISTS', key) == 1 then
    table.insert(row, 1, ARGV[n])
    found[#found + 1] = row
  end
end
return {tonumber(redis.call('HGET', KEYS[1], 'dimension')), found}
"""
"""ARGV[3]: '1' for vectors too; then the ids. Returns the dimension and the rows."""

PAGE: Final = (
    NEED
    + """
local after, most, looked = ARGV[3], tonumber(ARGV[4]), 0
local found = {}
while #found < most and looked < 5000 do
  local batch = redis.call('ZRANGEBYSCORE', order, '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, most - #found)
  if #batch == 0 then return {tonumber(known[1]), found, false} end
  for n = 1, #batch, 2 do
    local id = batch[n]
    after, looked = batch[n + 1], looked + 1
    local row = redis.call('HMGET', entries .. id, 'entry', 'correct', 'incorrect', ARGV[5], 'tokens', 'expires')
    if not row[1] and redis.call('EXISTS', entries .. id) == 0 then
      forget(id)
    elseif fits(row[5], row[6], 6) then
      found[#found + 1] = {id, row[1], row[2], row[3], row[4], after}
    end
  end
end
return {tonumber(known[1]), found, after}
"""
)
"""ARGV: after which serial number, how many, one more field, the condition. Returns the dimension, the rows, and
how far it came, or nil at the end."""

COUNT: Final = (
    NEED
    + """
repeat until sweep(1000) == 0
return redis.call('ZCARD', order)
"""
)

NEAREST: Final = (
    NEED
    + """
local filter, most, ef = ARGV[4], tonumber(ARGV[5]), ARGV[6]
local options = {'WITHSCORES', 'COUNT', most}
if filter ~= '' then
  for _, option in ipairs({'FILTER', filter, 'FILTER-EF', 1000000000}) do options[#options + 1] = option end
end
local held = redis.call('VCARD', vectors)
if ef == '0' or held <= 1000 or held <= most * 4 then
  options[#options + 1] = 'TRUTH'
else
  options[#options + 1] = 'EF'
  options[#options + 1] = math.max(tonumber(ef), most)
end
local near = redis.call('VSIM', vectors, 'FP32', ARGV[3], unpack(options))
local rows = {}
for n = 1, #near, 2 do
  local row = redis.call('HMGET', entries .. near[n], 'entry', 'correct', 'incorrect')
  if row[1] or redis.call('EXISTS', entries .. near[n]) == 1 then
    rows[#rows + 1] = {near[n], near[n + 1], row[1], row[2], row[3]}
  else
    forget(near[n])
  end
end
return {#near / 2, rows}
"""
)
"""ARGV: the vector, a filter, how many, EF (0 compares every vector). Returns how many were near, and their rows."""

FEEDBACK: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local key = ARGV[1] .. ARGV[3]
if redis.call('EXISTS', key) == 0 then return {} end
return {redis.call('HINCRBY', key, 'correct', ARGV[4]), redis.call('HINCRBY', key, 'incorrect', ARGV[5])}
"""
"""ARGV: the id, and what to add."""
