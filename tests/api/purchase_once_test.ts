/** Idempotency-Key: a purchase that is sent again buys nothing more. */
import { assertEquals } from "@std/assert";
import { ADMIN, MINUTE_MS, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const buy = async (api: TestControlPlane, key: string | null, quantity = 2, username = "alice") => {
  const headers: Record<string, string> = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
  if (key !== null) headers["idempotency-key"] = key;
  const path = `/v1/accounts/${username}/blocks`;
  const response = await api.app.request(path, { method: "POST", headers, body: JSON.stringify({ quantity }) });
  return { status: response.status, body: await response.json() };
};

const bought = async (api: TestControlPlane, username = "alice"): Promise<number[]> => {
  const { items } = (await api.request("GET", `/v1/accounts/${username}/blocks`)).body;
  return items.map((item: { quantity: number }) => item.quantity);
};

Deno.test("Idempotency-Key: the same purchase again is answered the same, and buys once", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const first = await buy(api, "order-1");
  assertEquals(first.status, 201);
  api.clock.now += MINUTE_MS;
  assertEquals(await buy(api, "order-1"), first);
  assertEquals(await bought(api), [2]);
  // Nor does a cancellation in between change what is answered, or buy again.
  await api.request("DELETE", `/v1/accounts/alice/blocks/${first.body.id}`);
  assertEquals(await buy(api, "order-1"), first);
  assertEquals(await bought(api), [2]);
});

Deno.test("Idempotency-Key: another body with the same key is 422, another key or none buys", async () => {
  await using api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  await buy(api, "order-1");
  const other = await buy(api, "order-1", 3);
  assertEquals([other.status, other.body.type], [422, "/problems/idempotency-key-reused"]);
  assertEquals((await buy(api, "order-2", 3)).status, 201);
  for (let times = 0; times < 2; times++) assertEquals((await buy(api, null, 1)).status, 201);
  assertEquals((await buy(api, "order-1", 5, "bob")).status, 201);
  assertEquals(await bought(api), [2, 3, 1, 1]);
  assertEquals(await bought(api, "bob"), [5]);
  for (const key of ["", "two words"]) assertEquals((await buy(api, key)).status, 400, key);
  assertEquals((await buy(api, "x".repeat(256))).status, 400);
});

Deno.test("Idempotency-Key: many at once buy once", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const answers = await Promise.all(Array.from({ length: 50 }, () => buy(api, "order-1")));
  assertEquals(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  assertEquals(await bought(api), [2]);
});

Deno.test("Idempotency-Key: it is known after a restart", async () => {
  const directory = await Deno.makeTempDir();
  const database = `${directory}/kept.db`;
  try {
    let first;
    {
      await using api = await startControlPlane({ database });
      await api.account("alice");
      first = await buy(api, "order-1");
    }
    await using api = await startControlPlane({ database });
    assertEquals(await buy(api, "order-1"), first);
    assertEquals(await bought(api), [2]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
