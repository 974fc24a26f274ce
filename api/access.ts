/**
 * Who may use the public API, and for what: one pure decision about a principal, what a route declares, and the account
 * in the request's path.
 *
 * The operator may do all. A key of an account reaches that account alone, and there what its scopes cover. Things of
 * somebody else are answered as things that do not exist, before anything is looked up.
 */

/** `read`: may look at the account's things; `manage`: may also change what is a customer's to change. */
export const SCOPES = ["read", "manage"] as const;
export type Scope = (typeof SCOPES)[number];

export type Principal =
  | { readonly kind: "operator" }
  | {
    readonly kind: "key";
    readonly id: string;
    readonly label: string;
    /** The account whose key it is. */
    readonly username: string;
    readonly scopes: readonly Scope[];
  };

/**
 * What a route declares. `anyone`: no token; `operator`: the operator alone; a scope: also the account in the path, by a
 * key with that scope; `read own`: also any account by a key that may read, and the handler shows it its own only.
 */
export type Access = "anyone" | "operator" | Scope | "read own";

export type Verdict = "allowed" | "not-found" | "operator-only" | "scope-missing";

/** The scope that a key needs; null: none is enough. */
export const neededScope = (access: Access): Scope | null => {
  if (access === "operator" || access === "anyone") return null;
  return access === "read own" ? "read" : access;
};

const covers = (scopes: readonly Scope[], needed: Scope): boolean =>
  scopes.includes(needed) || (needed === "read" && scopes.includes("manage"));

/** @param account the one in the path; undefined: the path has none. */
export const decide = (principal: Principal, access: Access, account: string | undefined): Verdict => {
  if (principal.kind === "operator" || access === "anyone") return "allowed";
  if (account !== undefined && account !== principal.username) return "not-found";
  const needed = neededScope(access);
  if (needed === null) return "operator-only";
  return covers(principal.scopes, needed) ? "allowed" : "scope-missing";
};

/** Of a `read own` route: whose things are shown where those of `asked` are wanted; undefined: all; null: none. */
export const shownAccount = (principal: Principal, asked: string | undefined): string | undefined | null => {
  if (principal.kind === "operator") return asked;
  return asked === undefined || asked === principal.username ? principal.username : null;
};
