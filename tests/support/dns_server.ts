/**
 * A small authoritative-and-recursive-looking DNS server for tests, on one loopback port for UDP and TCP.
 *
 *     await using dns = await startDnsServer({
 *       "example.com": { MX: ["10 mx1.example.com", "20 mx2.example.com"], TXT: ["v=spf1 -all"] },
 *       "mx1.example.com": { A: ["192.0.2.1"], AAAA: ["2001:db8::1"] },
 *       "www.example.com": { CNAME: "example.com" },
 *       "no-mail.example": { MX: ["0 ."] },
 *       "broken.example": { fault: "SERVFAIL" },
 *       "late.example": { fault: "silent", MX: ["10 mx1.example.com"] },
 *       "*": { MX: ["10 @"], A: ["127.0.0.1"] }, // every other name; "@" is the name that was asked for
 *     });
 *     dns.zone["new.example"] = { A: ["192.0.2.9"] }; // may change while it runs
 *     MAILHOP_DNS=dns.setting; dns.queries; dns.count("example.com", "MX");
 *
 * A name that is not in the zone is NXDOMAIN, unless a name in the zone lies beneath it. It answers with CNAMEs
 * followed, as a recursive server does, and with an SOA where there is nothing.
 */
import { Buffer } from "node:buffer";
// @ts-types="npm:@types/dns-packet@5.6.5"
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet, RECURSION_AVAILABLE } from "dns-packet";

/** What is wrong with the answers to questions for a name, whatever their type. */
export type Fault =
  | "SERVFAIL"
  | "REFUSED"
  /** An error to every question with an EDNS record, as a server from before 1999. */
  | "FORMERR-on-EDNS"
  /** No answer at all. */
  | "silent"
  /** No answer over UDP to the first question for this name and type, then as usual. */
  | "silent-once"
  /** The TC bit and nothing else over UDP, the whole answer over TCP. */
  | "truncated"
  /** As "truncated", but TCP connections are accepted and never answered. */
  | "truncated-silent-tcp"
  /** Forged responses (another id, another question) before the true one. */
  | "forged-before"
  /** Nothing but forged ones over UDP; the true one over TCP. */
  | "forged-only"
  /** Octets that are no DNS message behind a good header. */
  | "malformed"
  /** Name servers of somewhere else in place of an answer. */
  | "referral"
  /** Only the first CNAME of a chain, without what it leads to. */
  | "no-chasing"
  /** "There is nothing" without the SOA that would allow caching it. */
  | "no-soa";

export interface ZoneEntry {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  /** "10 mx.example.com"; "0 ." is the null MX. */
  readonly MX?: readonly string[];
  readonly TXT?: readonly string[];
  /** Excludes records of other types. */
  readonly CNAME?: string;
  /** Of all records, in seconds; 300 unless told. */
  readonly ttl?: number;
  readonly fault?: Fault;
}

/** By name in lower case without the final dot; "*" stands for every name that is not there. */
export type Zone = Record<string, ZoneEntry>;

export interface Query {
  readonly name: string;
  readonly type: string;
  readonly transport: "udp" | "tcp";
  readonly edns: boolean;
  /** The port the question came from. */
  readonly port: number;
  readonly id: number;
}

export interface DnsServer extends AsyncDisposable {
  readonly hostname: "127.0.0.1";
  readonly port: number;
  /** "127.0.0.1:5353": the value for `MAILHOP_DNS`. */
  readonly setting: string;
  readonly zone: Zone;
  /** Every question so far. */
  readonly queries: readonly Query[];
  /** How many questions there were for this name, of this type or of any. */
  count(name: string, type?: string): number;
  /** Resolves as soon as `count(name, type)` is at least `atLeast`. */
  asked(name: string, type: string, atLeast: number): Promise<void>;
}

const HOST = "127.0.0.1";
const DEFAULT_TTL_SECONDS = 300;
/** `minimum` and TTL of the SOA in negative answers. */
export const NEGATIVE_TTL_SECONDS = 60;
const TRUNCATED = 1 << 9;
const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

export function startDnsServer(zone: Zone = {}): DnsServer {
  return new TestDnsServer(zone);
}

