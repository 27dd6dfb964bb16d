import { RedisScript } from './RedisScript.js';

/**
 * Kept below a base: `record:<id>`, a hash of sealed fields, `owner` (hashed) and `speaker`; `used`, all
 * ids by the time of their last use; `of:<owner>`, the same of one owner; and `whole`, without which
 * Redis has lost what was in it, and with the time at which replicas began to write it again.
 *
 * Keys that scripts make themselves do not work in a Redis cluster.
 */
const common = `
local base = KEYS[1]
local used = base .. 'used'
local function now(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function keysOf(id)
  return base .. 'record:' .. id, base .. 'events:' .. id, base .. 'dropped:' .. id, base .. 'order:' .. id
end
local function renew(id, owner, at, lifetime)
  redis.call('ZADD', used, at, id)
  redis.call('ZADD', base .. 'of:' .. owner, at, id)
  for _, key in ipairs({ used, base .. 'of:' .. owner, keysOf(id) }) do redis.call('PEXPIRE', key, lifetime) end
end
local function take(id)
  local record, events, dropped, order = keysOf(id)
  local fields = redis.call('HGETALL', record)
  local owner = redis.call('HGET', record, 'owner')
  redis.call('ZREM', used, id)
  if owner then redis.call('ZREM', base .. 'of:' .. owner, id) end
  redis.call('DEL', record, events, dropped, order)
  if #fields == 0 then return false end
  return { id, fields }
end
local function isWhole(at, grace)
  local since = redis.call('GET', base .. 'whole')
  return since and (since == '0' or at - tonumber(since) >= grace)
end
`;

/** now, lifetime, cap, id, owner, then fields and values: nothing for a new place, 0 for none, or the session that has given way. */
export const addScript = new RedisScript(`${common}
local at, lifetime, max, id, owner = now(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local displaced = false
if redis.call('ZCARD', used) >= max then
  local own = redis.call('ZRANGE', base .. 'of:' .. owner, 0, 0)[1]
  if not own then return 0 end
  displaced = take(own)
end
redis.call('HSET', base .. 'record:' .. id, 'owner', owner, unpack(ARGV, 6))
renew(id, owner, at, lifetime)
return displaced
`);

/** now, grace, id: the fields, or 0 if it cannot be known whether there is one. */
export const findScript = new RedisScript(`${common}
local fields = redis.call('HGETALL', base .. 'record:' .. ARGV[3])
if #fields == 0 and not isWhole(now(ARGV[1]), tonumber(ARGV[2])) then return 0 end
return fields
`);

/** id, how many values, fields and values, then fields to delete. */
export const changeScript = new RedisScript(`${common}
local record, count = base .. 'record:' .. ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', record) == 0 then return 0 end
if count > 0 then redis.call('HSET', record, unpack(ARGV, 3, 2 + 2 * count)) end
if #ARGV > 2 + 2 * count then redis.call('HDEL', record, unpack(ARGV, 3 + 2 * count)) end
return 1
`);

/** id, replica: the one before. */
export const speakScript = new RedisScript(`${common}
local record = base .. 'record:' .. ARGV[1]
if redis.call('EXISTS', record) == 0 then return false end
local before = redis.call('HGET', record, 'speaker')
redis.call('HSET', record, 'speaker', ARGV[2])
return before
`);

export const takeScript = new RedisScript(`${common}
return take(ARGV[1])
`);

/** now, lifetime, idle time, grace, most to end at once, how many were used, their ids, then the ids of those held. */
export const syncScript = new RedisScript(`${common}
local at, lifetime, ended, idle = now(ARGV[1]), ARGV[2], {}, {}
local count = tonumber(ARGV[6])
for i = 7, 6 + count do
  local owner = redis.call('HGET', base .. 'record:' .. ARGV[i], 'owner')
  if owner then renew(ARGV[i], owner, at, lifetime) end
end
if isWhole(at, tonumber(ARGV[4])) then
  for i = 7 + count, #ARGV do
    if redis.call('EXISTS', base .. 'record:' .. ARGV[i]) == 0 then table.insert(ended, ARGV[i]) end
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', used, '-inf', at - tonumber(ARGV[3]), 'LIMIT', 0, ARGV[5])) do
  local taken = take(id)
  if taken then table.insert(idle, taken) end
end
return { ended, idle }
`);

/** now, lifetime, id, owner, fields and values: written if they are not there. */
export const restoreScript = new RedisScript(`${common}
local record = base .. 'record:' .. ARGV[3]
if redis.call('EXISTS', record) == 0 then redis.call('HSET', record, 'owner', ARGV[4]) end
for i = 5, #ARGV, 2 do redis.call('HSETNX', record, ARGV[i], ARGV[i + 1]) end
renew(ARGV[3], ARGV[4], now(ARGV[1]), ARGV[2])
return 1
`);

/** now, or 0 for a deployment that is new. */
export const wholeScript = new RedisScript(`${common}
local at = ARGV[1]
if at ~= '0' then at = tostring(now(at)) end
return redis.call('SET', base .. 'whole', at, 'NX')
`);
