/**
 * What no module may accept, whoever wrote it: the house's invariants (ARCHITECTURE.md, 3, 5 and 6). Asked behind each
 * acceptance of a module of somebody else, of the facts as they were before it was called.
 */
import * as at from "./assembly/layout.ts";
import { Credentials, Ownership } from "./assembly/codes.ts";
import type { StageName } from "./facts.ts";
import { FACT_FIELDS } from "./fields.ts";

type Fact = (field: number) => number;

const UNACCEPTABLE: { readonly [Name in StageName]: (fact: Fact) => string | null } = {
  connection: () => null,
  login: (fact) => fact(at.CREDENTIALS) === Credentials.Wrong ? "a wrong password" : null,
  mail: (fact) => nobody(fact) ?? othersDomain(fact),
  recipient: nobody,
  message: (fact) => {
    if (fact(at.BARE_LINE_ENDINGS) === 1) return "a bare CR or LF in the data";
    return fact(at.FROM_FIELDS) > 1 ? "more than one From field" : null;
  },
  author: othersDomain,
  quota: (fact) => nobody(fact) ?? (fact(at.GRANTED) === 1 ? null : "a reservation that was not granted"),
};

function nobody(fact: Fact): string | null {
  return fact(at.AUTHENTICATED) === 1 ? null : "mail of nobody's account";
}

function othersDomain(fact: Fact): string | null {
  return fact(at.DOMAIN_OWNERSHIP) === Ownership.Another ? "a domain that another account has claimed" : null;
}

/** What must be refused in these recorded facts, in words; null: nothing. */
export function unacceptable(stage: StageName, facts: Float64Array): string | null {
  return UNACCEPTABLE[stage]((field) => facts[FACT_FIELDS[stage].indexOf(field)]!);
}
