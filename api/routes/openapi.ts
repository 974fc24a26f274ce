/** What stands at the head of the OpenAPI document; the rest is made from the routes. */

export const openApiInfo = {
  openapi: "3.1.0",
  info: {
    title: "MailHop Outbound",
    version: "1",
    description:
      "Accounts, relay blocks, quota, networks, domains, message history and policy of an outgoing SMTP relay. " +
      "Errors are problem details (RFC 9457); times are RFC 3339 in UTC.",
  },
  security: [{ bearer: [] }],
};
