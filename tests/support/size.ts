/**
 * How much a suite of random or enumerated cases does, and from which seed.
 *
 * `MAILHOP_TEST_SIZE=large` asks for the size that is run by hand, `MAILHOP_TEST_SEED` for another seed than the fixed
 * one. A failure says both, as the command that repeats it.
 */
import fc from "fast-check";
import { relative } from "@std/path";

/** What a suite does in CI (minutes for all suites) and by hand. */
export interface Sizes {
  readonly ci: number;
  readonly large: number;
}

const DEFAULT_SEED = 20_261_123;
const sizeSetting = Deno.env.get("MAILHOP_TEST_SIZE") ?? "ci";
const seedSetting = Deno.env.get("MAILHOP_TEST_SEED") ?? `${DEFAULT_SEED}`;
if (sizeSetting !== "ci" && sizeSetting !== "large") {
  throw new TypeError(`MAILHOP_TEST_SIZE is "${sizeSetting}", not "ci" or "large"`);
}
if (!/^-?\d+$/.test(seedSetting)) throw new TypeError(`MAILHOP_TEST_SEED is "${seedSetting}", not a whole number`);

export const seed = Number(seedSetting);

/** The figure for this run. */
export function sizeOf(sizes: Sizes): number {
  return sizes[sizeSetting as keyof Sizes];
}

/**
 * Tries a property as often as the size says.
 *
 * @param file the test's `import.meta.filename`, for the command.
 * @param shrink whether a smaller counterexample is looked for; not where each try takes long, and the error says enough.
 * @throws {Error} with the smallest counterexample that was found, the seed, and the command to repeat it
 */
export async function holds<T>(
  property: fc.IRawProperty<T>,
  runs: Sizes,
  file: string | undefined,
  shrink = true,
): Promise<void> {
  const details = await fc.check(property, { seed, numRuns: sizeOf(runs), endOnFailure: !shrink });
  if (details.failed) {
    throw new Error(`${fc.defaultReportMessage(details)}\n\n${howToRepeat(file)}`, { cause: details.errorInstance });
  }
}

/** A test whose failure says how to repeat it; @param file as above. */
export function repeatable(file: string | undefined, test: () => Promise<void>): () => Promise<void> {
  return async () => {
    try {
      await test();
    } catch (cause) {
      throw new Error(howToRepeat(file), { cause });
    }
  };
}

function howToRepeat(file: string | undefined): string {
  const test = file === undefined ? "tests" : relative(Deno.cwd(), file);
  return `To repeat: MAILHOP_TEST_SIZE=${sizeSetting} MAILHOP_TEST_SEED=${seed} deno test -A ${test}`;
}
