import { assertEquals } from "@std/assert";
import { startControlPlane } from "./control_plane.ts";
import { keptDatabase } from "./database.ts";

const items = [{ id: "r1", username: "alice", day: "2026-11-23", relays: 3, ndr: false }];

Deno.test("restart: accounts, charges and history are as they were", async () => {
  await using kept = await keptDatabase();
  const database = kept.location;
  {
    await using api = await startControlPlane({ database });
    await api.account("alice");
    await api.blocks("alice", 1);
    await api.nodeCall("settlements", { items });
  }
  await using api = await startControlPlane({ database });
  assertEquals(await api.used("alice"), 3);
  await api.nodeCall("settlements", { items });
  assertEquals(await api.used("alice"), 3);
});

Deno.test("restart: what was answered is there after the process is killed", async () => {
  await using kept = await keptDatabase();
  const database = kept.location;
  await using child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", new URL("./settle_and_wait.ts", import.meta.url).pathname],
      JSON.stringify(database),
    ],
    stdout: "piped",
  }).spawn();
  const { value } = await child.stdout.getReader().read();
  assertEquals(new TextDecoder().decode(value).trim(), "answered");
  child.kill("SIGKILL");
  await child.status;

  await using api = await startControlPlane({ database });
  assertEquals(await api.used("alice"), 3);
});
