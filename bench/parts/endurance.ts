import { cloudFormation, makeUser, millisecondsOf, succeeded } from '../account.ts';
import type { Bench } from '../bench.ts';
import { start, type Way } from '../builds.ts';
import { figure, type Figure, type Findings, type Unit } from '../figure.ts';
import { residentMegabytes } from '../memory.ts';

const EARLY = 50;
/** A window of READs around the one that is compared. */
const WINDOW = 40;

/** The warm READs of one container around two moments. */
interface Run {
  readonly milliseconds: readonly [early: number[], late: number[]];
  readonly megabytes: readonly [early: number[], late: number[]];
}

/** One container's 1,500th warm READ beside its 50th, of ours and of the bare calls. */
export async function measureEndurance({ endpoint, isQuick }: Bench): Promise<Findings> {
  const late = isQuick ? 300 : 1_500;
  const UserName = await makeUser(endpoint, 'endurance');
  const maker = await start('ours', endpoint);
  const { resourceModel } = succeeded(await cloudFormation(maker).create({ UserName }));
  await maker.stop();
  const id = String(resourceModel?.Id);
  const ours = await readOften('ours', endpoint, id, late);
  const bare = await readOften('bare', endpoint, id, late);

  const nth = `${late.toLocaleString('en')}th`;
  const figureOf = (
    what: string,
    unit: Unit,
    [before, after]: Run['megabytes'],
    goal?: Figure['goal'],
  ) =>
    figure(
      `${nth} warm READ, ${what}`,
      unit,
      after,
      { what: `the ${EARLY}th`, samples: before },
      goal,
    );
  return {
    figures: [
      figureOf('time', 'ms', ours.milliseconds, { most: 1.05, of: 'ratio' }),
      figureOf('memory', 'MB', ours.megabytes, { most: 5, of: 'difference' }),
      figureOf('memory, bare SDK v3', 'MB', bare.megabytes),
    ],
  };
}

async function readOften(way: Way, endpoint: string, id: string, late: number): Promise<Run> {
  const lambda = await start(way, endpoint);
  const cfn = cloudFormation(lambda);
  const run: Run = { milliseconds: [[], []], megabytes: [[], []] };
  for (let count = 1; count <= late + WINDOW / 2; count += 1) {
    const milliseconds = millisecondsOf(await cfn.read(id));
    for (const [index, moment] of [EARLY, late].entries()) {
      if (Math.abs(count - moment) > WINDOW / 2) continue;
      run.milliseconds[index]?.push(milliseconds);
      run.megabytes[index]?.push(residentMegabytes(lambda.pid));
    }
  }
  await lambda.stop();
  return run;
}
