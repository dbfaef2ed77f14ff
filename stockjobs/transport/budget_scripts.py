"""The Lua scripts of a budget: may a request be made now, what came of it, and how things stand.

Of each provider and egress there are five keys: `KEYS[1]` a hash, closed or not and why; `KEYS[2]` every request of the last
windows, `KEYS[3]` those of the historical lane among them, by the time at which they had left (or at the latest will have left)
the provider; `KEYS[4]` who waits, in order, `KEYS[5]` until when they are expected back.

A request counts from its grant until a window's length after its answer. The provider counts it in between, whenever that is,
so its own count is never higher than ours, however long the way there takes.
"""

from __future__ import annotations

_COMMON = r"""
local state, all, historical, waiting, coming = unpack(KEYS)
local SPANS = {1000, 60000, 3600000}
-- Clocks of two machines do not run alike, and we count whole milliseconds.
local SLACK, ROUNDING = 1.001, 2
local LONGEST = 2 * 3600000

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function count_since(span, now) return now - span * SLACK - ROUNDING end

local function number(name) return tonumber(redis.call('HGET', state, name) or 0) end

-- How long the n-th request from now has to wait until there is room in each window; a guess while those before it are under way.
local function wait_for(n, key, limits, now)
  local wait = 0
  for i, span in ipairs(SPANS) do
    local limit, since = limits[i], count_since(span, now)
    if limit > 0 then
      local used = redis.call('ZCOUNT', key, since, '+inf')
      local missing = used + n - limit
      if missing > 0 then
        local round, index = math.floor((missing - 1) / math.max(used, 1)), (missing - 1) % math.max(used, 1)
        local leaver = redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT', index, 1)
        local left = math.min(tonumber(leaver[2] or now), now + 250)
        wait = math.max(wait, left - since + round * span, 1)
      end
    end
  end
  return wait
end

-- Those who were to come back and did not have gone, or died.
local function forget_the_gone(now)
  local gone = redis.call('ZRANGEBYSCORE', coming, '-inf', now)
  if #gone > 0 then
    redis.call('ZREM', waiting, unpack(gone))
    redis.call('ZREM', coming, unpack(gone))
  end
end

-- In the queue realtime work stands before historical work.
local BEHIND = 1e14

local function ahead_of(ticket, lane)
  local place = redis.call('ZRANK', waiting, ticket)
  local realtime = redis.call('ZCOUNT', waiting, '-inf', '(' .. BEHIND)
  if lane == 'realtime' then
    place = place or realtime
    return place, 0
  end
  place = place or redis.call('ZCARD', waiting)
  return place, place - realtime
end

local function wait_of(ticket, lane, limits, kept, now, places)
  local ahead, of_its_lane = ahead_of(ticket, lane)
  local wait = wait_for(ahead + places, all, limits, now)
  if lane == 'historical' then wait = math.max(wait, wait_for(of_its_lane + places, historical, kept, now)) end
  return wait
end

-- Why the provider is closed ('' if it is open), and for how long still; a clock that was put back keeps nobody out for ever.
local function closure(now)
  local why = redis.call('HGET', state, 'closed') or ''
  local left = math.max(0, number('closed_until') - now)
  return why, left > LONGEST and 0 or left
end

-- Requests that ended well some milliseconds ago, each as its ticket and those: they count from then on. Those that are `unused`
-- were never made.
local function note_left(told, now)
  for ticket, ago in string.gmatch(told, '(%S+) (%S+)') do
    if ago == 'unused' then
      for _, key in ipairs({all, historical}) do redis.call('ZREM', key, ticket) end
    else
      for _, key in ipairs({all, historical}) do redis.call('ZADD', key, 'XX', now - ago, ticket) end
      -- What ended long ago says nothing about failures since.
      if tonumber(ago) < 1000 then redis.call('HDEL', state, 'failures') end
    end
  end
end
"""

