"""The journal's keys in Redis, and the scripts that write to them.

Whoever appends names the fence it was given when it became the leader and the epoch that it knows;
the script that appends refuses any but the present ones. So a leader that was frozen and wakes up
writes nothing, and a Redis that has lost its memory takes nothing from whoever has not noticed.
"""

FENCE = "crs:fence"
EPOCH = "crs:epoch"
LAST = "crs:said:last"
SAID = "crs:said"
MARKET = "crs:market"

_PERMITTED = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return redis.error_reply('FENCED another leads, or the epoch is over')
end
"""
# Fence, epoch, last, said; fence, epoch, event, topic, packed, kept -> the entry's offset.
SAY = (
    _PERMITTED
    + """
local offset = redis.call('INCR', KEYS[3])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], string.format('%.0f-0', offset),
  'epoch', ARGV[2], 'event', ARGV[3], 'topic', ARGV[4], 'packed', ARGV[5])
return offset
"""
)
# Fence, epoch, market, candles...; fence, epoch, report, kept, seconds, rows... (one for each of
# the candles' keys).
REPORT = (
    _PERMITTED
    + """
for i = 4, #KEYS do
  redis.call('APPEND', KEYS[i], ARGV[i + 2])
  redis.call('EXPIRE', KEYS[i], ARGV[5])
end
return redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'epoch', ARGV[2], 'report', ARGV[3])
"""
)
# Fence, epoch, key; fence, epoch, value, seconds.
KEEP = _PERMITTED + "return redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[4])"
# Fence, epoch, last, said; fence, the epoch known here, the last offset known here, a new epoch.
# The epoch goes on where nothing that was said is missing; offsets go on in any case.
BEGIN = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED another leads')
end
local epoch = redis.call('GET', KEYS[2])
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
local known = tonumber(ARGV[3])
if epoch and (epoch ~= ARGV[2] or last >= known) then
  return {epoch, 0}
end
local base = math.max(last, known)
epoch = ARGV[4] .. ':' .. string.format('%.0f', base)
redis.call('SET', KEYS[2], epoch)
redis.call('SET', KEYS[3], string.format('%.0f', base))
redis.call('DEL', KEYS[4])
return {epoch, 1}
"""
