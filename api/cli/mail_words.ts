/** How senders and recipients are written in a table. Pure. */
import { amount } from "./render.ts";

/** RFC 5321 4.5.5: the null reverse path is written <>. */
export const reversePath = (sender: string): string => sender === "" ? "<>" : sender;

/** The first of some recipients, and how many others there are. */
export function firstOf(recipients: readonly { readonly address: string }[]): string {
  const [first, ...others] = recipients;
  const address = first?.address ?? "";
  return others.length === 0 ? address : `${address} and ${amount(others.length, "other")}`;
}
