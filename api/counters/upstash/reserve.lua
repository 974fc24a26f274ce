-- Adds each request to its account's day if used + relays <= limit, by the reservation's id.
--
-- KEYS: the node's open reservations, the day's accounts, what is there once the counters have begun, then for each
--   request its reservation and its account's day.
-- ARGV: the day, from and until (epoch ms; outside of them the limits are not right), when reservations and the
--   day's keys are forgotten (epoch ms), node, boot, then for each request: id, username, relays, limit, limit of
--   non-delivery reports ("" for other messages), "1" for a lease.
-- Answers {-1} where the counters have not begun, {now} outside of from and until; else {now, answer…}, where an answer is {granted, day, used, leased, ndr used}.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local day, from, till, forgotten = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local node, boot = ARGV[5], ARGV[6]
if redis.call("EXISTS", KEYS[3]) == 0 then return { -1 } end
if now < from or now >= till then return { now } end

local answers = { now }
for n = 0, (#ARGV - 6) / 6 - 1 do
  local id, username, relays = ARGV[6 * n + 7], ARGV[6 * n + 8], tonumber(ARGV[6 * n + 9])
  local limit, report, lease = tonumber(ARGV[6 * n + 10]), ARGV[6 * n + 11], ARGV[6 * n + 12] == "1"
  local reservation, usage = KEYS[2 * n + 4], KEYS[2 * n + 5]
  local before = redis.call("HMGET", usage, "used", "ndr", "leased")
  local used, ndr, leased = tonumber(before[1]) or 0, tonumber(before[2]) or 0, tonumber(before[3]) or 0
  local earlier = redis.call("HMGET", reservation, "state", "username", "day", "relays", "ndr", "lease", "settled")
  if earlier[1] then
    local granted = earlier[1] ~= "refunded" and earlier[2] == username
    if granted and earlier[3] == day then
      used = used - earlier[4]
      if earlier[5] == "1" then ndr = ndr - earlier[4] end
      if earlier[6] == "1" and earlier[1] == "reserved" then leased = leased - (earlier[4] - earlier[7]) end
    end
    answers[n + 2] = { granted and 1 or 0, earlier[3], used, leased, ndr }
  elseif used + relays > limit or (report ~= "" and ndr + relays > tonumber(report)) then
    -- Leases are not called back for another lease.
    if used + relays > limit and leased > 0 and not lease then redis.call("HSET", usage, "wanted", now) end
    answers[n + 2] = { 0, day, used, leased, ndr }
  else
    redis.call("HSET", reservation, "state", "reserved", "username", username, "day", day, "relays", relays,
      "ndr", report == "" and "0" or "1", "lease", lease and "1" or "0", "settled", 0, "node", node, "boot", boot)
    redis.call("PEXPIREAT", reservation, forgotten)
    redis.call("HINCRBY", usage, "used", relays)
    if report ~= "" then redis.call("HINCRBY", usage, "ndr", relays) end
    if lease then redis.call("HINCRBY", usage, "leased", relays) end
    redis.call("PEXPIREAT", usage, forgotten)
    redis.call("SADD", KEYS[2], username)
    redis.call("HSET", KEYS[1], id, boot)
    answers[n + 2] = { 1, day, used, leased, ndr }
  end
end
redis.call("PEXPIREAT", KEYS[1], forgotten)
redis.call("PEXPIREAT", KEYS[2], forgotten)
return answers
