/** A random order (Fisher and Yates's), with the source of randomness as a parameter. Pure. */

/** @param random as `Math.random`: at least 0, less than 1. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}
