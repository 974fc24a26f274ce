/** The domains that accounts sent from lately on this node: what a mistyped one may have meant. Bounded memory. */

const MAX_ACCOUNTS = 10_000;
const MAX_DOMAINS_PER_ACCOUNT = 8;

export class SenderDomains {
  readonly #byAccount = new Map<string, Set<string>>();

  used(account: string, domain: string): void {
    let domains = this.#byAccount.get(account);
    if (domains?.has(domain)) return;
    if (domains === undefined) this.#byAccount.set(account, domains = new Set());
    domains.add(domain);
    dropFirst(domains, MAX_DOMAINS_PER_ACCOUNT);
    dropFirst(this.#byAccount, MAX_ACCOUNTS);
  }

  of(account: string): Iterable<string> {
    return this.#byAccount.get(account) ?? [];
  }
}

function dropFirst(
  entries: { readonly size: number; keys(): Iterable<string>; delete(key: string): unknown },
  max: number,
): void {
  for (const first of entries.keys()) {
    if (entries.size <= max) break;
    entries.delete(first);
  }
}
