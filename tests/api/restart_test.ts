import { assertEquals } from "@std/assert";
import { startControlPlane } from "./control_plane.ts";

Deno.test("restart: accounts, charges and history are as they were", async () => {
  const directory = await Deno.makeTempDir();
  const database = `${directory}/control.db`;
  try {
    {
      await using api = await startControlPlane({ database });
      await api.account("alice");
      await api.blocks("alice", 1);
      await api.nodeCall("settlements", {
        items: [{ id: "r1", username: "alice", day: "2026-11-23", relays: 3, ndr: false }],
      });
    }
    await using api = await startControlPlane({ database });
    assertEquals(await api.used("alice"), 3);
    await api.nodeCall("settlements", {
      items: [{ id: "r1", username: "alice", day: "2026-11-23", relays: 3, ndr: false }],
    });
    assertEquals(await api.used("alice"), 3);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("restart: what was answered is there after the process is killed", async () => {
  const directory = await Deno.makeTempDir();
  const database = `${directory}/control.db`;
  try {
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", new URL("./settle_and_wait.ts", import.meta.url).pathname, database],
      stdout: "piped",
    }).spawn();
    const { value } = await child.stdout.getReader().read();
    assertEquals(new TextDecoder().decode(value).trim(), "answered");
    child.kill("SIGKILL");
    await child.status;

    await using api = await startControlPlane({ database });
    assertEquals(await api.used("alice"), 3);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
