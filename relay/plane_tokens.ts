/** The tokens of a process with a control plane: the operator's, and the one that all of its nodes may use. */
import { type AdminToken, obtainAdminToken } from "./admin_token.ts";
import { CannotStart } from "./cannot_start.ts";
import type { PlaneSettings } from "./settings.ts";

/** 256 bits: not to be guessed. */
const TOKEN_OCTETS = 32;

export interface PlaneTokens {
  readonly admin: AdminToken;
  /** Where none is set nobody elsewhere has it, and each other machine needs one of its own. */
  readonly relay: string;
}

/** @param randomBytes cryptographically secure. @throws {CannotStart} */
export async function planeTokens(
  { dataDir, adminToken, relayToken }: PlaneSettings,
  randomBytes: (length: number) => Uint8Array,
): Promise<PlaneTokens> {
  const admin = await obtainAdminToken({ path: dataDir, given: adminToken, randomBytes });
  if (typeof admin === "string") throw new CannotStart(admin);
  return { admin, relay: relayToken ?? randomBytes(TOKEN_OCTETS).toHex() };
}
