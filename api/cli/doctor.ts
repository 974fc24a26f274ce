/** `mailhop doctor`: what keeps mail from arriving, on the machine that the tool talks to. */
import { command, map, message, object } from "@optique/core";
import { ask, type Finding } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { adviceText } from "./domain_checks.ts";
import { examples } from "./help.ts";
import type { Look } from "./render.ts";

/** `mailhop doctor`. */
export const doctor = command(
  "doctor",
  map(object({}), (): Command => async ({ api, terminal }) => {
    terminal.status("Asking the DNS, mail servers, a time server …");
    const answer = await ask(api.v1.doctor.$get());
    terminal.status("");
    return outcome(answer, findingsText);
  }),
  {
    brief: message`Look at what keeps mail from arriving.`,
    description:
      message`Looks, on the machine that the tool talks to, at what operators forget: the service's names and PTR records, its own SPF record, port 25 outwards, the certificate, the clock, and what the disk makes of a sync.`,
    footer: examples("doctor"),
  },
);

function findingsText({ items }: { readonly items: readonly Finding[] }, look: Look): string {
  const width = Math.max(...items.map(({ what }) => what.length)) + 2;
  return items.map(({ what, ...advice }) => adviceText(what, width, { ...advice, found: [] }, look)).join("\n");
}
