/**
 * The control plane's HTTP app, put together from its routes.
 *
 * Three groups, each with its own door: health, help and the API's description without a token, nodes with a relay
 * token, everything else with the operator's or an account's key, of which each route declares what it may do
 * (access.ts). Whatever goes wrong leaves as problem details, and trouble of our own is logged with its request.
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { MAX_MODULE_OCTETS, PolicyFault } from "../policy/mod.ts";
import { QueueFull } from "./bounded_queue.ts";
import { assertDeclared } from "./declared_routes.ts";
import { describedApi } from "./openapi/described.ts";
import type { ApiDocument } from "./openapi/document.ts";
import { UnknownModule } from "./policy_control.ts";
import { type ApiEnv, identify } from "./principal.ts";
import { problem } from "./problem.ts";
import { requireRelayToken } from "./relay_access.ts";
import { type AccountRoutes, accountRoutes } from "./routes/accounts.ts";
import { type ApiKeyRoutes, apiKeyRoutes } from "./routes/api_keys.ts";
import { type AppPasswordRoutes, appPasswordRoutes } from "./routes/app_passwords.ts";
import { type AuditRoutes, auditRoutes } from "./routes/audit.ts";
import { type BlockRoutes, blockRoutes } from "./routes/blocks.ts";
import { type ClientSettingsRoutes, clientSettingsRoutes } from "./routes/client_settings.ts";
import { type DecisionRoutes, decisionRoutes } from "./routes/decisions.ts";
import { type DkimRoutes, dkimRoutes } from "./routes/dkim.ts";
import { docsRoutes } from "./routes/docs.tsx";
import { type DoctorRoutes, doctorRoutes } from "./routes/doctor.ts";
import { type DomainRoutes, domainRoutes } from "./routes/domains.ts";
import { helpRoutes } from "./routes/help.tsx";
import { healthRoutes, type Readiness } from "./routes/health.ts";
import { type MessageRoutes, messageRoutes } from "./routes/messages.ts";
import { type NetworkRoutes, networkRoutes } from "./routes/networks.ts";
import { type NodeAccountRoutes, nodeAccountRoutes } from "./routes/node_accounts.ts";
import { type NodeCounterRoutes, nodeCounterRoutes } from "./routes/node_counters.ts";
import { type NodeDkimRoutes, nodeDkimRoutes } from "./routes/node_dkim.ts";
import { type NodeDomainRoutes, nodeDomainRoutes } from "./routes/node_domains.ts";
import { type NodeEventRoutes, nodeEventRoutes } from "./routes/node_events.ts";
import { type NodeNoticeRoutes, nodeNoticeRoutes } from "./routes/node_notices.ts";
import { type NodePolicyRoutes, nodePolicyRoutes } from "./routes/node_policy.ts";
import { type NodeQueueRoutes, nodeQueueRoutes } from "./routes/node_queue.ts";
import { type NodesRoutes, nodesRoutes } from "./routes/nodes.ts";
import { accountNoticeRoutes, type NoticeRoutes, noticeRoutes } from "./routes/notices.ts";
import { openApiInfo } from "./routes/openapi.ts";
import { type PolicyRoutes, policyRoutes } from "./routes/policy.ts";
import { type PolicyDryRunRoutes, policyDryRunRoutes } from "./routes/policy_dry_run.ts";
import { type PolicyParameterRoutes, policyParameterRoutes } from "./routes/policy_parameters.ts";
import { type NodeSuppressionRoutes, nodeSuppressionRoutes } from "./routes/node_suppressions.ts";
import { type QuotaRoutes, quotaRoutes } from "./routes/quota.ts";
import { type QueueRoutes, queueRoutes } from "./routes/queue.ts";
import { type RelayTokenRoutes, relayTokenRoutes } from "./routes/relay_tokens.ts";
import { createRouter } from "./routes/router.ts";
import { type UsageRoutes, usageRoutes } from "./routes/usage.ts";
import { type SuppressionRoutes, suppressionRoutes } from "./routes/suppressions.ts";
import { CountersUnavailable } from "./counters/trouble.ts";
import { DatabaseUnavailable } from "./store/trouble.ts";

/** A batch of 512 events, each about 100 long addresses with a long reply, is 20 MiB. */
const NODE_BODY_BYTES = 32 * 1024 * 1024;
/** No public request is longer than some names and an address. */
const PUBLIC_BODY_BYTES = 64 * 1024;
const RETRY_AFTER_SECONDS = 5;
/** What almost all routes take. */
const WANTED = "the body is JSON, and its Content-Type application/json, unless the documentation says otherwise";
/** Of a proxy in front of us, or a client, that has given the request an id; any other is replaced by one of ours. */
const MAX_REQUEST_ID_CHARS = 64;

