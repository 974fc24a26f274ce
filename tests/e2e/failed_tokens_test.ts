/** Whoever tries tokens is told to stop at the address they come from, and nobody else is: in each role with an API. */
import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { startApi } from "../support/machines.ts";
import { ADMIN_TOKEN, type RelayProcess, startRelay } from "../support/relay_process.ts";

/** Failed tokens of one site in a minute, before the others are not looked at. */
const ALLOWED = 20;

/** The status of a request with a token, on a connection of its own from a loopback address. */
async function ask({ httpPort }: RelayProcess, localAddress: string, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  const asked = request({
    host: "127.0.0.1",
    port: httpPort,
    localAddress,
    path: "/v1/accounts",
    headers,
    agent: false,
  });
  asked.end();
  const [answer] = await once(asked, "response") as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  return answer.statusCode;
}

const ROLES: readonly [role: string, start: () => Promise<RelayProcess>][] = [
  ["all", () => startRelay({ MAILHOP_WORKERS: "1" })],
  ["api", () => startApi()],
];

for (const [role, start] of ROLES) {
  Deno.test(`role ${role}: after twenty failed tokens from one address, one from another is 401 and not 429`, async () => {
    await using process = await start();
    for (let n = 0; n < ALLOWED; n++) assertEquals(await ask(process, "127.0.0.1", `mhk_${n}`), 401);
    assertEquals(await ask(process, "127.0.0.1", "mhk_one_more"), 429);
    assertEquals(await ask(process, "127.0.0.2", "mhk_other"), 401);
    for (const address of ["127.0.0.1", "127.0.0.2"]) assertEquals(await ask(process, address, ADMIN_TOKEN), 200);
  });
}
