/**
 * Policy modules of somebody else, written by hand: a good one that accepts all that a module may, and some that are
 * like it but for one thing.
 *
 *     policyModule()                               // good
 *     policyModule({ fields: '(import "env" "now" (func (result f64)))' })
 *     policyModule({ before: onTrigger(FAULTS.loop) })  // good, until a message of TRIGGER_BYTES octets comes
 *
 * `before` runs in front of each decision and leaves nothing on the stack.
 */
// The compiler's own: were it in the import map, each `deno task` would read its programs, 80 MB, for half a second.
import binaryen from "assemblyscript/binaryen";
import { Credentials, Ownership } from "../../policy/assembly/codes.ts";
import * as layout from "../../policy/assembly/layout.ts";
import { Reason } from "../../policy/assembly/reason.ts";
import { Rule } from "../../policy/assembly/rule.ts";
import { Stage } from "../../policy/assembly/stage.ts";

export interface ModuleParts {
  readonly memory: string;
  readonly abi: number;
  readonly base: number;
  /** Fields of the module's text beside its own. */
  readonly fields: string;
  /** Instructions in front of each decision. */
  readonly before: string;
  /** Relays a day, whatever the account has bought; and instructions in front of that answer. */
  readonly cap: number;
  readonly beforeCap: string;
  /** Instructions that give an f64: what a message costs. */
  readonly price: string;
  /** Rules of each stage in their order; what is left out accepts everything. */
  readonly rules: Readonly<Partial<Record<Stage, readonly Rule[]>>>;
  /** What each rule refuses: instructions that give an i32, and the reason where it is not 0. */
  readonly judged: Readonly<Partial<Record<Rule, readonly [refuses: string, reason: number]>>>;
}

const fact = (offset: number) => `(f64.load offset=${offset} (global.get $base))`;
const is = (offset: number, value: number) => `(f64.eq ${fact(offset)} (f64.const ${value}))`;

export const GOOD: ModuleParts = {
  memory: '(memory (export "memory") 2 2)',
  abi: layout.ABI_VERSION,
  base: 0,
  fields: "",
  before: "",
  cap: 1_000_000,
  beforeCap: "",
  price: fact(layout.RECIPIENTS),
  rules: {
    [Stage.Login]: [Rule.Credentials],
    [Stage.Mail]: [Rule.Authentication, Rule.DomainOwnership],
    [Stage.Message]: [Rule.LineEndings, Rule.FromFields],
    [Stage.Author]: [Rule.DomainOwnership],
    [Stage.Quota]: [Rule.Reservation],
  },
  judged: {
    [Rule.Credentials]: [is(layout.CREDENTIALS, Credentials.Wrong), Reason.AuthenticationFailed],
    [Rule.Authentication]: [is(layout.AUTHENTICATED, 0), Reason.AuthenticationRequired],
    [Rule.DomainOwnership]: [is(layout.DOMAIN_OWNERSHIP, Ownership.Another), Reason.DomainOfAnotherAccount],
    [Rule.LineEndings]: [is(layout.BARE_LINE_ENDINGS, 1), Reason.BareLineEnding],
    [Rule.FromFields]: [`(f64.gt ${fact(layout.FROM_FIELDS)} (f64.const 1))`, Reason.SeveralFrom],
    [Rule.Reservation]: [is(layout.GRANTED, 0), Reason.ReservationRefused],
  },
};

/** The self-test knows nothing of a message of so many octets. */
export const TRIGGER_BYTES = 666;

/** Instructions that run only where the message has TRIGGER_BYTES octets, or is said to have them. */
export const onTrigger = (instructions: string): string =>
  `(if ${is(layout.SIZE_BYTES, TRIGGER_BYTES)} (then ${instructions}))`;

/** Instructions that run only at this moment (epoch ms) or later. */
export const onceItIs = (at: number, instructions: string): string =>
  `(if (f64.ge ${fact(layout.NOW)} (f64.const ${at})) (then ${instructions}))`;