export type App = OpenAPIHono<ApiEnv>;

/** Where unexpected trouble is written. */
export type Log = (message: string, facts: Record<string, unknown>) => void;

/** Hears of requests that failed for the service's own sake. */
export interface Figures {
  troubled(kind: "database" | "counters" | "other"): void;
}

type NodeRoutes =
  & NodeAccountRoutes
  & NodeCounterRoutes
  & NodeDomainRoutes
  & NodeDkimRoutes
  & NodeSuppressionRoutes
  & NodeEventRoutes
  & NodeNoticeRoutes
  & NodePolicyRoutes
  & NodeQueueRoutes;
type MailRoutes =
  & AccountRoutes
  & ApiKeyRoutes
  & AppPasswordRoutes
  & BlockRoutes
  & QuotaRoutes
  & UsageRoutes
  & NetworkRoutes
  & DomainRoutes
  & DkimRoutes
  & SuppressionRoutes
  & ClientSettingsRoutes
  & MessageRoutes;
type PublicRoutes =
  & MailRoutes
  & QueueRoutes
  & DoctorRoutes
  & NodesRoutes
  & NoticeRoutes
  & RelayTokenRoutes
  & AuditRoutes
  & PolicyRoutes
  & PolicyParameterRoutes
  & PolicyDryRunRoutes
  & DecisionRoutes;

const nodeApp = (use: NodeRoutes) =>
  new Hono().basePath("/v1/node")
    .route("/", nodeAccountRoutes(use))
    .route("/", nodeCounterRoutes(use))
    .route("/", nodeDomainRoutes(use))
    .route("/", nodeDkimRoutes(use))
    .route("/", nodeSuppressionRoutes(use))
    .route("/", nodeEventRoutes(use))
    .route("/", nodeNoticeRoutes(use))
    .route("/", nodePolicyRoutes(use))
    .route("/", nodeQueueRoutes(use));

const publicApp = (use: PublicRoutes) =>
  createRouter()
    .route("/v1/accounts", accountRoutes(use))
    .route("/v1/accounts", apiKeyRoutes(use))
    .route("/v1/accounts", appPasswordRoutes(use))
    .route("/v1/accounts", blockRoutes(use))
    .route("/v1/accounts", quotaRoutes(use))
    .route("/v1/accounts", usageRoutes(use))
    .route("/v1/accounts", networkRoutes(use))
    .route("/v1/accounts", domainRoutes(use))
    .route("/v1/accounts", dkimRoutes(use))
    .route("/v1/accounts", suppressionRoutes(use))
    .route("/v1/accounts", accountNoticeRoutes(use))
    .route("/v1/accounts", clientSettingsRoutes(use))
    .route("/v1/messages", messageRoutes(use))
    .route("/v1/doctor", doctorRoutes(use))
    .route("/v1/queue", queueRoutes(use))
    .route("/v1/nodes", nodesRoutes(use))
    .route("/v1/notices", noticeRoutes(use))
    .route("/v1/relay-tokens", relayTokenRoutes(use))
    .route("/v1/audit", auditRoutes(use))
    .route("/v1/policy", policyRoutes(use))
    .route("/v1/policy", policyParameterRoutes(use))
    .route("/v1/policy", policyDryRunRoutes(use))
    .route("/v1/policy", decisionRoutes(use));

/** The types behind the clients of client.ts. */
export type NodeApp = ReturnType<typeof nodeApp>;
export type PublicApp = ReturnType<typeof publicApp>;

interface AppSettings {
  readonly adminToken: string;
  readonly relayToken: string;
  readonly readiness: Readiness;
  readonly figures: Figures | undefined;
  readonly log: Log;
}

export type AppParts = NodeRoutes & PublicRoutes & AppSettings;

