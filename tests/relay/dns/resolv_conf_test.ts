import { assertEquals } from "@std/assert";
import { parseResolvConf } from "../../../relay/dns/resolv_conf.ts";

const at53 = (...hostnames: string[]) => hostnames.map((hostname) => ({ hostname, port: 53 }));

Deno.test("resolv.conf: the nameserver lines, in their order", () => {
  const text =
    "# made by hand\nsearch example.com\nnameserver 192.0.2.53\r\nnameserver\t2001:db8::53 # second\noptions rotate\n";
  assertEquals(parseResolvConf(text), at53("192.0.2.53", "2001:db8::53"));
});

Deno.test("resolv.conf: comments, names and zones are no servers, and a fourth is not used", () => {
  const text =
    "#nameserver 192.0.2.1\n;nameserver 192.0.2.2\nnameserver dns.example\nnameserver fe80::1%eth0\nnameserver\n";
  assertEquals(parseResolvConf(text), at53("127.0.0.1"));
  const many = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"].map((server) => `nameserver ${server}`).join("\n");
  assertEquals(parseResolvConf(many), at53("192.0.2.1", "192.0.2.2", "192.0.2.3"));
});

Deno.test("resolv.conf: without a server it is the local machine's", () => {
  assertEquals(parseResolvConf(""), at53("127.0.0.1"));
});
