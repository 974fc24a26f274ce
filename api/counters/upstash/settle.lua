-- Settles reservations: their charge stands, and one that is not known, or was refunded, is charged now. A settlement
-- that names a lease takes its relays from there. What is known as another node's is left alone.
--
-- KEYS: the node's open reservations, then for each settlement its reservation, its account's day, the day's accounts,
--   and the lease's reservation (the reservation once more where there is no lease).
-- ARGV: node, boot, then for each settlement: id, username, day, relays, "1" for a non-delivery report, when it is
--   forgotten (epoch ms; past: the day is closed, or far ahead, and what is not known is not charged), the lease's id
--   or "".
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for n = 0, (#ARGV - 2) / 7 - 1 do
  local id, username, day, relays = ARGV[7 * n + 3], ARGV[7 * n + 4], ARGV[7 * n + 5], tonumber(ARGV[7 * n + 6])
  local ndr, forgotten, leaseId = ARGV[7 * n + 7], ARGV[7 * n + 8], ARGV[7 * n + 9]
  local reservation, usage, accounts, lease = KEYS[4 * n + 2], KEYS[4 * n + 3], KEYS[4 * n + 4], KEYS[4 * n + 5]
  local before = redis.call("HMGET", reservation, "state", "node")
  -- A tombstone has no node: whoever has accepted the message settles it.
  local state, own = before[1], not before[2] or before[2] == ARGV[1]
  if own and state == "reserved" then
    redis.call("HSET", reservation, "state", "settled")
    redis.call("HDEL", KEYS[1], id)
  elseif own and state ~= "settled" and tonumber(forgotten) > now then
    local paid = false
    if leaseId ~= "" then
      local known = redis.call("HMGET", lease, "state", "username", "relays", "settled", "lease", "node")
      if known[1] == "reserved" and known[2] == username and known[5] == "1" and known[6] == ARGV[1]
        and known[4] + relays <= tonumber(known[3]) then
        redis.call("HINCRBY", lease, "settled", relays)
        redis.call("HINCRBY", usage, "leased", -relays)
        if known[4] + relays == tonumber(known[3]) then
          redis.call("HSET", lease, "state", "settled")
          redis.call("HDEL", KEYS[1], leaseId)
        end
        paid = true
      end
    end
    if not paid then
      redis.call("HINCRBY", usage, "used", relays)
      if ndr == "1" then redis.call("HINCRBY", usage, "ndr", relays) end
      redis.call("PEXPIREAT", usage, forgotten)
      redis.call("SADD", accounts, username)
      redis.call("PEXPIREAT", accounts, forgotten)
    end
    redis.call("HSET", reservation, "state", "settled", "username", username, "day", day, "relays", relays,
      "ndr", ndr, "lease", "0", "settled", 0, "node", ARGV[1], "boot", ARGV[2])
    redis.call("PEXPIREAT", reservation, forgotten)
  end
end
return 1
