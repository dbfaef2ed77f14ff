"""The two Lua scripts of the lanes: put messages at their place, and take as many as there are free slots.

A lane is a Redis list kept in the order of rank, the worst at the left and the best at the right end, from where it is
served; of equals the earlier published stands further right. A message without a rank counts as the worst.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha1

Ranked = tuple[str, bytes]
"""The rank of a message ("" for none), and the message as it stands in the list."""

INSERT = r"""
-- KEYS[1]: the lane. ARGV[1]: '1' if the messages return to their place before their equals, '0' if they are new.
-- ARGV[2..]: rank, message, rank, message … from the best rank to the worst, equals in the order to be served.
local lane, returns = KEYS[1], ARGV[1] == '1'

local function rank_of(message)
  local rank = message and string.match(message, '"rank"%s*:%s*"(%d+)"')
  return rank and #rank == 36 and rank or ''
end

-- Whether a message of rank a belongs to the right of one of rank b that is there already.
local function is_right_of(a, b)
  if returns then return a >= b end
  return a > b
end

local function push(command, messages)
  -- Lua can pass some thousand arguments at once, not more.
  for i = 1, #messages, 500 do
    redis.call(command, lane, unpack(messages, i, math.min(i + 499, #messages)))
  end
end

local function place_of(rank)
  local low, high = 0, redis.call('LLEN', lane)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_right_of(rank, rank_of(redis.call('LINDEX', lane, middle))) then low = middle + 1 else high = middle end
  end
  return low
end

-- For a few messages: walks the list once for each.
local function insert(i)
  local next_better = redis.call('LINDEX', lane, place_of(ARGV[i]))
  if next_better then
    redis.call('LINSERT', lane, 'BEFORE', next_better, ARGV[i + 1])
  else
    -- Only where a stranger has spoilt the order.
    redis.call('RPUSH', lane, ARGV[i + 1])
  end
end

-- For many: takes off all that is better than the worst of ours, and puts both back in order.
local function merge(first, last)
  local start = place_of(ARGV[last])
  local better, merged, ours = redis.call('LRANGE', lane, start, -1), {}, last
  if start == 0 then redis.call('DEL', lane) else redis.call('LTRIM', lane, 0, start - 1) end
  for _, message in ipairs(better) do
    local rank = rank_of(message)
    while ours >= first and not is_right_of(ARGV[ours], rank) do
      merged[#merged + 1] = ARGV[ours + 1]
      ours = ours - 2
    end
    merged[#merged + 1] = message
  end
  for i = ours, first, -2 do merged[#merged + 1] = ARGV[i + 1] end
  push('RPUSH', merged)
end

local first, last = 2, #ARGV - 1
if redis.call('EXISTS', lane) == 1 then
  local best, worst = rank_of(redis.call('LINDEX', lane, -1)), rank_of(redis.call('LINDEX', lane, 0))
  while first <= last and is_right_of(ARGV[first], best) do first = first + 2 end
  while last >= first and not is_right_of(ARGV[last], worst) do last = last - 2 end
else
  first = last + 2
end
if last - first > 16 then
  merge(first, last)
elseif returns then
  for i = last, first, -2 do insert(i) end
else
  for i = first, last, 2 do insert(i) end
end
local best_of_all, worst_of_all = {}, {}
for i = first - 2, 2, -2 do best_of_all[#best_of_all + 1] = ARGV[i + 1] end
for i = last + 2, #ARGV - 1, 2 do worst_of_all[#worst_of_all + 1] = ARGV[i + 1] end
push('RPUSH', best_of_all)
push('LPUSH', worst_of_all)
return redis.call('LLEN', lane)
"""

FETCH = r"""
-- KEYS: the lists, in the order in which they are served. ARGV: how many to take, the credit of the historical lane and
-- its share, both in thousandths, and the places of the realtime and the historical lane in KEYS (0 for none).
local free, credit, share = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local realtime, historical = tonumber(ARGV[4]), tonumber(ARGV[5])
local lengths = {}
for i, key in ipairs(KEYS) do lengths[i] = redis.call('LLEN', key) end

local function next_list()
  for i = 1, #KEYS do
    if lengths[i] > 0 then
      if i ~= realtime or historical == 0 or lengths[historical] == 0 then return i end
      credit = credit + share
      if credit < 1000 then return i end
      credit = credit - 1000
      return historical
    end
  end
end

local reply = {0}
while free > 0 do
  local list = next_list()
  if not list then break end
  reply[#reply + 1] = list
  reply[#reply + 1] = redis.call('RPOP', KEYS[list])
  lengths[list] = lengths[list] - 1
  free = free - 1
end
reply[1] = credit
return reply
"""

FETCH_SHA = sha1(FETCH.encode(), usedforsecurity=False).hexdigest()

_RANK = re.compile(rb'"rank"\s*:\s*"([0-9]{36})"')


def rank_in(message: bytes) -> str:
    """The rank that a message in a lane carries, "" if it has none: the same reading as the script's."""
    found = _RANK.search(message)
    return found[1].decode() if found else ""


def insert_arguments(messages: Sequence[Ranked], *, returns: bool = False) -> list[str | bytes]:
    """The ARGV of `INSERT`. Messages are given in the order of publishing, or, if they return, of having been taken."""
    arguments: list[str | bytes] = ["1" if returns else "0"]
    for rank, message in sorted(messages, key=lambda ranked: ranked[0], reverse=True):
        arguments += (rank, message)
    return arguments
