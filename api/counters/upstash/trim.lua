-- Makes leases smaller; what was settled with one stays charged, whatever size it is told to have. One of which all is
-- settled then has ended. Another node's is left alone.
--
-- KEYS: the node's open reservations, then for each trim the lease's reservation.
-- ARGV: what the key of an account's day begins with, node, then for each trim: id, new size in relays.
--
-- The day is the lease's own, so its key is made here, and is not among KEYS.
for n = 0, (#ARGV - 2) / 2 - 1 do
  local id, relays, lease = ARGV[2 * n + 3], tonumber(ARGV[2 * n + 4]), KEYS[n + 2]
  local known = redis.call("HMGET", lease, "state", "relays", "settled", "lease", "day", "username", "node")
  if known[1] == "reserved" and known[4] == "1" and known[7] == ARGV[2] then
    local size = math.max(relays, tonumber(known[3]))
    local back = known[2] - size
    if back > 0 then
      local usage = ARGV[1] .. known[5] .. ":" .. known[6]
      redis.call("HSET", lease, "relays", size)
      redis.call("HINCRBY", usage, "used", -back)
      redis.call("HINCRBY", usage, "leased", -back)
    end
    if size == tonumber(known[3]) then
      redis.call("HSET", lease, "state", "settled")
      redis.call("HDEL", KEYS[1], id)
    end
  end
end
return 1
