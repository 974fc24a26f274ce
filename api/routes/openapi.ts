/** What stands at the head of the OpenAPI document; the rest is made from the routes. */

export const openApiInfo = {
  openapi: "3.1.0",
  info: {
    title: "MailHop Outbound",
    version: "1",
    description:
      "Accounts, relay blocks, quota, networks, domains, message history and policy of an outgoing SMTP relay. " +
      "Errors are problem details (RFC 9457); times are RFC 3339 in UTC. The bearer token is the operator's, or an " +
      "account's API key, which reaches that account alone; `x-access` says who may use a route: the operator, or also " +
      "a key with that scope (`manage` includes `read`; `read own` shows a key its own account's things). " +
      "An account's keys may make so many requests a minute as `RateLimit-Policy` says; `X-Request-Id` names a request " +
      "in the server's log.",
  },
  security: [{ bearer: [] }],
};
