/** Control planes on one PostgreSQL and relays, each a process of its own: what a customer notices when some of them go. */
import { assert, assertEquals } from "@std/assert";
import {
  edgeSettings,
  fixedPlace,
  readinessOf,
  startApi,
  startEdge,
  startWorld,
  urlOf,
  type World,
} from "../support/machines.ts";
import { needingPostgres, startPostgres } from "../support/postgres.ts";
import { eventually, openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";
import { RoamingLoad } from "../support/roaming_load.ts";

const CLIENTS = 6;
/** Messages between two events; enough that all that goes on goes on. */
const SOME = 100;
const BLOCKS = 100;

interface Node {
  readonly node: string;
  readonly region: string;
  readonly state: string;
  readonly version: string;
  readonly clock: { readonly apart: boolean } | null;
}

/** Processes that are ended with the scope, whichever of them run then. */
async function startMachines() {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld());
  const postgres = stack.use(await startPostgres());
  await postgres.query("postgres", "create database mail");
  const { port } = postgres.server("mail");
  const place = async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "mailhop-machine-" });
    stack.defer(() => Deno.remove(dataDir, { recursive: true }));
    return fixedPlace(dataDir);
  };
  const database = { DATABASE_URL: `postgres://mailhop:none@127.0.0.1:${port}/mail?sslmode=disable` };
  const apiPlaces = [await place(), await place()], edgePlaces = [await place(), await place()];
  const api = (at: number) => startApi({ ...database, ...apiPlaces[at] });
  // The tables are made by one of them.
  const apis = [stack.use(await api(0)), stack.use(await api(1))];
  const urls = apis.map(urlOf);
  const edge = (at: number) =>
    // Each prefers the one next to it.
    startEdge(at === 0 ? urls : urls.toReversed(), world, { ...edgePlaces[at], MAILHOP_REGION: `region-${at}` });
  const edges = (await Promise.all([edge(0), edge(1)])).map((started) => stack.use(started));
  await openAccount(apis[0]!, "anna", BLOCKS);
  const network = await apis[0]!.api("POST", "/accounts/anna/networks", { cidr: "127.0.0.1/32" });
  assertEquals(network.status, 201);
  const cleanUp = stack.move();
  return {
    world,
    apis,
    edges,
    /** Stops one and starts it again where it was. */
    async restart(list: RelayProcess[], at: number): Promise<void> {
      assertEquals(await list[at]!.stop(), 0);
      list[at] = cleanUp.use(await (list === apis ? api(at) : edge(at)));
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

/** Each message that was acknowledged is delivered once, and charged once, and the history has it. */
async function assertNothingLost({ nextHop }: World, api: RelayProcess, load: RoamingLoad): Promise<void> {
  const delivered = () => nextHop.received.flatMap(({ recipients }) => recipients.map((to) => to.split("@")[0]!));
  await eventually(
    () => load.acknowledged.isSubsetOf(new Set(delivered())) || undefined,
    "all to be delivered",
    60_000,
  );
  const used = async () => (await api.api<{ used: number }>("GET", "/accounts/anna/quota")).body.used;
  const ended = async () => {
    const ids: string[] = [];
    let next: string | null = "";
    do {
      const page: { body: { items: { id: string }[]; next: string | null } } = await api.api(
        "GET",
        `/messages?account=anna&status=delivered&limit=200${next === "" ? "" : `&cursor=${encodeURIComponent(next)}`}`,
      );
      ids.push(...page.body.items.map(({ id }) => id));
      next = page.body.next;
    } while (next !== null);
    return ids.length;
  };
  await eventually(async () => await ended() === new Set(delivered()).size || undefined, "the history", 60_000);
  const all = delivered();
  assertEquals([all.length, await used()], [new Set(all).size, all.length]);
}

Deno.test({
  ...needingPostgres(
    "several machines: relays report where they are; a control plane killed under load is not noticed",
  ),
  async fn() {
    await using machines = await startMachines();
    const { apis, edges, world } = machines;
    const nodes = await eventually(async () => {
      const { items } = (await apis[1]!.api<{ items: Node[] }>("GET", "/nodes")).body;
      return items.every(({ clock }) => clock !== null) ? items : undefined;
    }, "the clocks to be compared");
    assertEquals(nodes.map(({ region, version, clock }) => [region, version !== "", clock?.apart]), [
      ["region-0", true, false],
      ["region-1", true, false],
    ]);
    const load = new RoamingLoad();
    const running = load.run(edges.map(({ smtpPort }) => smtpPort), CLIENTS);
    await Promise.race([load.more(SOME), running]);
    await apis[0]!.stop("SIGKILL");
    await Promise.race([load.more(3 * SOME), running]);
    load.enough();
    await running;
    assertEquals(load.moves, 0);
    for (const edge of edges) {
      assertEquals(await readinessOf(edge), {
        status: "ready",
        nodes: "ok",
        listeners: "ok",
        spool: "ok",
        "control plane": "ok",
        clock: "ok",
      });
    }
    await assertNothingLost(world, apis[1]!, load);
  },
});

Deno.test({
  ...needingPostgres("several machines: each is started anew under load, and no client meets more than a 421"),
  async fn() {
    await using machines = await startMachines();
    const { apis, edges, world } = machines;
    const load = new RoamingLoad();
    const running = load.run(edges.map(({ smtpPort }) => smtpPort), CLIENTS);
    for (const list of [apis, edges]) {
      for (const at of [0, 1]) {
        await Promise.race([load.more(SOME), running]);
        await machines.restart(list, at);
      }
    }
    await Promise.race([load.more(SOME), running]);
    load.enough();
    await running;
    assert(load.moves > 0, "relays were left");
    await assertNothingLost(world, apis[0]!, load);
  },
});

Deno.test({
  ...needingPostgres("several machines: a relay's data directory has no database and no operator's token"),
  async fn() {
    await using world = await startWorld();
    await using api = await startApi();
    await using edge = await startRelay(edgeSettings([urlOf(api)], world));
    assertEquals([...Deno.readDirSync(edge.dataDir)].map(({ name }) => name).toSorted(), ["lock", "spool", "tls"]);
  },
});
