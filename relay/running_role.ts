/** What each role is started with, and what it is to the process once it runs. */
import type { Logger } from "@logtape/logtape";
import type { RoleFacts } from "./welcome.ts";

export interface RoleSurroundings {
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** Cryptographically secure. */
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  /** Resident memory of the process, in octets. */
  readonly residentOctets: () => number;
  readonly log: Logger;
  /** What is to end behind the drain is put into it. */
  readonly closing: AsyncDisposableStack;
}

export interface RunningRole {
  /** For the operator at the terminal. */
  readonly facts: RoleFacts;
  /** Lets nobody new in; resolves when those who are in have left, or had their time. */
  drain(): Promise<void>;
}
