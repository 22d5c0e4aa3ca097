"""What Redis runs to remove entries; see ``scripts`` for what all scripts share."""

from __future__ import annotations

from typing import Final

from medha_redis.scripts import COMMON, NEED

REMOVED_AT_ONCE: Final = 250
"""Entries that one call of a script removes, so that others need not wait long."""

DROP: Final = (
    COMMON
    + """
if known[2] == 'search' then redis.pcall('FT.DROPINDEX', index) end
remove_all()
return redis.call('UNLINK', about)
"""
)

CLEAR: Final = (
    NEED
    + """
if in_set then return remove_all() end
-- taking vectors out of an HNSW graph one by one takes about a millisecond each
redis.pcall('FT.DROPINDEX', index)
local removed = remove_all()
make_index('SKIPINITIALSCAN', 'SCHEMA', unpack(cjson.decode(redis.call('HGET', about, 'schema'))))
return removed
"""
)

REMOVE: Final = (
    NEED
    + """
local removed = 0
for n = 5 + tonumber(ARGV[4]), #ARGV do
  local id = ARGV[n]
  local row = redis.call('HMGET', entries .. id, 'tokens', 'expires')
  if fits(row[1], row[2], 3) and redis.call('DEL', entries .. id) == 1 then
    removed = removed + 1
    forget(id)
  end
end
sweep(1000)
return removed
"""
)
"""ARGV: the condition, the ids. Returns how many there were."""

REMOVE_FOUND: Final = (
    NEED
    + """
local found = redis.call('FT.SEARCH', index, ARGV[3], 'NOCONTENT', 'LIMIT', 0, ARGV[4],
                         'DIALECT', 2, 'TIMEOUT', ARGV[5])
local removed = 0
for n = 2, #found do
  removed = removed + redis.call('DEL', found[n])
  forget(string.sub(found[n], #entries + 1))
end
sweep(1000)
return {removed, #found - 1}
"""
)
"""ARGV: the query, at most how many, and for how long. Returns how many there were, and how many were found."""
