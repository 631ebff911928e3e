import { execFileSync } from 'node:child_process';
import type { CallPoint } from './calls.ts';
import { OPERATIONS, type Operation } from './operations.ts';

/** Each operation with each call that it was seen to make. It is run in another process, because
 * jest has to know its tests before it runs any. */
export function recordedCalls(): (readonly [Operation, CallPoint])[] {
  const calls = JSON.parse(
    execFileSync('node_modules/.bin/node', ['test/faults/record-calls.ts'], { encoding: 'utf8' }),
  ) as Readonly<Record<string, readonly CallPoint[]>>;
  return OPERATIONS.flatMap((operation) =>
    (calls[operation.name] ?? []).map((call) => [operation, call] as const),
  );
}
