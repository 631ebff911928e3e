import fc from 'fast-check';
import { fairRound, lossyRound, overlapRound, type Round } from './round.ts';
import { listing, overlap, pair, play, rotation, twins, type Scenario } from './scenarios.ts';
import { Stage, type Lane } from './stage.ts';

const { RACE_ROUNDS = '200', RACE_SEED = '20261124', RACE_ONLY } = process.env;
const ROUNDS = Number(RACE_ROUNDS);
const SEED = Number(RACE_SEED);
const LANES = 8;
const TIMEOUT_MILLISECONDS = 600_000 + ROUNDS * 2_000;

/**
 * RACE_ROUNDS sets how many rounds there are, RACE_SEED which, and RACE_ONLY runs one of them alone;
 * where processes race for real, a round may need several runs to fail again.
 */
describe(`races, seed ${SEED}`, () => {
  let stage: Stage;

  beforeAll(async () => {
    process.stdout.write(`RACE_SEED=${SEED} RACE_ROUNDS=${ROUNDS}\n`);
    stage = await Stage.open(LANES);
  });
  afterAll(() => stage.close());

  it(
    'two resources for one user, one with a lost answer or none, end with a key each',
    () => race(pair, lossyRound, 0.4),
    TIMEOUT_MILLISECONDS,
  );
  it(
    'a key that is made beside the deletion of the old one is the one left',
    () => race(rotation, lossyRound, 0.3),
    TIMEOUT_MILLISECONDS,
  );
  it(
    'a rotation that keeps the old key leaves nothing that nobody knows, whoever comes or goes beside it',
    () => race(overlap, overlapRound, 0.15),
    TIMEOUT_MILLISECONDS,
  );
  it(
    'one token in two invocations at once makes one key',
    () => race(twins, fairRound, 0.2),
    TIMEOUT_MILLISECONDS,
  );
  it(
    'a list that users and keys come and go under has each lasting key once',
    () => race(listing, fairRound, 0.1),
    TIMEOUT_MILLISECONDS,
  );

  async function race<R extends Round>(
    scenario: Scenario<R>,
    rounds: fc.Arbitrary<R>,
    share: number,
  ): Promise<void> {
    const numRuns = Math.ceil(ROUNDS * share);
    const queue = [...fc.sample(rounds, { seed: SEED, numRuns }).entries()].filter(
      ([index]) => RACE_ONLY === undefined || index === Number(RACE_ONLY),
    );
    const failures: string[] = [];
    const run = async (lane: Lane): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [index, round] = next;
        await play(scenario, stage, lane, round).catch((error: unknown) => {
          const repeat = `RACE_SEED=${SEED} RACE_ROUNDS=${ROUNDS} RACE_ONLY=${index}`;
          failures.push(`${repeat}\n${String(error)}\n${JSON.stringify(round)}`);
        });
      }
    };
    await Promise.all(stage.lanes.map(run));
    expect(failures.join('\n\n')).toBe('');
  }
});
