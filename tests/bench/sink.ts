/** A next hop that takes every message and keeps none: it is to cost memory and CPU as little as possible. */

export interface Sink extends AsyncDisposable {
  readonly port: number;
  /** Messages that it has acknowledged. */
  readonly messages: number;
}

const BUFFER_OCTETS = 256 * 1024;
const END = "\r\n.\r\n";
const REPLIES: Record<string, string> = {
  EHLO: "250-sink.test\r\n250-8BITMIME\r\n250-SIZE 104857600\r\n250 PIPELINING\r\n",
  DATA: "354 Go ahead\r\n",
  QUIT: "221 2.0.0 Bye\r\n",
};
const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** @param port 0: a free one. */
export function startSink(port = 0): Sink {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const open = new Set<Deno.TcpConn>();
  let messages = 0;

  async function serve(conn: Deno.TcpConn): Promise<void> {
    open.add(conn);
    conn.setNoDelay(true);
    const say = async (text: string) => {
      const octets = encoder.encode(text);
      for (let at = 0; at < octets.length;) at += await conn.write(octets.subarray(at));
    };
    try {
      await say("220 sink.test ESMTP\r\n");
      const buffer = new Uint8Array(BUFFER_OCTETS);
      let unread = "", inData = false;
      for (let length; (length = await conn.read(buffer)) !== null;) {
        // Of data only its last octets matter.
        const octets = inData && length > END.length
          ? buffer.subarray(length - END.length, length)
          : buffer.subarray(0, length);
        unread = inData ? (unread + decoder.decode(octets)).slice(-END.length) : unread + decoder.decode(octets);
        if (inData) {
          if (unread !== END) continue;
          messages++;
          [unread, inData] = ["", false];
          await say("250 2.0.0 Taken\r\n");
          continue;
        }
        for (let end; !inData && (end = unread.indexOf("\r\n")) >= 0;) {
          const verb = unread.slice(0, 4).toUpperCase();
          unread = unread.slice(end + 2);
          inData = verb === "DATA";
          await say(REPLIES[verb] ?? "250 2.0.0 OK\r\n");
        }
      }
    } catch (error) {
      // The relay, or the end of the measurement, closed the connection.
      if (!(error instanceof Error)) throw error;
    } finally {
      open.delete(conn);
      close(conn);
    }
  }

  const accepting = (async () => {
    const sessions: Promise<void>[] = [];
    for await (const conn of listener) sessions.push(serve(conn));
    await Promise.all(sessions);
  })();
  return {
    port: listener.addr.port,
    get messages() {
      return messages;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) close(conn);
      await accepting;
    },
  };
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // closed before
  }
}
