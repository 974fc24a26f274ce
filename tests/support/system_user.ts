/** Users of this machine that are there for a server. */

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** The user of that name, or undefined. */
export function systemUser(name: string): SystemUser | undefined {
  const line = Deno.readTextFileSync("/etc/passwd").split("\n").find((line) => line.startsWith(`${name}:`));
  if (line === undefined) return undefined;
  const [, , uid, gid] = line.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}
