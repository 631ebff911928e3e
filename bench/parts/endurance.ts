import { cloudFormation, makeUser, millisecondsOf, succeeded } from '../account.ts';
import type { Bench } from '../bench.ts';
import { start } from '../builds.ts';
import { figure, type Findings } from '../figure.ts';
import { residentMegabytes } from '../memory.ts';

const EARLY = 50;
/** A window of READs around the one that is compared. */
const WINDOW = 40;

/** One container's 1,500th warm READ beside its 50th. */
export async function measureEndurance({ endpoint, isQuick }: Bench): Promise<Findings> {
  const late = isQuick ? 300 : 1_500;
  const UserName = await makeUser(endpoint, 'endurance');
  const lambda = await start('ours', endpoint);
  const cfn = cloudFormation(lambda);
  const { resourceModel } = succeeded(await cfn.create({ UserName }));
  const milliseconds: number[] = [];
  const megabytes = new Map<number, number[]>();
  for (let count = 1; count <= late + WINDOW / 2; count += 1) {
    milliseconds.push(millisecondsOf(await cfn.read(String(resourceModel?.Id))));
    for (const moment of [EARLY, late]) {
      if (Math.abs(count - moment) > WINDOW / 2) continue;
      megabytes.set(moment, [...(megabytes.get(moment) ?? []), residentMegabytes(lambda.pid)]);
    }
  }
  await lambda.stop();
  const around = (moment: number) =>
    milliseconds.slice(moment - 1 - WINDOW / 2, moment + WINDOW / 2);
  return {
    figures: [
      figure(
        `${late.toLocaleString('en')}th warm READ, time`,
        'ms',
        around(late),
        { what: `the ${EARLY}th`, samples: around(EARLY) },
        { most: 1.05, of: 'ratio' },
      ),
      figure(
        `${late.toLocaleString('en')}th warm READ, memory`,
        'MB',
        megabytes.get(late) ?? [],
        { what: `the ${EARLY}th`, samples: megabytes.get(EARLY) ?? [] },
        { most: 5, of: 'difference' },
      ),
    ],
  };
}