const limitBody = (maxSize: number): MiddlewareHandler =>
  bodyLimit({ maxSize, onError: (c) => problem(c, "body-too-large", `At most ${maxSize} bytes are read`) });

/** A module is longer than any other public request. */
const limitPublicBody = (): MiddlewareHandler => {
  const ofModule = limitBody(MAX_MODULE_OCTETS), ofOthers = limitBody(PUBLIC_BODY_BYTES);
  return (c, next) => c.req.method === "PUT" && c.req.path === "/v1/policy" ? ofModule(c, next) : ofOthers(c, next);
};

/** RFC 9110 15.5.6: `Allow` says which methods there are. */
const refuseMethod = (c: Context, methods: readonly string[]) => {
  c.header("allow", methods.join(", "));
  return problem(c, "method-not-allowed", `${c.req.path} takes ${methods.join(", ")}`);
};

/** What a request changed is durable before it is answered. */
const syncWrites = (sync: () => Promise<void>): MiddlewareHandler => async (c, next) => {
  await next();
  if (c.req.method !== "GET" && c.req.method !== "HEAD") await sync();
};

export const createApp = (parts: AppParts): App => {
  const app = createRouter();
  app.onError((error, c) => {
    if (error instanceof QueueFull) {
      c.header("retry-after", String(RETRY_AFTER_SECONDS));
      return problem(c, "busy", "Too many logins are being checked");
    }
    if (error instanceof UnknownModule) return problem(c, "not-found", "There is no module of that hash");
    if (error instanceof PolicyFault) return problem(c, "policy-fault", error.message);
    // Thrown by Hono's validator for a body that is not JSON.
    if (error instanceof HTTPException && error.status === 400) return problem(c, "invalid-request", error.message);
    // Thrown by zod-openapi for a body that is said to be of a type that the route does not take.
    if (error instanceof HTTPException && error.status === 415) {
      return problem(
        c,
        "unsupported-media-type",
        `Not ${c.req.header("content-type") ?? "without a content type"}: ${WANTED}`,
      );
    }
    const request = { method: c.req.method, path: c.req.path, requestId: c.get("requestId") };
    if (error instanceof DatabaseUnavailable) {
      parts.figures?.troubled("database");
      parts.log("the database does not answer", { ...request, error });
      c.header("retry-after", String(RETRY_AFTER_SECONDS));
      return problem(c, "database-unavailable", "The service's database cannot be asked now");
    }
    if (error instanceof CountersUnavailable) {
      parts.figures?.troubled("counters");
      parts.log("the counters do not answer", { ...request, error: error.cause });
      c.header("retry-after", String(RETRY_AFTER_SECONDS));
      return problem(c, "counters-unavailable", "The day's counters cannot be asked now");
    }
    parts.figures?.troubled("other");
    parts.log("a request failed", { ...request, error });
    return problem(c, "internal", "The service could not do this now; the operator's log says why");
  });
  app.notFound((c) => problem(c, "not-found", `Nothing answers ${c.req.method} ${c.req.path}`));

  app.use("/v1/node/*", requireRelayToken(parts), limitBody(NODE_BODY_BYTES));
  app.route("/", nodeApp(parts));
  app.all("/v1/node/*", (c) => c.notFound());

  app.use(secureHeaders(), requestId({ generator: parts.newToken, limitLength: MAX_REQUEST_ID_CHARS }));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }));
  app.route("/", healthRoutes(parts.readiness));
  app.route("/", helpRoutes({ facts: parts.help, figures: () => parts.policy.live.parameters }));
  let made: ApiDocument | undefined;
  const document = () => made ??= describedApi(app.getOpenAPI31Document(openApiInfo) as unknown as ApiDocument);
  app.get("/v1/openapi.json", (c) => c.json(document()));
  app.route("/", docsRoutes({ name: parts.help.name, document }));
  // As people type them. Without the host, for a proxy in front may have another name, and TLS.
  for (const page of ["/help", "/docs"]) {
    app.get(`${page}/`, (c) => c.redirect(`${page}${new URL(c.req.url).search}`, 301));
  }
  app.use("/v1/*", identify(parts), limitPublicBody(), syncWrites(parts.sync));
  app.route("/", publicApp(parts));
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  assertDeclared(app);
  return app;
};