class TestDnsServer implements DnsServer {
  readonly hostname = HOST;
  readonly port: number;
  readonly zone: Zone;
  readonly queries: Query[] = [];
  readonly #udp: Deno.DatagramConn;
  readonly #tcp: Deno.Listener<Deno.TcpConn>;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<unknown>;
  readonly #waiting = new Set<() => void>();

  constructor(zone: Zone) {
    this.zone = zone;
    [this.#udp, this.#tcp] = listenOnOnePort();
    this.port = (this.#tcp.addr as Deno.NetAddr).port;
    this.#running = Promise.all([this.#serveUdp(), this.#serveTcp()]);
  }

  get setting(): string {
    return `${this.hostname}:${this.port}`;
  }

  count(name: string, type?: string): number {
    return this.queries.filter((query) => query.name === name && (type === undefined || query.type === type)).length;
  }

  async asked(name: string, type: string, atLeast: number): Promise<void> {
    while (this.count(name, type) < atLeast) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close();
    this.#tcp.close();
    for (const connection of this.#connections) connection.close();
    await this.#running;
  }

  async #serveUdp(): Promise<void> {
    for await (const [octets, from] of this.#udp) {
      for (const response of this.#respond(octets, "udp", (from as Deno.NetAddr).port)) {
        await this.#udp.send(response, from);
      }
    }
  }

  async #serveTcp(): Promise<void> {
    const sessions: Promise<void>[] = [];
    for await (const connection of this.#tcp) sessions.push(this.#serveConnection(connection));
    await Promise.all(sessions);
  }

  async #serveConnection(connection: Deno.TcpConn): Promise<void> {
    this.#connections.add(connection);
    try {
      let pending = new Uint8Array();
      for await (const chunk of connection.readable) {
        pending = Uint8Array.from([...pending, ...chunk]);
        while (pending.length >= 2 && pending.length >= 2 + new DataView(pending.buffer).getUint16(0)) {
          const end = 2 + new DataView(pending.buffer).getUint16(0);
          for (const response of this.#respond(pending.subarray(2, end), "tcp", connection.remoteAddr.port)) {
            await connection.write(Uint8Array.from([response.length >> 8, response.length & 0xff, ...response]));
          }
          pending = pending.slice(end);
        }
      }
    } catch (error) {
      // The client went away, or the server is being disposed.
      if (
        !(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
          error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)
      ) throw error;
    } finally {
      this.#connections.delete(connection);
    }
  }

  /** The messages with which a question is answered: mostly one. */
  #respond(octets: Uint8Array, transport: "udp" | "tcp", port: number): Uint8Array[] {
    const query = decode(Buffer.from(octets));
    const question = query.questions![0]!;
    const name = question.name === "." ? "" : question.name.toLowerCase();
    const edns = query.additionals!.some((record) => record.type === "OPT");
    this.queries.push({ name, type: question.type, transport, edns, port, id: query.id! });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();

    const answer = (rcode: keyof typeof RCODES, sections: Partial<Packet> = {}, flags = 0) =>
      encode({
        ...sections,
        type: "response",
        id: query.id,
        flags: flags | RECURSION_AVAILABLE | RCODES[rcode],
        questions: query.questions,
      });
    const truth = () => answer(...this.#truth(name, question.type));

    switch (this.#entry(name)?.fault) {
      case "SERVFAIL":
        return [answer("SERVFAIL")];
      case "REFUSED":
        return [answer("REFUSED")];
      case "FORMERR-on-EDNS":
        return [edns ? answer("FORMERR") : truth()];
      case "silent":
        return [];
      case "silent-once":
        return this.count(name, question.type) === 1 ? [] : [truth()];
      case "truncated":
        return [transport === "udp" ? answer("NOERROR", {}, TRUNCATED) : truth()];
      case "truncated-silent-tcp":
        return transport === "udp" ? [answer("NOERROR", {}, TRUNCATED)] : [];
      case "forged-before":
        return [...this.#forged(query), truth()];
      case "forged-only":
        return transport === "tcp" ? [truth()] : Array.from({ length: 5 }, () => this.#forged(query)).flat();
      case "malformed":
        return [Uint8Array.from([...truth().subarray(0, 12), 0xc0, 0xff, 0xff])];
      case "referral": {
        const elsewhere: Answer = { type: "NS", name, ttl: DEFAULT_TTL_SECONDS, data: "ns.elsewhere.example" };
        return [answer("NOERROR", { authorities: [elsewhere] })];
      }
      default:
        return [truth()];
    }
  }

  /** What someone who cannot see the question might send. */
  #forged(query: Packet): Uint8Array[] {
    const lie = { type: "A", name: query.questions![0]!.name, ttl: 60, data: "203.0.113.66" } as const;
    const response = { type: "response", answers: [lie] } as const;
    return [
      encode({ ...response, id: query.id! ^ 1, questions: query.questions, answers: [lie] }),
      encode({ ...response, id: query.id, questions: [{ type: "A", name: "forged.example" }], answers: [lie] }),
    ];
  }

  #entry(name: string): ZoneEntry | undefined {
    return this.zone[name] ?? this.zone["*"];
  }

  #truth(asked: string, type: string): [keyof typeof RCODES, Partial<Packet>, number] {
    const answers: Answer[] = [];
    let name = asked;
    let entry = this.#entry(name);
    for (let aliases = 0; entry?.CNAME !== undefined && type !== "CNAME" && aliases < 20; aliases++) {
      answers.push({ type: "CNAME", name, ttl: entry.ttl ?? DEFAULT_TTL_SECONDS, data: entry.CNAME });
      name = entry.CNAME;
      if (entry.fault === "no-chasing") return ["NOERROR", { answers }, 0];
      entry = this.#entry(name);
    }
    const records = entry === undefined ? [] : recordsOf(name, entry, type);
    if (records.length > 0) return ["NOERROR", { answers: [...answers, ...records] }, 0];
    const beneath = Object.keys(this.zone).some((other) => other.endsWith(`.${name}`));
    const rcode = entry !== undefined || beneath ? "NOERROR" : "NXDOMAIN";
    const soa = this.#entry(asked)?.fault === "no-soa" ? [] : [soaOf(name)];
    return [rcode, { answers, authorities: soa }, AUTHORITATIVE_ANSWER];
  }
}

