import { assertEquals } from "@std/assert";
import { addressPrefix } from "../../../relay/protocol/address_prefix.ts";

const TABLE: [address: string, prefix: string][] = [
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::6", "2001:db8:1:2"],
  ["2001:db8::6", "2001:db8:0:0"],
  ["2001:db8::", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["::", "0:0:0:0"],
  // The zeros stand in front of the prefix's end.
  ["2001::1:2:3:4:5", "2001:0:0:1"],
  ["2001:0:0:1:2:3:4:5", "2001:0:0:1"],
  ["::2:3:4:5:6:7", "0:0:2:3"],
];

for (const [address, prefix] of TABLE) {
  Deno.test(`address prefix: ${address} lies in ${prefix}`, () => assertEquals(addressPrefix(address), prefix));
}
