/** What TLS needs of the connection below it, and offers above: the part of Deno.Conn that a session uses. */
export interface ByteConn {
  /** Reads into `into`: the number of octets, or null at the end of the stream. One call at a time. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some or all of `octets`, and says how many. They must not change until it is done. */
  write(octets: Uint8Array): Promise<number>;
  /** Ends both directions and any call that waits. To be called once. */
  close(): void;
}
