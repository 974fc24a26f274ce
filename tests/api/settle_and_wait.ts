/** Run by restart_test.ts: settles in the database it is given, says so, and waits to be killed. */
import { startControlPlane } from "./control_plane.ts";

const api = await startControlPlane({ database: JSON.parse(Deno.args[0]!) });
await api.account("alice");
await api.nodeCall("settlements", {
  items: [{ id: "r1", username: "alice", day: "2026-11-23", relays: 3, ndr: false }],
});
console.log("answered");
await new Promise(() => setInterval(() => {}, 1000));
