import { cloudFormation, makeUser, millisecondsOf, succeeded } from '../account.ts';
import type { Bench } from '../bench.ts';
import { start, type Way } from '../builds.ts';
import { figure, type Findings } from '../figure.ts';

const WAYS = ['stock', 'ours', 'bare'] as const satisfies Way[];
/** The stock way waits a second in each. */
const READS_A_ROUND = { stock: 3, ours: 30, bare: 30 } as const;
const LOGGED_READS_A_ROUND = { stock: 2, ours: 15 } as const;
const WARMING_READS = 20;

/** Warm READs of one key in turn: stock, ours and the bare calls; then with log delivery. */
export async function measureRead({ endpoint, rounds }: Bench): Promise<Findings> {
  const [stock, ours, bare] = await Promise.all(WAYS.map((way) => start(way, endpoint)));
  if (!stock || !ours || !bare) throw new Error('not started');
  const lambdas = { stock, ours, bare };
  const UserName = await makeUser(endpoint, 'read');
  const made = succeeded(await cloudFormation(ours).create({ UserName }));
  const id = String(made.resourceModel?.Id);
  const samples = { stock: [], ours: [], bare: [] } as Record<(typeof WAYS)[number], number[]>;
  const logged = { stock: [], ours: [] } as Record<'stock' | 'ours', number[]>;
  const read = async (way: keyof typeof samples, withLogs = false) =>
    millisecondsOf(await cloudFormation(lambdas[way], { withLogs }).read(id));

  for (let count = 0; count < WARMING_READS; count += 1) {
    await read('ours');
    await read('bare');
  }
  await read('stock');
  for (const way of ['stock', 'ours'] as const) await read(way, true);

  for (let round = 0; round < rounds; round += 1) {
    // In turn, one READ each: whatever slows the machine down for a while slows all of them.
    for (let count = 0; count < READS_A_ROUND.ours; count += 1) {
      for (const way of WAYS) {
        if (count < READS_A_ROUND[way]) samples[way].push(await read(way));
      }
    }
    for (const way of ['stock', 'ours'] as const) {
      for (let count = 0; count < LOGGED_READS_A_ROUND[way]; count += 1) {
        logged[way].push(await read(way, true));
      }
    }
  }
  await Promise.all(Object.values(lambdas).map((lambda) => lambda.stop()));
  return {
    figures: [
      figure(
        'READ, warm',
        'ms',
        samples.ours,
        { what: 'stock', samples: samples.stock },
        { most: 0.03, of: 'ratio' },
      ),
      figure(
        'READ, warm',
        'ms',
        samples.ours,
        { what: 'bare SDK v3', samples: samples.bare },
        { most: 1.2, of: 'ratio' },
      ),
      figure(
        'READ, warm, with log delivery',
        'ms',
        logged.ours,
        { what: 'stock', samples: logged.stock },
        { most: 0.1, of: 'ratio' },
      ),
    ],
  };
}
