-- Makes leases smaller; what was settled with one stays charged, whatever size it is told to have.
--
-- KEYS: for each trim the lease's reservation and its account's day. ARGV: for each its new size in relays.
for n = 1, #ARGV do
  local lease, usage = KEYS[2 * n - 1], KEYS[2 * n]
  local known = redis.call("HMGET", lease, "state", "relays", "settled", "lease")
  if known[1] == "reserved" and known[4] == "1" then
    local size = math.max(tonumber(ARGV[n]), tonumber(known[3]))
    local back = known[2] - size
    if back > 0 then
      redis.call("HSET", lease, "relays", size)
      redis.call("HINCRBY", usage, "used", -back)
      redis.call("HINCRBY", usage, "leased", -back)
    end
  end
end
return 1
