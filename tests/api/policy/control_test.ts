/** The policy of the whole service, where several change it at once, and where the database is away. */
import { assertEquals } from "@std/assert";
import { createNoticeBoard } from "../../../api/notices.ts";
import { openPolicyControl } from "../../../api/policy_control.ts";
import { listNotices } from "../../../api/store/notices.ts";
import { insertPolicyModule } from "../../../api/store/policy_modules.ts";
import { openDatabase } from "../../../api/store/database.ts";
import { defaultParameters, moduleHash, OWN_HASH } from "../../../policy/mod.ts";
import { policyModule } from "../../support/policy_modules.ts";
import { newDatabase } from "../database.ts";
import { NOON } from "../control_plane.ts";

async function open() {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await openDatabase(stack.use(await newDatabase()).location));
  let ids = 0;
  const state = { down: false };
  const control = await openPolicyControl({
    db: database.db,
    sync: () => state.down ? Promise.reject(new Error("away")) : Promise.resolve(),
    parameters: defaultParameters,
    now: () => NOON,
    notices: createNoticeBoard({ db: database.db, now: () => NOON, newId: () => `${++ids}` }),
    log: () => {},
  });
  const cleanUp = stack.move();
  return { database, control, state, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}

Deno.test("policy control: of changes that race, this process goes by the one that holds in the end", async () => {
  await using opened = await open();
  const { control } = opened;
  const octets = policyModule();
  assertEquals(await control.load(octets), []);
  for (let round = 0; round < 10; round++) {
    await Promise.all([control.activate("operator", moduleHash(octets)), control.activate("operator", null)]);
    const { active } = await control.current();
    assertEquals(control.live.module, active ?? OWN_HASH);
  }
});

Deno.test("policy control: a module that fails in this process is recorded as soon as it can be, and once", async () => {
  await using opened = await open();
  const { control, database, state } = opened;
  const octets = policyModule({ cap: 0.5 });
  // As if it had passed the check: it does not.
  await insertPolicyModule(database.db, { hash: moduleHash(octets), octets, loaded_at: NOON, failed_at: null });
  await control.activate("operator", moduleHash(octets));
  state.down = true;
  try {
    control.live.cap([], NOON);
  } catch (error) {
    assertEquals(String(error), "PolicyFault: nonsense: a cap of 0.5");
  }
  assertEquals(control.live.module, OWN_HASH);
  await new Promise((resolve) => setTimeout(resolve));
  state.down = false;
  for (let times = 0; times < 2; times++) assertEquals((await control.current()).active, null);
  const notices = await listNotices(database.db, {}, 10);
  assertEquals(notices.map(({ type }) => type), ["policy-fault"]);
});
