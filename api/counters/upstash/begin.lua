-- Begins with what is known of a day from elsewhere: of each account's day at least so much is used.
--
-- KEYS: the day's accounts, then for each account its day.
-- ARGV: when the day is forgotten (epoch ms), then for each account: username, used relays, those of them for
--   non-delivery reports.
for n = 0, (#ARGV - 1) / 3 - 1 do
  local username, used, ndr = unpack(ARGV, 3 * n + 2, 3 * n + 4)
  local usage = KEYS[n + 2]
  local before = redis.call("HMGET", usage, "used", "ndr")
  if (tonumber(before[1]) or 0) < tonumber(used) then redis.call("HSET", usage, "used", used) end
  if (tonumber(before[2]) or 0) < tonumber(ndr) then redis.call("HSET", usage, "ndr", ndr) end
  redis.call("PEXPIREAT", usage, ARGV[1])
  redis.call("SADD", KEYS[1], username)
end
redis.call("PEXPIREAT", KEYS[1], ARGV[1])