function recordsOf(name: string, entry: ZoneEntry, type: string): Answer[] {
  const ttl = entry.ttl ?? DEFAULT_TTL_SECONDS;
  const whole = (text: string) => text === "@" ? name : text;
  switch (type) {
    case "A":
    case "AAAA":
      return (entry[type] ?? []).map((data) => ({ type, name, ttl, data }));
    case "TXT":
      // Strings of at most 255 octets, of which a record may have several.
      return (entry.TXT ?? []).map((text) => ({ type, name, ttl, data: text.match(/.{1,255}/gs) ?? [""] }));
    case "CNAME":
      return entry.CNAME === undefined ? [] : [{ type, name, ttl, data: entry.CNAME }];
    case "MX":
      return (entry.MX ?? []).map((text) => {
        const [preference, exchange] = text.split(" ") as [string, string];
        return { type, name, ttl, data: { preference: Number(preference), exchange: whole(exchange) } };
      });
    default:
      return [];
  }
}

function soaOf(name: string): Answer {
  const ttl = NEGATIVE_TTL_SECONDS;
  const data = { mname: "ns.test", rname: "hostmaster.test", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: ttl };
  return { type: "SOA", name: name.split(".").at(-1) || ".", ttl, data };
}

/** The system picks a port for TCP; the same number for UDP may be taken, so another is tried. */
function listenOnOnePort(): [Deno.DatagramConn, Deno.Listener<Deno.TcpConn>] {
  for (let attempt = 0;; attempt++) {
    const tcp = Deno.listen({ hostname: HOST, port: 0 });
    try {
      const udp = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: tcp.addr.port });
      return [udp, tcp];
    } catch (error) {
      tcp.close();
      if (!(error instanceof Deno.errors.AddrInUse) || attempt === 20) throw error;
    }
  }
}
