/** Forgets what was kept first, so that no more than `max` entries are left. */
export function forgetFirst(
  entries: { readonly size: number; keys(): Iterable<string>; delete(key: string): unknown },
  max: number,
): void {
  for (const first of entries.keys()) {
    if (entries.size <= max) break;
    entries.delete(first);
  }
}
