/**
 * A history of recorded decisions for replays: of every stage, on facts drawn by a seed, by two sets of parameters; and
 * an independent count of what a lower limit of recipients would change in it.
 */
import {
  type AccountFacts,
  type Decision,
  defaultParameters,
  type DomainFacts,
  type FactsOf,
  STAGE_NAMES,
  type StageName,
} from "../../policy/mod.ts";
import { decisionMaker } from "./decisions.ts";
import { Draw } from "./draw.ts";

const DAY_MS = 86_400_000;
const MEGABYTE = 1_048_576;
/** In one chunk, as nodes send them. */
const IN_CHUNK = 1000;
const ACCOUNTS = 500;
const OTHER_PARAMETERS = { ...defaultParameters, maxRecipients: 40, brakeFloorRelays: 50, relaysPerBlock: 100 };

/** A limit of recipients under which the history is decided again. */
export const LOWER_LIMIT = 60;

export interface HistoryOptions {
  readonly seed: number;
  readonly decisions: number;
  /** Epoch ms of the first and of the last one. */
  readonly from: number;
  readonly until: number;
}

export class DecisionHistory {
  /** Decisions so far that LOWER_LIMIT changes, counted from the plain facts. */
  changedByLowerLimit = 0;
  readonly #options: HistoryOptions;
  readonly #draw: FactsDraw;
  readonly #makers = [defaultParameters, OTHER_PARAMETERS].map((parameters) => ({
    limit: parameters.maxRecipients,
    decide: decisionMaker(parameters),
  }));

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#draw = new FactsDraw(options.seed);
  }

  /** All of them, a chunk's worth at a time, in the order of their times. */
  *batches(): Generator<Decision[]> {
    const { decisions, from, until } = this.#options;
    for (let made = 0; made < decisions;) {
      const batch: Decision[] = [];
      for (; batch.length < IN_CHUNK && made < decisions; made++) {
        batch.push(this.#decision(from + Math.floor(((until - from) * made) / decisions)));
      }
      yield batch;
    }
  }

  #decision(at: number): Decision {
    const stage = this.#draw.of(STAGE_NAMES);
    const { decide, limit } = this.#draw.of(this.#makers);
    const isPersonal = stage !== "connection" && stage !== "login";
    const context = { at, account: isPersonal ? `account-${this.#draw.below(ACCOUNTS)}` : null };
    if (stage !== "recipient") return decide(stage, this.#draw.facts(stage, at), context);
    const facts = this.#draw.facts("recipient", at);
    // A stranger is refused before his recipients are counted. Of a refusal, the limit that it names changes.
    if (facts.account !== null && facts.recipients >= Math.min(limit, LOWER_LIMIT)) this.changedByLowerLimit++;
    return decide("recipient", facts, context);
  }
}

/** Draws facts. Mostly ordinary ones: a history is that of mail that flows. */
class FactsDraw extends Draw {
  facts<Stage extends StageName>(stage: Stage, now: number): FactsOf[Stage] {
    const facts: { readonly [Name in StageName]: () => FactsOf[Name] } = {
      connection: () => ({ open: this.below(11_000), fromAddress: this.below(60) }),
      login: () => ({
        ofAccount: { count: this.below(25), ageMs: this.below(600_000) },
        fromPrefix: { count: this.below(25), ageMs: this.below(600_000) },
        knownPlace: this.rarely(),
        credentials: this.of(["not-checked", "right", "wrong"]),
      }),
      mail: () => ({
        ...{ now, account: this.#account(now), sizeBytes: this.#size(), sender: this.#domain() },
        ownership: this.of(["unclaimed", "own", "own", "another's"]),
      }),
      recipient: () => ({
        ...{ now, account: this.#account(now), sizeBytes: this.#size() },
        ...{ recipients: this.below(110), suppressed: this.rarely(), domain: this.#domain() },
      }),
      message: () => ({
        ...{ sizeBytes: this.#size(), bareLineEndings: this.rarely(), receivedFields: this.below(55) },
        ...{ headerTooLong: this.rarely(), fromFields: this.rarely() ? 2 : 1, fromTooLong: this.rarely() },
        nullReversePath: this.below(4) === 0,
        reportType: this.of(["none", "none", "delivery-status", "another"]),
        autoSubmitted: this.of(["no", "no", "generated", "replied", "failure"]),
        ...{ failedRecipientsField: this.rarely(), ndrChoice: this.of(["count", "limit", "refuse"]) },
      }),
      author: () => ({ ownership: this.of(["unclaimed", "own", "another's"]) }),
      quota: () => ({
        ...{ now, account: this.#account(now), granted: this.below(3) > 0 },
        ...{ used: this.below(400), limit: 150 * this.below(4), need: 1 + this.below(20) },
        ndr: this.rarely()
          ? { used: this.below(40), limit: 30, wish: { choice: "limit", sharePercent: 20 } as const }
          : null,
      }),
    };
    return facts[stage]();
  }

  #size(): number {
    return this.rarely() ? this.below(60 * MEGABYTE) : this.below(MEGABYTE);
  }

  #domain(): DomainFacts | null {
    return this.of<DomainFacts | null>([
      null,
      { existence: "exists", mx: "usable", address: "absent" },
      { existence: "exists", mx: "usable", address: "absent" },
      { existence: "exists", mx: "null", address: "absent" },
      { existence: "exists", mx: "names-address", address: "absent" },
      { existence: "exists", mx: "none", address: this.of(["present", "absent", "failed"]) },
      { existence: "missing", mx: "none", address: "absent" },
      { existence: "failed", mx: "failed", address: "failed" },
    ]);
  }

  #account(now: number): AccountFacts | null {
    if (this.rarely()) return null;
    return {
      status: this.rarely() ? "suspended" : "active",
      day: new Date(now - (this.rarely() ? DAY_MS : 0)).toISOString().slice(0, 10),
      used: this.below(500),
      blocks: Array.from({ length: this.below(5) }, () => ({
        quantity: 1 + this.below(3),
        activatesAt: now - DAY_MS + this.below(DAY_MS + 900_000),
      })),
      ndr: { choice: this.of(["count", "limit", "refuse"]), sharePercent: this.of([null, 10, 50]) },
      today: { recipients: this.below(400), outcomes: 100 + this.below(100), refused: this.below(100) },
      habit: {
        ...{ days: this.below(28), relays: this.below(300), recipients: this.below(200) },
        refusedPercent: this.below(30),
      },
      brakeReleasedUntil: this.rarely() ? now + this.below(DAY_MS) : null,
    };
  }
}