/** Instructions of modules that must be stopped. */
export const FAULTS = {
  loop: "(loop $for-ever (br $for-ever))",
  trap: "(unreachable)",
  recursion: "(drop (call $decide (local.get $stage)))",
  growth: "(drop (memory.grow (i32.const 1)))",
  /** Its memory is as long as it was, and another one. */
  "growth by nothing": "(drop (memory.grow (i32.const 0)))",
  nonsense: "(return (i32.const 999))",
  /** Answers what the host alone answers. */
  "the host's reason": `(return (i32.const ${Reason.PolicyFault}))`,
} as const;

/** Room for `FAULTS.growth`. */
export const GROWING_MEMORY = '(memory (export "memory") 2 4)';

export const refusing = (reason: Reason): string => `(return (i32.const ${reason}))`;

/** The octets of a good module with some parts changed. @throws Error binaryen's, for text that is no module. */
export function policyModule(changes: Partial<ModuleParts> = {}): Uint8Array<ArrayBuffer> {
  return compile(moduleText({ ...GOOD, ...changes }));
}

export function moduleText(
  { memory, abi, base, fields, before, cap, beforeCap, price, rules, judged }: ModuleParts,
): string {
  return `(module
    ${fields}
    ${memory}
    (global $base i32 (i32.const ${base}))
    (func (export "abi") (result i32) (i32.const ${abi}))
    (func (export "base") (result i32) (global.get $base))
    (func $decide (export "decide") (param $stage i32) (result i32)
      (local $n i32) (local $rule i32) (local $reason i32)
      ${before}
      (loop $next
        (local.set $rule (call $ruleAt (local.get $stage) (local.get $n)))
        (if (i32.eqz (local.get $rule)) (then (return (i32.const ${Reason.Accepted}))))
        (local.set $reason (call $judge (local.get $rule)))
        (if (local.get $reason) (then (return (local.get $reason))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next))
      (unreachable))
    (func $ruleAt (export "ruleAt") (param $stage i32) (param $n i32) (result i32)
      ${Object.entries(rules).flatMap(([stage, rules]) => rules.map((rule, n) => placed(stage, n, rule))).join("\n")}
      (i32.const ${Rule.None}))
    (func $judge (export "judge") (param $rule i32) (result i32)
      ${Object.entries(judged).map(([rule, [refuses, reason]]) => judgedBy(rule, refuses, reason)).join("\n")}
      (i32.const ${Reason.Accepted}))
    (func (export "price") (result f64) ${price})
    (func (export "cap") (result f64) ${beforeCap} (f64.const ${cap}))
    (func (export "ndr") (result f64) (f64.const 0))
    (func (export "ndrCap") (result f64) (f64.const ${cap}))
  )`;
}

function placed(stage: string, n: number, rule: Rule): string {
  const here = `(i32.and (i32.eq (local.get $stage) (i32.const ${stage})) (i32.eq (local.get $n) (i32.const ${n})))`;
  return `(if ${here} (then (return (i32.const ${rule}))))`;
}

function judgedBy(rule: string, refuses: string, reason: number): string {
  const refused = `(i32.and (i32.eq (local.get $rule) (i32.const ${rule})) ${refuses})`;
  return `(if ${refused} (then (return (i32.const ${reason}))))`;
}

