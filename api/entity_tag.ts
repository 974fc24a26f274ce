/** Versions as entity tags (RFC 9110 8.8.3), and the condition If-Match (13.1.1). Pure. */

export const entityTag = (version: number): string => `"${version}"`;

/**
 * The versions that a request may change; undefined: any, for there is no condition, or it is "*". A weak tag, or one
 * that is not ours, matches none.
 */
export const matchingVersions = (ifMatch: string | undefined): number[] | undefined => {
  if (ifMatch === undefined || ifMatch.trim() === "*") return undefined;
  return ifMatch.split(",").flatMap((tag) => {
    const [, version] = /^"(\d{1,15})"$/.exec(tag.trim()) ?? [];
    return version === undefined ? [] : [Number(version)];
  });
};
