/** The last reply on a connection that is about to be closed: it is given a moment to leave, and no more. */

/** A peer that does not read its replies, or never ends its TLS handshake, shall not keep the connection by that. */
const LAST_WORDS_MS = 1000;

/** Waits until `spoken` settles or the moment is over; what it throws is thrown. The caller closes then. */
export async function lastWords(spoken: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => timer = setTimeout(resolve, LAST_WORDS_MS));
  try {
    await Promise.race([spoken, over]);
  } finally {
    clearTimeout(timer);
  }
}
