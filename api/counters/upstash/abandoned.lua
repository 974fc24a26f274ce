-- Some of the reservations that a node left open in boots before this one: boots are named so that they sort.
--
-- KEYS: the node's open reservations. ARGV: boot, the cursor where the last call ended ("0" at first), how many to look at.
-- Answers {cursor, id…}; the cursor is "0" when all were looked at.
local found = redis.call("HSCAN", KEYS[1], ARGV[2], "COUNT", ARGV[3])
local answer = { found[1] }
for n = 1, #found[2], 2 do
  if found[2][n + 1] < ARGV[1] then answer[#answer + 1] = found[2][n] end
end
return answer
