/** A well-behaved client that sends one short message after another and notes how long each took. */
import { delay } from "@std/async/delay.js";
import { Client } from "./client.ts";
import { quantile } from "./watched_relay.ts";

/** From one message to the next: a customer, not a load. */
const PAUSE_MS = 50;
const CONTENT = new TextEncoder().encode(`Subject: hello\r\n\r\n${"All is well here.\r\n".repeat(100)}.\r\n`);

export class HealthyClient {
  /** From connecting to the 250 at the end of the data. */
  readonly #tookMs: number[] = [];
  #failures = 0;
  #going = true;
  readonly #run: Promise<void>;

  constructor(port: number) {
    this.#run = this.#send(port);
  }

  /** Latencies since the last call. */
  summary(): string {
    const values = this.#tookMs.splice(0);
    const [p50, p99, max] = [0.5, 0.99, 1].map((part) => quantile(values, part).toFixed(1));
    return `${values.length} messages: p50 ${p50} ms, p99 ${p99} ms, longest ${max} ms; ${this.#failures} failed`;
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#run;
  }

  async #send(port: number): Promise<void> {
    while (this.#going) {
      const from = performance.now();
      try {
        using client = await Client.connect(port);
        await client.handIn(CONTENT);
        this.#tookMs.push(performance.now() - from);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        this.#failures++;
      }
      await delay(PAUSE_MS);
    }
  }
}
