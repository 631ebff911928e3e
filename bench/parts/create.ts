import { cloudFormation, makeUser, millisecondsOf, succeeded } from '../account.ts';
import type { Bench } from '../bench.ts';
import { start } from '../builds.ts';
import { figure, type Findings } from '../figure.ts';

const WAYS = ['stock', 'ours'] as const;
const CREATES_A_ROUND = { stock: 3, ours: 12 } as const;

/** CREATE and DELETE in turn, against an AWS where every change shows at once. */
export async function measureCreate({ endpoint, rounds }: Bench): Promise<Findings> {
  const UserName = await makeUser(endpoint, 'create');
  const creates = { stock: [] as number[], ours: [] as number[] };
  const deletes = { stock: [] as number[], ours: [] as number[] };
  const lambdas = { stock: await start('stock', endpoint), ours: await start('ours', endpoint) };
  const createAndDelete = async (way: (typeof WAYS)[number]) => {
    const cfn = cloudFormation(lambdas[way]);
    const created = succeeded(await cfn.create({ UserName, Serial: 1 }));
    const deleted = succeeded(await cfn.delete({ UserName, Id: created.resourceModel?.Id }));
    return [millisecondsOf(created), millisecondsOf(deleted)] as const;
  };

  for (const way of WAYS) await createAndDelete(way);
  for (let round = 0; round < rounds; round += 1) {
    for (const way of WAYS) {
      for (let count = 0; count < CREATES_A_ROUND[way]; count += 1) {
        const [create, remove] = await createAndDelete(way);
        creates[way].push(create);
        deletes[way].push(remove);
      }
    }
  }
  for (const way of WAYS) await lambdas[way].stop();
  return {
    figures: [
      figure(
        'CREATE, warm',
        'ms',
        creates.ours,
        { what: 'stock', samples: creates.stock },
        { most: 0.15, of: 'ratio' },
      ),
      figure('DELETE, warm', 'ms', deletes.ours, { what: 'stock', samples: deletes.stock }),
    ],
  };
}
