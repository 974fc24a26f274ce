-- Refunds reservations: what was reserved goes back to its day, of a lease what was not settled. One that is not known
-- leaves a tombstone, so that it is never granted. Of a settled one, and of another node's, it does nothing.
--
-- KEYS: the node's open reservations, then for each refund its reservation.
-- ARGV: what the key of an account's day begins with, node, then for each refund: id, username, day, relays, when it is
--   forgotten (epoch ms; past: the day is closed, or far ahead, and a tombstone is of no use).
-- Answers how many were open.
--
-- The day is the reservation's own, which only the store knows where the node never had its answer: so the key of the
-- account's day is made here, and is not among KEYS.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local open = 0
for n = 0, (#ARGV - 2) / 5 - 1 do
  local id, username, day, relays, forgotten = unpack(ARGV, 5 * n + 3, 5 * n + 7)
  local reservation = KEYS[n + 2]
  local known = redis.call("HMGET", reservation,
    "state", "username", "day", "relays", "ndr", "lease", "settled", "node")
  if known[1] == "reserved" and known[8] == ARGV[2] then
    local usage = ARGV[1] .. known[3] .. ":" .. known[2]
    local back = known[4] - known[7]
    redis.call("HSET", reservation, "state", "refunded")
    redis.call("HINCRBY", usage, "used", -back)
    if known[5] == "1" then redis.call("HINCRBY", usage, "ndr", -back) end
    if known[6] == "1" then redis.call("HINCRBY", usage, "leased", -back) end
    open = open + 1
  elseif not known[1] and tonumber(forgotten) > now then
    redis.call("HSET", reservation, "state", "refunded", "username", username, "day", day, "relays", relays,
      "ndr", "0", "lease", "0", "settled", 0)
    redis.call("PEXPIREAT", reservation, forgotten)
  end
  redis.call("HDEL", KEYS[1], id)
end
return open
