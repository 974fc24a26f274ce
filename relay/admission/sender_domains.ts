/** The domains that accounts sent from lately on this node: what a mistyped one may have meant. Bounded memory. */
import { forgetFirst } from "../forget_first.ts";

const MAX_ACCOUNTS = 10_000;
const MAX_DOMAINS_PER_ACCOUNT = 8;

export class SenderDomains {
  readonly #byAccount = new Map<string, Set<string>>();

  used(account: string, domain: string): void {
    let domains = this.#byAccount.get(account);
    if (domains?.has(domain)) return;
    if (domains === undefined) this.#byAccount.set(account, domains = new Set());
    domains.add(domain);
    forgetFirst(domains, MAX_DOMAINS_PER_ACCOUNT);
    forgetFirst(this.#byAccount, MAX_ACCOUNTS);
  }

  of(account: string): Iterable<string> {
    return this.#byAccount.get(account) ?? [];
  }
}
