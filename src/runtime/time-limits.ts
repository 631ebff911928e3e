/**
 * How long the calls of an invocation may take. CloudFormation gives READ and LIST 30 seconds and the
 * others 60; the rest is for the answer.
 */
export const INVOCATION_MS = {
  CREATE: 50_000,
  READ: 26_000,
  UPDATE: 50_000,
  DELETE: 50_000,
  LIST: 26_000,
} as const;

/** Of a call, unless its session says otherwise. */
export const MAX_TRIES = 3;

/** Of one try: to a connection, to the first byte of the answer, and from there to its end. */
export const CONNECTION_MS = 3_000;
export const REQUEST_MS = 5_000;
export const ANSWER_MS = 3_000;
