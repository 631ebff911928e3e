// Prints the calls that each operation makes, as JSON: by the operation's name, in order.
import { runInLanes } from './lanes.ts';
import { OPERATIONS } from './operations.ts';
import { recordCalls } from './run-case.ts';
import { startBackend } from './stage.ts';

const LANES = 4;

const backend = await startBackend();
const { results, finished } = runInLanes(backend, LANES, OPERATIONS, recordCalls);
const recorded = await Promise.all(
  [...results].map(async ([{ name }, calls]) => [name, await calls] as const),
);
await finished;
await backend.stop();
console.log(JSON.stringify(Object.fromEntries(recorded)));