ENTER = (
    _COMMON
    + r"""
-- ARGV: now or '', the ticket, the lane, the longest wait, the longest that a request takes, three limits, and what of them the
-- historical lane may use, the budget's name, what has ended since the last time, tickets of the requests that will follow at
-- once. KEYS[6]: the names of all budgets.
local now, ticket, lane = clock(ARGV[1]), ARGV[2], ARGV[3]
local most, longest = tonumber(ARGV[4]), tonumber(ARGV[5])
local limits, kept = {}, {}
for i = 1, 3 do limits[i], kept[i] = tonumber(ARGV[5 + i]), tonumber(ARGV[8 + i]) end
local budget = table.concat(limits, '/') .. ' ' .. table.concat(kept, '/')
local span = 0
for i = 1, 3 do if limits[i] > 0 then span = SPANS[i] end end

local function is_troubled() return redis.call('HGET', state, 'closed') or number('failures') > 0 end

local function answer(word, wait, why, more)
  return {word, math.ceil(wait), why, is_troubled() and 1 or 0, more and 1 or 0}
end

local function leave_queue()
  redis.call('ZREM', waiting, ticket)
  redis.call('ZREM', coming, ticket)
end

local function wait_or_go(wait, why)
  if wait <= most then return answer('wait', wait, why) end
  leave_queue()
  return answer('later', wait, why)
end

redis.call('HSET', state, 'budget', budget)
redis.call('SADD', KEYS[6], ARGV[12])
redis.call('PEXPIRE', state, 24 * 3600000)
note_left(ARGV[13], now)
local why, left = closure(now)
if left > 0 then return wait_or_go(left, why) end
if why ~= '' then
  local probing = number('probe_until') - now
  -- Somebody is finding out; a second later we know, or ask again.
  if probing > 0 and probing < LONGEST then return wait_or_go(math.min(probing, 500), why) end
end
for _, key in ipairs({all, historical}) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. count_since(span, now))
  -- From before the clock was put back.
  redis.call('ZREMRANGEBYSCORE', key, now + LONGEST, '+inf')
end
forget_the_gone(now)
local wait = wait_of(ticket, lane, limits, kept, now, 1)
if wait > 0 then
  if wait <= most then
    redis.call('ZADD', waiting, 'NX', now + (lane == 'realtime' and 0 or BEHIND), ticket)
    redis.call('ZADD', coming, now + wait + 2000, ticket)
    for _, key in ipairs({waiting, coming}) do redis.call('PEXPIRE', key, most + 60000) end
  end
  return wait_or_go(wait, why)
end
leave_queue()

local function let_go(name)
  local keys = span == 0 and {} or lane == 'historical' and {all, historical} or {all}
  for _, key in ipairs(keys) do
    redis.call('ZADD', key, now + longest, name)
    redis.call('PEXPIRE', key, span + longest + 60000)
  end
end

let_go(ticket)
if why ~= '' then redis.call('HSET', state, 'probe', ticket, 'probe_until', now + longest) end
-- Places in advance are for times of plenty: nobody waits, and some times as many would have room.
local more = {}
for name in string.gmatch(ARGV[14], '%S+') do more[#more + 1] = name end
local is_plenty = #more > 0 and why == '' and not is_troubled() and redis.call('ZCARD', waiting) == 0
  and wait_of('', lane, limits, kept, now, 4 * #more) == 0
if is_plenty then
  for _, name in ipairs(more) do let_go(name) end
end
return answer('go', 0, why, is_plenty)
"""
)

LEFT = (
    _COMMON
    + r"""
-- ARGV: now or '', what has ended since the last time
note_left(ARGV[2], clock(ARGV[1]))
"""
)

LEAVE = (
    _COMMON
    + r"""
-- ARGV: now or '', the ticket, what came of it: ok, limited, down or unknown; the wait that the provider asked for, '' for none;
-- cool-down, longest cool-down, failures until a break, break, longest break, calm
local now, ticket, outcome, asked = clock(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local cool, longest_cool, break_after = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local pause, longest_pause, calm = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local why, left = closure(now)
local is_probe = redis.call('HGET', state, 'probe') == ticket

for _, key in ipairs({all, historical}) do redis.call('ZADD', key, 'XX', now, ticket) end
if is_probe then redis.call('HDEL', state, 'probe', 'probe_until') end

-- How often it was closed in a row: a calm time in between ends the row.
local function again(name)
  local opened = number('opened_at')
  if why == '' and now - opened > math.max(calm, number('closed_for')) then
    redis.call('HDEL', state, 'limits', 'breaks')
  end
  return redis.call('HINCRBY', state, name, 1)
end

local function close(reason, wait)
  redis.call('HSET', state, 'closed', reason, 'closed_until', now + wait, 'closed_for', wait)
  return {reason, wait}
end

if outcome == 'ok' then
  redis.call('HDEL', state, 'failures')
  if not is_probe or why == '' then return {'', left} end
  redis.call('HDEL', state, 'closed', 'closed_until')
  redis.call('HSET', state, 'opened_at', now)
  return {'recovered', 0}
end
if outcome == 'limited' then
  if why ~= '' and not is_probe then
    -- Sent before it was closed: no new offence, but if it asks for more time it gets it.
    if asked and asked > left then return close('limited', math.min(asked, longest_cool)) end
    return {'', left}
  end
  local times = again('limits')
  return close('limited', math.min(asked or cool * 2 ^ math.min(times - 1, 20), longest_cool))
end
if outcome == 'down' then
  if why ~= '' and not is_probe then return {'', left} end
  if redis.call('HINCRBY', state, 'failures', 1) < break_after and not is_probe then return {'', left} end
  return close('down', math.min(pause * 2 ^ math.min(again('breaks') - 1, 20), longest_pause))
end
return {'', left}
"""
)

LOOK = (
    _COMMON
    + r"""
-- ARGV: now or ''. Changes nothing but who is still waiting.
local now = clock(ARGV[1])
local budget = redis.call('HGET', state, 'budget')
if not budget then return {} end
local limits, kept = {}, {}
for i, text in ipairs({string.match(budget, '(%d+)/(%d+)/(%d+) ')}) do limits[i] = tonumber(text) end
for i, text in ipairs({string.match(budget, ' (%d+)/(%d+)/(%d+)')}) do kept[i] = tonumber(text) end
forget_the_gone(now)
local why, left = closure(now)
local reply = {now, why, left, number('probe_until') > now and 1 or 0, number('failures'), redis.call('ZCARD', waiting)}
for _, lane in ipairs({'realtime', 'historical'}) do
  reply[#reply + 1] = math.ceil(math.max(left, wait_of('', lane, limits, kept, now, 1)))
end
for i = 1, 3 do reply[#reply + 1] = limits[i] end
for i = 1, 3 do reply[#reply + 1] = kept[i] end
for _, key in ipairs({all, historical}) do
  for i = 1, 3 do reply[#reply + 1] = redis.call('ZCOUNT', key, count_since(SPANS[i], now), '+inf') end
end
return reply
"""
)
