/** Files as a backup handles them: walked, copied, summed up, and brought to stable storage. */
import { dirname, join } from "@std/path";
import { createHash } from "node:crypto";
import { syncDirectory, writeAll } from "../spool/segments.ts";

const CHUNK_OCTETS = 1 << 20;
const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;

/** Paths of the files below a directory, from it, in a fixed order. What is neither file nor directory is left out. */
export async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isFile, isDirectory } of Deno.readDir(directory)) {
    if (isFile) found.push(name);
    else if (isDirectory) found.push(...(await filesBelow(join(directory, name))).map((path) => `${name}/${path}`));
  }
  return found.sort();
}

/** The file's size and SHA-256 (hex); `onOctets` hears how many more were read. */
export async function sumUp(path: string, onOctets: (octets: number) => void) {
  using file = await Deno.open(path);
  return await readThrough(file, (octets) => onOctets(octets.length));
}

/** Copies a file for its owner alone and syncs it; the directories above it are made, and not synced. */
export async function copyFile(from: string, to: string, onOctets: (octets: number) => void) {
  await Deno.mkdir(dirname(to), { recursive: true, mode: PRIVATE_DIR });
  using source = await Deno.open(from);
  using target = await Deno.open(to, { createNew: true, write: true, mode: PRIVATE_FILE });
  const sum = await readThrough(source, async (octets) => {
    await writeAll(target, octets);
    onOctets(octets.length);
  });
  await target.sync();
  return sum;
}

/** What was written to the files themselves before is on stable storage then, and so are their names. */
export async function syncAll(directory: string): Promise<void> {
  for await (const { name, isFile, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) await syncAll(path);
    else if (isFile) {
      using file = await Deno.open(path);
      await file.sync();
    }
  }
  await syncDirectory(directory);
}

async function readThrough(file: Deno.FsFile, onChunk: (octets: Uint8Array) => void | Promise<void>) {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK_OCTETS);
  let sizeBytes = 0;
  for (let read; (read = await file.read(chunk)) !== null; sizeBytes += read) {
    const octets = chunk.subarray(0, read);
    hash.update(octets);
    await onChunk(octets);
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}
