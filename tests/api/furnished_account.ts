/** An account for tests that has one of everything that an account may have. */
import { chunkToJson, encodeChunk } from "../../policy/mod.ts";
import { brakedDecision } from "../support/decisions.ts";
import type { TestControlPlane } from "./control_plane.ts";

/** Stands in everything of the account that it marks. */
export const CANARY = "canary";

/** An account with one of everything; each thing of the victim has the canary in it. */
export const furnish = async (api: TestControlPlane, username: string, domain: string, mark: string) => {
  const post = async (path: string, body: unknown = {}) =>
    (await api.request("POST", `/v1/accounts/${username}${path}`, body)).body;
  const password = `${mark} horse`;
  await api.request("POST", "/v1/accounts", { username, password, email: `${mark}@example.com` });
  const block = await post("/blocks", { quantity: 1 });
  await post("/networks", { cidr: mark === CANARY ? "192.0.2.7/32" : "192.0.2.8/32" });
  const { record } = await post("/domains", { domain });
  api.txt.set(record.name, { kind: "found", records: [record.value] });
  await post(`/domains/${domain}/verify`);
  const keys = mark === CANARY ? await post(`/domains/${domain}/dkim`) : null;
  const read = await post("/keys", { label: `${mark} read` });
  const manage = await post("/keys", { label: `${mark} manage`, scopes: ["manage"] });
  const device = await post("/passwords", { label: `${mark} device` });
  const messageId = `${mark}-message`;
  const event = { messageId, account: username, at: api.clock.now };
  await api.nodeCall("events", {
    items: [
      {
        ...event,
        ...{ id: `${mark}-1`, type: "accepted", sender: `${mark}@${domain}`, recipients: [`x@${mark}.example`] },
        ...{ sizeBytes: 1, relays: 1, messageIdField: `<${mark}@example.com>`, origin: null, policy: null },
      },
      {
        ...event,
        ...{
          id: `${mark}-2`,
          type: "bounced",
          recipients: [`x@${mark}.example`],
          host: null,
          address: null,
          tls: null,
        },
        ...{ reply: `550 5.1.1 ${mark}`, badAddress: true, attempt: 1, nextAttemptAt: null },
      },
    ],
  });
  const braked = encodeChunk([brakedDecision(username, api.clock.now)]);
  await api.nodeCall("decisions", { chunks: [{ id: mark, ...chunkToJson(braked) }] });
  return {
    read: read.key as string,
    manage: manage.key as string,
    /** What stands in a path, by the last word before the parameter or the parameter. */
    parts: {
      ...{ username, domain, selector: keys?.items[0].selector ?? "x" },
      ...{ passwords: device.id as string, keys: read.id as string, blocks: block.id as string, messages: messageId },
    } as Record<string, string>,
  };
};

export type Furnished = Awaited<ReturnType<typeof furnish>>;
