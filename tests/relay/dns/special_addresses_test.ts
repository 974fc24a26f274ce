import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { parseAddress, sameAddress } from "../../../relay/dns/ip_address.ts";
import { reachedAddress, specialAddress } from "../../../relay/dns/special_addresses.ts";

const SPECIAL: Record<string, string> = {
  "0.0.0.0": "unspecified",
  "0.255.255.255": "unspecified",
  "10.0.0.0": "private",
  "10.255.255.255": "private",
  "100.64.0.0": "shared by carriers (CGNAT)",
  "100.127.255.255": "shared by carriers (CGNAT)",
  "127.0.0.1": "loopback",
  "127.255.255.255": "loopback",
  "169.254.169.254": "link-local",
  "172.16.0.0": "private",
  "172.31.255.255": "private",
  "192.0.0.8": "reserved for protocols",
  "192.88.99.1": "6to4 relay anycast",
  "192.168.0.0": "private",
  "198.18.0.1": "reserved for benchmarks",
  "198.19.255.255": "reserved for benchmarks",
  "224.0.0.1": "multicast",
  "239.255.255.255": "multicast",
  "240.0.0.1": "reserved",
  "255.255.255.255": "broadcast",
  "::": "unspecified",
  "::1": "loopback",
  "0:0:0:0:0:0:0:1": "loopback",
  "::7f00:1": "IPv4-compatible",
  "::ffff:127.0.0.1": "IPv4-mapped, loopback",
  "::ffff:7f00:1": "IPv4-mapped, loopback",
  "::ffff:0:10.0.0.1": "IPv4-translated, private",
  "64:ff9b::10.1.2.3": "NAT64, private",
  "64:ff9b:1::1": "NAT64 for local use",
  "100::1": "discard-only",
  "2001::1": "reserved for protocols",
  "2002:7f00:1::1": "6to4, loopback",
  "2002:c0a8:101::": "6to4, private",
  "fc00::1": "private",
  "fdff::1": "private",
  "fe80::1": "link-local",
  "febf::1": "link-local",
  "fec0::1": "private",
  "ff02::1": "multicast",
  "4000::1": "reserved",
  "fe80::1%eth0": "not an address",
  "example.com": "not an address",
  "127.1": "not an address",
};

const ORDINARY = [
  "1.1.1.1",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "169.253.255.255",
  "172.15.255.255",
  "172.32.0.0",
  "192.0.1.0",
  "192.0.2.1",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2001:200::1",
  "2001:db8::1",
  "2606:4700:4700::1111",
  "2002:101:101::1",
  "64:ff9b::1.1.1.1",
  "::ffff:1.1.1.1",
];

Deno.test("special addresses: the edges of each block, and what IPv6 carries inside", () => {
  for (const [address, what] of Object.entries(SPECIAL)) assertEquals(specialAddress(address), what, address);
  for (const address of ORDINARY) assertEquals(specialAddress(address), null, address);
});

Deno.test("special addresses: every way to carry an IPv4 address is judged as that address", () => {
  fc.assert(fc.property(fc.ipV4(), (ipv4) => {
    const special = specialAddress(ipv4) !== null;
    const groups = ipv4.split(".").map((part) => Number(part).toString(16).padStart(2, "0")).join("");
    const hex = `${groups.slice(0, 4)}:${groups.slice(4)}`;
    for (const carrier of [`::ffff:${ipv4}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
      assertEquals(specialAddress(carrier) !== null, special, carrier);
    }
  }));
});

Deno.test("special addresses: what is reached is the IPv4 address that is carried, else the address itself", () => {
  for (
    const carrier of ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:0:c000:201", "64:ff9b::192.0.2.1", "2002:c000:201::"]
  ) {
    assertEquals([...reachedAddress(carrier)!], [192, 0, 2, 1], carrier);
  }
  assertEquals(reachedAddress("2001:db8::1"), parseAddress("2001:db8::1"));
  assertEquals(reachedAddress("example.com"), null);
});

Deno.test("IP addresses: octets whatever the spelling", () => {
  assertEquals([...parseAddress("192.0.2.1")!], [192, 0, 2, 1]);
  assertEquals([...parseAddress("2001:db8::a:1")!], [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 1]);
  assertEquals(parseAddress("1::"), parseAddress("1:0:0:0:0:0:0:0"));
  assertEquals(parseAddress("192.0.2"), null);
  assertEquals(sameAddress("::1", "0:0::0:1"), true);
  assertEquals(sameAddress("::1", "::2"), false);
  assertEquals(sameAddress("127.0.0.1", "::ffff:127.0.0.1"), false);
  assertEquals(sameAddress("host", "127.0.0.1"), false);
});
