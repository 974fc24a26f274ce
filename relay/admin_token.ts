/** The operator's token of a process with a control plane: that of the settings, or one kept in the data directory. */
import { encodeBase64Url } from "@std/encoding";
import { join } from "@std/path";
import { whyUnusable } from "./data_dir.ts";
import { token } from "./settings_grammar.ts";

export interface AdminToken {
  readonly token: string;
  /** Where it is kept; null if the settings gave it. */
  readonly file: string | null;
  /** The token was made just now. */
  readonly isNew: boolean;
}

export interface AdminTokenOptions {
  /** Of the data directory, which is held. */
  readonly path: string;
  /** From the settings; null: the one in the directory, made where there is none. */
  readonly given: string | null;
  /** Cryptographically secure. */
  readonly randomBytes: (length: number) => Uint8Array;
}

const PRIVATE_FILE = 0o600;
const TOKEN_FILE = "admin-token";
/** 256 bits: not to be guessed. */
const TOKEN_OCTETS = 32;

/** @returns the token, or words for what the operator can mend. */
export async function obtainAdminToken({ path, given, randomBytes }: AdminTokenOptions): Promise<AdminToken | string> {
  if (given !== null) return { token: given, file: null, isNew: false };
  const file = join(path, TOKEN_FILE);
  try {
    const kept = await readIfThere(file);
    if (kept !== "") {
      return token.parse(kept) !== undefined
        ? { token: kept, file, isNew: false }
        : `${file} holds no token: remove it, and a new one is made`;
    }
    const made = encodeBase64Url(randomBytes(TOKEN_OCTETS));
    await Deno.writeTextFile(file, `${made}\n`, { mode: PRIVATE_FILE });
    return { token: made, file, isNew: true };
  } catch (error) {
    return whyUnusable(path, error);
  }
}

/** "" too for a file that a crash left empty. */
async function readIfThere(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** A new one is shown once, to a person. */
export function shownToken({ isNew, token }: AdminToken): string | null {
  return isNew && Deno.stdout.isTerminal() ? token : null;
}
