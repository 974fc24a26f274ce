/** What programs that tests start find in their environment: the settings of the tests themselves are not for them. */

/** What a program needs to be found and run. */
export function environmentWithoutSettings(): Record<string, string> {
  const others = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !/^(MAILHOP_|UPSTASH_REDIS_|DATABASE_URL$)/.test(name)
  );
  return { ...Object.fromEntries(others), NO_COLOR: "1" };
}
