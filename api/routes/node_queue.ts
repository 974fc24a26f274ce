/** Where a node tells how its queue and the operator's jobs stand, and fetches what it is to do. */
import { Hono } from "hono";
import { z } from "zod";
import { type QueueControl, takeReport } from "../queue_control.ts";
import type { QueuedDomain, QueuedMessageFacts, QueueProgress, QueueReport } from "../queue_wire.ts";
import { jsonBody } from "./json_body.ts";
import { queuedStatus } from "./queue_schema.ts";

/** A node sends no more: its own limits are below these. */
const MAX_JOBS = 64, MAX_DOMAINS = 1000, MAX_MESSAGES = 1000, MAX_RECIPIENTS = 10_000, MAX_SUSPENDED = 10_000;
const MAX_CHARS = 2000;

const text = z.string().max(MAX_CHARS);
const count = z.int().min(0);
const time = z.int().min(0);

const domain: z.ZodType<QueuedDomain> = z.object({
  domain: text,
  recipients: count,
  held: count,
  ages: z.object({ under1h: count, under4h: count, under1d: count, older: count }),
  oldestAt: time,
  nextAttemptAt: time.nullable(),
  lastReply: text.nullable(),
});

const message: z.ZodType<QueuedMessageFacts> = z.object({
  id: text,
  account: text,
  sender: text,
  receivedAt: time,
  sizeBytes: count,
  inDelivery: z.boolean(),
  recipients: z.array(z.object({
    address: text,
    status: queuedStatus,
    attempts: count,
    nextAttemptAt: time.nullable(),
    lastReply: text.nullable(),
  })).max(MAX_RECIPIENTS),
});

const progress: z.ZodType<QueueProgress> = z.object({
  job: text,
  ...{ seen: count, total: count, done: count, busy: count },
  ended: z.boolean(),
  trouble: text.nullable(),
  summary: z.object({
    ...{ messages: count, recipients: count, held: count, damaged: count },
    domains: z.array(domain).max(MAX_DOMAINS),
    otherDomains: count,
    suspended: z.array(z.object({ destination: text, why: text })).max(MAX_SUSPENDED),
  }).nullable(),
  list: z.array(message).max(MAX_MESSAGES).nullable(),
});

const reportBody: z.ZodType<QueueReport> = z.object({
  node: text.min(1),
  region: text,
  version: text,
  clock: z.object({ aheadMs: z.int(), apart: z.boolean() }).nullable(),
  number: count.nullable(),
  queued: count,
  load: z.object({ connections: count, inDelivery: count, acceptedPerMinute: count, loopDelayMs: count }),
  leases: z.object({ held: count, accounts: count, relaysLeft: count }),
  draining: z.boolean(),
  gone: z.boolean(),
  progress: z.array(progress).max(MAX_JOBS),
});

export type NodeQueueRoutes = QueueControl;

export const nodeQueueRoutes = (control: NodeQueueRoutes) =>
  new Hono().post(
    "/queue",
    jsonBody(reportBody),
    async (c) => c.json(await takeReport(control, c.req.valid("json")), 200),
  );
