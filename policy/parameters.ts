/**
 * The figures the policy decides by. They are facts like any other, so that an operator may change them without a new
 * module and a recorded decision can be decided again.
 */

/** All are whole numbers of at least 1. */
export interface Parameters {
  /** Relays a day in one block. */
  readonly relaysPerBlock: number;
  /** Octets: each full step costs one relay more for each recipient. */
  readonly priceStepBytes: number;
  /** Octets of the largest message. */
  readonly maxSizeBytes: number;
  /** Recipients of one message. */
  readonly maxRecipients: number;
  /** Received fields that a message may come with. */
  readonly maxReceivedFields: number;
}

/** 1 MB is 1,048,576 octets. */
const MEGABYTE = 1_048_576;

export const defaultParameters: Parameters = Object.freeze({
  relaysPerBlock: 150,
  priceStepBytes: 10 * MEGABYTE,
  maxSizeBytes: 50 * MEGABYTE,
  maxRecipients: 100,
  maxReceivedFields: 50,
});
