/** Requests of the operator at the same time, for what an account may have only so many of. */
import type { TestControlPlane } from "./control_plane.ts";

const MAX_TRIES = 10;

/** Posts each of `bodies` until there is an answer. @returns how many had which status. */
export const postAtOnce = async (
  api: TestControlPlane,
  path: string,
  bodies: readonly unknown[],
): Promise<Record<number, number>> => {
  const statuses = await Promise.all(bodies.map(async (body) => {
    // On a busy machine some may wait too long for a connection to the database.
    for (let tries = 1;; tries++) {
      const { status } = await api.request("POST", path, body);
      if (status !== 503 || tries === MAX_TRIES) return status;
    }
  }));
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
