/** Tuning the policy through the API. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startControlPlane, type TestControlPlane } from "../control_plane.ts";

const PATH = "/v1/policy/parameters";

const parameter = async (api: TestControlPlane, name: string) =>
  (await api.request("GET", PATH)).body.items.find((item: { name: string }) => item.name === name);

Deno.test("parameters: a value that is set holds until it is taken back, and each change is in the history", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  const limit = async () => (await api.request("GET", "/v1/accounts/alice/quota")).body.limit;
  assertEquals(await limit(), 150);
  const { status, body } = await api.request("PATCH", PATH, { relaysPerBlock: 10, maxRecipients: 50 });
  assertEquals([status, body.items.length, body.next], [200, 18, null]);
  assertEquals(await limit(), 10);
  assertEquals((await parameter(api, "relaysPerBlock")).isSet, true);

  await api.request("PATCH", PATH, { relaysPerBlock: null });
  assertEquals(await limit(), 150);
  const { value, isSet } = await parameter(api, "relaysPerBlock");
  assertEquals([value, isSet], [150, false]);
  // What was not named stays.
  assertEquals((await parameter(api, "maxRecipients")).value, 50);
  assertEquals((await api.request("GET", "/v1/policy")).body.parameters, (await api.request("GET", PATH)).body.items);

  const { items } = (await api.request("GET", "/v1/policy/history")).body;
  assertEquals(items.map(({ detail, parameters }: Record<string, unknown>) => [detail, parameters]), [
    ["relaysPerBlock as in the settings", { maxRecipients: 50 }],
    ["relaysPerBlock 10, maxRecipients 50", { relaysPerBlock: 10, maxRecipients: 50 }],
  ]);
});

Deno.test("parameters: a value out of its bounds is refused with the bounds, and then nothing is set", async () => {
  await using api = await startControlPlane();
  for (const value of [0, 1001, 1.5, -1, "50", true, 1e300]) {
    const { status, body } = await api.request("PATCH", PATH, { maxReceivedFields: 20, maxRecipients: value });
    assertEquals([status, body.errors[0].field], [400, "maxRecipients"], String(value));
    assertStringIncludes(body.errors[0].expected, "expected a whole number");
  }
  assertEquals((await parameter(api, "maxReceivedFields")).isSet, false);
  const bounds = (await api.request("PATCH", PATH, { maxRecipients: 1001 })).body.errors[0].expected;
  assertEquals(bounds, "expected a whole number from 1 to 1000, or null");
});

Deno.test("parameters: a name that is not known is refused, with the one that was meant", async () => {
  await using api = await startControlPlane();
  const expected = async (name: string) => (await api.request("PATCH", PATH, { [name]: 1 })).body.errors[0].expected;
  assertEquals(
    await expected("max-recipients"),
    "there is no parameter max-recipients: did you mean maxRecipients?",
  );
  assertEquals(await expected("recipients"), "there is no parameter recipients: did you mean maxRecipients?");
  assertEquals((await api.request("PATCH", PATH, { colour: 1 })).body.errors.length, 1);
  assertEquals(await expected("colour"), "there is no parameter colour");
  for (const body of [{}, [], "1", null]) assertEquals((await api.request("PATCH", PATH, body)).status, 400);
});
