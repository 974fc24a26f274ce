/** Replies leave in their order, whenever a flush begins, and none behind one that could not be written. */
import { assertEquals, assertRejects } from "@std/assert";
import { OutputBuffer } from "../../../relay/smtp/output_buffer.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** Takes so many octets of each write, when it is told to. */
class SlowWriter {
  written = "";
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  write(octets: Uint8Array): Promise<number> {
    return new Promise((resolve) =>
      this.#waiting.push(() => {
        const taken = octets.subarray(0, this.#atOnce);
        this.written += decoder.decode(taken);
        resolve(taken.length);
      })
    );
  }

  /** Until nothing waits. */
  async take(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next();
      // What the write was awaited by may write on.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}

Deno.test("output: what is flushed while a write goes on leaves behind it, octet for octet", async () => {
  const output = new OutputBuffer(), writer = new SlowWriter(3);
  const flushed = ["one\r\n", "two\r\n", "three\r\n", "four\r\n"].map((text) => {
    output.add(encoder.encode(text));
    return output.flush(writer);
  });
  await writer.take();
  await Promise.all(flushed);
  output.add(encoder.encode("five\r\n"));
  const last = output.flush(writer);
  await writer.take();
  await last;
  assertEquals(writer.written, "one\r\ntwo\r\nthree\r\nfour\r\nfive\r\n");
});

Deno.test("output: behind a write that failed nothing is written, and each flush says so", async () => {
  const output = new OutputBuffer();
  let writes = 0;
  const broken = {
    write: () => {
      writes++;
      return Promise.reject(new Deno.errors.BrokenPipe("gone"));
    },
  };
  for (let n = 0; n < 3; n++) {
    output.add(encoder.encode("reply\r\n"));
    await assertRejects(() => output.flush(broken), Deno.errors.BrokenPipe);
  }
  assertEquals(writes, 1);
});
