/** /v1/queue/jobs: what the operator wants to know of queued mail, or done with it. */
import { z } from "@hono/zod-openapi";
import { noSuchAccount } from "../principal.ts";
import { problem, problemResponses } from "../problem.ts";
import { answerOf, jobStates, orderJob, type QueueControl } from "../queue_control.ts";
import { findAccount } from "../store/accounts.ts";
import { callOffQueueJob, listQueueJobs } from "../store/queue_jobs.ts";
import { jobInListSchema, jobSchema, orderSchema, showJob, showJobInList } from "./queue_schema.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery } from "./router.ts";

const noSuchJob = "There is no job of that id; jobs are kept for a week, questions for an hour";
const jobParam = z.object({ id: z.string() });

const order = createRoute({
  access: "operator",
  method: "post",
  path: "/jobs",
  summary: "Ask about queued mail, or have something done with it",
  description:
    "Each node takes the order up within a second or so, and does its part while mail goes on; one that is " +
    "away does it when it is back. What was accepted after the order is not meant. The job tells how far it is, and " +
    "has the answer when it is done.",
  request: { body: jsonRequest(orderSchema) },
  responses: {
    201: json(jobSchema, "The job"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const list = createRoute({
  access: "operator",
  method: "get",
  path: "/jobs",
  summary: "List the jobs of the last week, questions of the last hour, the newest first",
  request: { query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(jobInListSchema), "A page of jobs, without their answers"),
    ...problemResponses("invalid-request", "unauthorized"),
  },
});

const get = createRoute({
  access: "operator",
  method: "get",
  path: "/jobs/{id}",
  summary: "Show how far a job is, and its answer",
  request: { params: jobParam },
  responses: { 200: json(jobSchema, "The job"), ...problemResponses("unauthorized", "not-found") },
});

const callOff = createRoute({
  access: "operator",
  method: "delete",
  path: "/jobs/{id}",
  summary: "Call a job off: what was done stays done",
  request: { params: jobParam },
  responses: { 204: { description: "It is called off" }, ...problemResponses("unauthorized", "not-found") },
});

export type QueueRoutes = QueueControl;

export const queueRoutes = (control: QueueRoutes) =>
  createRouter()
    .openapi(order, async (c) => {
      const { work, select, reason = null, limit } = c.req.valid("json");
      // A slip in the name would look like an account without mail.
      if (select.account !== undefined && await findAccount(control.db, select.account) === undefined) {
        return problem(c, "not-found", noSuchAccount);
      }
      const id = await orderJob(control, { work, select, reason, limit });
      return c.json(showJob((await answerOf(control, id))!), 201);
    })
    .openapi(list, async (c) => {
      const { cursor, limit } = c.req.valid("query");
      const rows = await listQueueJobs(control.db, cursor, limit + 1);
      const shown = new Map((await jobStates(control, rows)).map((state) => [state.id, showJobInList(state)]));
      return c.json(page(rows, limit, ({ id }) => shown.get(id)!, ({ id }) => id), 200);
    })
    .openapi(get, async (c) => {
      const answer = await answerOf(control, c.req.valid("param").id);
      return answer === undefined ? problem(c, "not-found", noSuchJob) : c.json(showJob(answer), 200);
    })
    .openapi(callOff, async (c) => {
      const found = await callOffQueueJob(control.db, c.req.valid("param").id, control.now());
      return found ? c.body(null, 204) : problem(c, "not-found", noSuchJob);
    });
