import { setTimeout as sleep } from 'node:timers/promises';
import { startAwsProxy } from '../../test/support/aws-proxy.ts';
import { cloudFormation, makeUser, millisecondsOf, succeeded } from '../account.ts';
import type { Bench } from '../bench.ts';
import { start } from '../builds.ts';
import { figure, type Findings } from '../figure.ts';
import { median } from '../statistics.ts';

interface Timed {
  readonly action: string;
  readonly startedAt: number;
  endedAt: number;
}

const LATENCY_MILLISECONDS = 50;

/** Counts the calls that wait for one another, behind a proxy that holds up each by 50 ms. */
export async function measureRoundTrips({ endpoint, rounds }: Bench): Promise<Findings> {
  const proxy = await startAwsProxy(endpoint);
  const calls: Timed[] = [];
  proxy.use(async (call, next) => {
    const timed = {
      action: `${call.service}:${call.action}`,
      startedAt: performance.now(),
      endedAt: Infinity,
    };
    calls.push(timed);
    await sleep(LATENCY_MILLISECONDS);
    const answer = await next(call);
    timed.endedAt = performance.now();
    return answer;
  });
  const lambda = await start('ours', proxy.endpoint);
  const plain = cloudFormation(lambda);
  const logged = cloudFormation(lambda, { withLogs: true });
  const UserName = await makeUser(endpoint, 'round-trips');
  const { resourceModel } = succeeded(await plain.create({ UserName }));
  const Id = String(resourceModel?.Id);
  await logged.read(Id);

  const chains: Record<string, { trips: number[]; milliseconds: number[]; sequence: string }> = {};
  const watch = async (name: string, operate: () => ReturnType<typeof plain.read>) => {
    calls.length = 0;
    const outcome = succeeded(await operate());
    const chain = (chains[name] ??= { trips: [], milliseconds: [], sequence: '' });
    const steps = toSteps(calls);
    chain.trips.push(steps.length);
    chain.milliseconds.push(millisecondsOf(outcome));
    chain.sequence = steps.map((step) => step.toSorted().join(' + ')).join(' → ');
    return outcome;
  };
  for (let round = 0; round < rounds; round += 1) {
    await watch('READ', () => plain.read(Id));
    await watch('READ with log delivery', () => logged.read(Id));
    const created = await watch('CREATE', () => plain.create({ UserName }));
    await watch('DELETE', () => plain.delete({ UserName, Id: created.resourceModel?.Id }));
  }
  await lambda.stop();
  await proxy.stop();

  const trips = (name: string) => chains[name]?.trips ?? [];
  return {
    figures: [
      figure('READ, calls that wait for one another', 'round trips', trips('READ'), undefined, {
        most: 2,
        of: 'value',
      }),
      figure(
        'READ with log delivery, calls that wait for one another',
        'round trips',
        trips('READ with log delivery'),
        { what: 'without', samples: trips('READ') },
        { most: 1, of: 'difference' },
      ),
    ],
    tables: [
      {
        title: 'Round trips',
        head: [
          'operation, warm',
          'round trips',
          'time / 50 ms',
          'calls: → waits for what is before it, + runs beside it',
        ],
        rows: Object.entries(chains).map(([name, { trips, milliseconds, sequence }]) => [
          name,
          String(median(trips)),
          (median(milliseconds) / LATENCY_MILLISECONDS).toFixed(2),
          sequence,
        ]),
        note: `Every call is held up by ${LATENCY_MILLISECONDS} ms on top of what the local AWS takes.`,
      },
    ],
  };
}

/** Calls that overlap make one step; a call that starts when all of a step have ended, the next. */
function toSteps(calls: readonly Timed[]): string[][] {
  const steps: string[][] = [];
  let stepEndsAt = -Infinity;
  for (const { action, startedAt, endedAt } of calls.toSorted(
    (one, other) => one.startedAt - other.startedAt,
  )) {
    if (startedAt >= stepEndsAt) {
      steps.push([]);
      stepEndsAt = endedAt;
    }
    // The step is over when its first call to end is: what starts then has waited for that one.
    stepEndsAt = Math.min(stepEndsAt, endedAt);
    steps.at(-1)?.push(action);
  }
  return steps;
}
