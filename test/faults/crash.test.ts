import { nameOf, type CallPoint } from './calls.ts';
import { killAt } from './kill.ts';
import { runInLanes } from './lanes.ts';
import type { Operation } from './operations.ts';
import { recordedCalls } from './recorded-calls.ts';
import { leftOf, run } from './run-case.ts';
import { startBackend, type Backend, type Stage } from './stage.ts';
import { codeOf } from './verdict.ts';

interface Crash {
  readonly operation: Operation;
  readonly call: CallPoint;
  /** Whether that call had taken effect when the process ended. */
  readonly when: 'before' | 'after';
}

const LANES = Number(process.env.FAULT_LANES ?? 8);
const ALL_TIMEOUT_MS = 15 * 60_000;

/** A part of the crashes, for whoever looks into a failure: FAULT_CASES='CREATE.*after'. */
const ONLY = new RegExp(process.env.FAULT_CASES ?? '');

const crashes = recordedCalls()
  .filter(([{ kind, ends }]) => /CREATE|UPDATE|DELETE/.test(kind) && ends === 'SUCCESS')
  .flatMap(([operation, call]) =>
    (['before', 'after'] as const).map((when): [string, Crash] => [
      `${operation.name}, killed ${when} ${nameOf(call)}`,
      { operation, call, when },
    ]),
  )
  .filter(([name]) => ONLY.test(name));

describe('a function that is killed and called again', () => {
  let backend: Backend;
  let finished: Promise<void>;
  let results: ReadonlyMap<Crash, Promise<readonly string[]>>;

  beforeAll(async () => {
    backend = await startBackend();
    const jobs = crashes.map(([, crash]) => crash);
    ({ results, finished } = runInLanes(backend, LANES, jobs, runCrash));
  });
  afterAll(async () => {
    await finished;
    await backend.stop();
  }, ALL_TIMEOUT_MS);

  it.each(crashes)(
    '%s',
    async (_, crash) => {
      expect(await results.get(crash)).toEqual([]);
    },
    ALL_TIMEOUT_MS,
  );
});

/** @returns what is wrong after the second call. */
async function runCrash(stage: Stage, { operation, call, when }: Crash): Promise<string[]> {
  let crash: Promise<unknown> | undefined;
  const { outcome, arranged, problems } = await run(stage, operation, () => {
    stage.proxy.forgetCalls();
    stage.resends = true;
    crash = killAt(stage, (made) => nameOf(made) === nameOf(call), when);
  });
  await crash;
  const allowed = operation.kind === 'DELETE' ? ['SUCCESS', 'NotFound'] : ['SUCCESS'];
  if (!allowed.includes(codeOf(outcome))) {
    problems.push(`it ended with ${codeOf(outcome)}: ${outcome.message ?? ''}`);
  }
  if (operation.kind === 'DELETE') problems.push(...(await leftOf(stage, operation, arranged)));
  return problems;
}
