import fc from 'fast-check';
import { deleteStack, OPERATIONS } from './operations.ts';
import { OUT_OF_BAND } from './out-of-band.ts';
import { World } from './world.ts';

const { MODEL_RUNS = '60', MODEL_SEED = '20261124' } = process.env;
const RUNS = Number(MODEL_RUNS);
const SEED = Number(MODEL_SEED);
const WORLDS = 3;
const LONGEST_SCRIPT = 25;
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
  const scripts = fc.commands([...OPERATIONS, ...OUT_OF_BAND], {
    maxCommands: LONGEST_SCRIPT,
    size: 'max',
  });
  const property = fc.asyncProperty(scripts, async (script) => {
    const account = await world.begin('ada', 'bob');
    try {
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