/** WebAssembly text to octets. */
export function compile(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    if (module.validate() !== 1) throw new Error("binaryen takes it for no valid module");
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

/** Those that the check refuses: what is wrong with each, and a word of what is said of it. */
export const HOSTILE: Readonly<Record<string, readonly [octets: () => Uint8Array<ArrayBuffer>, says: RegExp]>> = {
  "imports": [
    () => policyModule({ fields: '(import "env" "now" (func (result f64)))' }),
    /It imports env\.now/,
  ],
  "no memory maximum": [() => policyModule({ memory: '(memory (export "memory") 2)' }), /must have a maximum/],
  "a memory that is too large": [
    () => policyModule({ memory: '(memory (export "memory") 2 65)' }),
    /may have 65 pages/,
  ],
  "a shared memory": [() => policyModule({ memory: '(memory (export "memory") 2 2 shared)' }), /neither shared nor/],
  "a memory that holds no facts": [() => policyModule({ memory: '(memory (export "memory") 1 1)' }), /cannot begin at/],
  "a start function": [
    () => policyModule({ fields: "(start $begin) (func $begin (unreachable))" }),
    /start function/,
  ],
  "a table without a maximum": [
    () => policyModule({ fields: '(table (export "table") 1 funcref)' }),
    /one table, of functions, with a maximum/,
  ],
  "GC types": [
    () =>
      policyModule({
        fields: '(type $pair (struct (field i32))) (func (export "pair") (param (ref null $pair)))',
      }),
    /types other than functions of numbers/,
  ],
  "too many octets": [
    () =>
      policyModule({
        memory: '(memory (export "memory") 8 8)',
        fields: `(data (i32.const 131072) "${"x".repeat(256 * 1024)}")`,
      }),
    /octets: at most 262144 may be/,
  ],
  "a missing function": [() => compile('(module (memory (export "memory") 2 2))'), /does not export abi\(\), base\(\)/],
  "no WebAssembly": [() => new TextEncoder().encode("policy"), /no WebAssembly module/],
  "half a module": [() => policyModule().slice(0, 100), /no WebAssembly module/],
  "another version of the ABI": [() => policyModule({ abi: 2 }), /keeps version 2 of the ABI/],
  "a loop": [() => policyModule({ before: FAULTS.loop }), /timeout: no answer within/],
  "a trap": [() => policyModule({ before: FAULTS.trap }), /trap: unreachable/],
  "endless recursion": [() => policyModule({ before: FAULTS.recursion }), /trap: /],
  "growth": [() => policyModule({ memory: GROWING_MEMORY, before: FAULTS.growth }), /growth: /],
  "a reason that there is not": [() => policyModule({ before: FAULTS.nonsense }), /no reason 999/],
  "the host's reason": [() => policyModule({ before: FAULTS["the host's reason"] }), /no reason 60/],
  "figures without a meaning": [
    () =>
      policyModule({
        before: `(f64.store offset=${layout.VERDICT_MEASURE} (global.get $base) (f64.const 99)) ${
          refusing(Reason.Braked)
        }`,
      }),
    /a code of 99/,
  ],
  "answers that depend on those before": [
    () =>
      policyModule({
        fields: "(global $asked (mut i32) (i32.const 0))",
        before: `(global.set $asked (i32.add (global.get $asked) (i32.const 1)))
          (if (i32.rem_u (global.get $asked) (i32.const 4)) (then ${refusing(Reason.AccountSuspended)}))`,
      }),
    /answers the same facts differently/,
  ],
  "no refusal at all": [() => policyModule({ rules: {} }), /accepts a wrong password: no module may/],
  "exceptions": [
    () => policyModule({ fields: "(tag $trouble (param i32))", before: "(nop)" }),
    /has exceptions/,
  ],
  "variables of other types": [
    () => policyModule({ fields: "(global $ref (mut funcref) (ref.null func))" }),
    /variables other than numbers/,
  ],
  "very many functions": [
    () => policyModule({ fields: Array.from({ length: 3000 }, (_, n) => `(func (export "f${n}"))`).join("\n") }),
    /functions: at most 2000 may be/,
  ],
  "very many variables": [
    () => policyModule({ fields: `(func (export "f") ${"(local i32) ".repeat(600)} (local.set 599 (local.get 0)))` }),
    /variables: at most 500 may be/,
  ],
  "a price of nothing": [() => policyModule({ price: "(f64.const 0)" }), /a price of 0 for 1 recipients/],
  "a price that is no number": [() => policyModule({ price: "(f64.const nan)" }), /a price of NaN/],
};
