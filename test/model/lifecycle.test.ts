import fc from 'fast-check';
import { deleteStack, OPERATIONS, OVERLAP, ROTATIONS } from './operations.ts';
import { OUT_OF_BAND } from './out-of-band.ts';
import { World } from './world.ts';

const { MODEL_RUNS = '60', MODEL_SEED = '20261124' } = process.env;
const RUNS = Number(MODEL_RUNS);
const SEED = Number(MODEL_SEED);
const WORLDS = 3;
const LONGEST_SCRIPT = 25;
const LONGEST_OVERLAP = 12;
const TIMEOUT_MILLISECONDS = 600_000 + RUNS * 10_000;

/** MODEL_RUNS sets how many scripts are run, MODEL_SEED which. */
describe(`lifecycle, seed ${SEED}`, () => {
  const worlds = Array.from({ length: WORLDS }, () => new World());

  beforeAll(async () => {
    process.stdout.write(`MODEL_SEED=${SEED} MODEL_RUNS=${RUNS}\n`);
    await Promise.all(worlds.map((world) => world.start()));
  });
  afterAll(() => Promise.all(worlds.map((world) => world.stop())));

  it(
    'leaves what a plain model says there should be, whatever happens in whatever order',
    async () => {
      const failures = await Promise.all(
        worlds.map((world, index) => findFailure(world, SEED + index, Math.ceil(RUNS / WORLDS))),
      );

      expect(failures.filter((failure) => failure !== undefined).join('\n\n')).toBe('');
    },
    TIMEOUT_MILLISECONDS,
  );
});

/** @returns the shortest script found that fails, with its error. */
async function findFailure(
  world: World,
  seed: number,
  numRuns: number,
): Promise<string | undefined> {
  const size = 'max';
  const scripts = fc.commands([...OPERATIONS, ...OUT_OF_BAND], {
    maxCommands: LONGEST_SCRIPT,
    size,
  });
  const overlaps = fc.commands([...ROTATIONS, ...OUT_OF_BAND], {
    maxCommands: LONGEST_OVERLAP,
    size,
  });
  const any = fc.oneof(
    scripts.map((script) => ({ beginning: [], script })),
    overlaps.map((script) => ({ beginning: OVERLAP, script })),
  );
  const property = fc.asyncProperty(any, async ({ beginning, script }) => {
    const account = await world.begin('ada', 'bob');
    try {
      for (const step of beginning) await step.run(account, world);
      await fc.asyncModelRun(() => ({ model: account, real: world }), script);
      await deleteStack(account, world);
      await world.type.finishTest();
    } catch (error) {
      throw new Error(`${world.script.join('\n')}\n\n${String(error)}`, { cause: error });
    }
  });
  const { failed, errorInstance } = await fc.check(property, { seed, numRuns });
  return failed ? `MODEL_SEED=${SEED} MODEL_RUNS=${RUNS}\n${String(errorInstance)}` : undefined;
}
