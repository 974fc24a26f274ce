import { assertEquals, assertMatch } from "@std/assert";
import { certificateFinding } from "../../../relay/doctor/certificate.ts";
import { issueLeaf, makeAuthority } from "../../../relay/tls/own_authority.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const DAY_MS = 86_400_000;
/** As the relay's own authority issues them. */
const LASTS_DAYS = 397;

const authority = await makeAuthority("relay.test", NOW);
const { certPem: cert, keyPem: key } = await issueLeaf(authority, ["relay.test"], NOW);
const finding = (days: number, name = "relay.test", own = false) =>
  certificateFinding({ cert, key }, name, own, NOW + days * DAY_MS);

Deno.test("certificate: good, ending soon, ended, not begun", () => {
  assertEquals(finding(0).verdict, "good");
  assertMatch(finding(LASTS_DAYS - 10).words, /ends in 9 days/);
  assertEquals([finding(LASTS_DAYS - 10).verdict, finding(LASTS_DAYS + 3).verdict], ["warning", "bad"]);
  assertMatch(finding(-30).words, /is the clock right/);
});

Deno.test("certificate: for another name it is refused; one of the relay's own is warned about", () => {
  assertMatch(finding(0, "mail.example.org").words, /not for mail\.example\.org/);
  assertEquals([finding(0, "mail.example.org").verdict, finding(0, "relay.test", true).verdict], ["bad", "warning"]);
  assertEquals(certificateFinding({ cert: "", key: "" }, "relay.test", false, NOW).verdict, "bad");
});
