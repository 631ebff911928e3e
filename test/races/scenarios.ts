import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudFormation, Outcome } from '../../local/cloudformation.ts';
import type { OverlapRound, Round } from './round.ts';
import type { Lane, Stage } from './stage.ts';

/** One round's user and operations, and how to look at what they left. */
export interface Act<R extends Round> {
  readonly stage: Stage;
  readonly round: R;
  readonly userName: string;
  readonly left: CloudFormation;
  readonly right: CloudFormation;
  /** In the left one's process, without its weather. */
  readonly calm: CloudFormation;
  /** Holds when nothing exists but what these answers named, each with its own secret. */
  expectNamed(outcomes: readonly Outcome[]): Promise<void>;
}

export type Scenario<R extends Round = Round> = (act: Act<R>) => Promise<void>;

/** Plays a round with a user of its own, and clears away what it left. */
export async function play<R extends Round>(
  scenario: Scenario<R>,
  stage: Stage,
  lane: Lane,
  round: R,
): Promise<void> {
  const unique = randomUUID().slice(0, 8);
  const userName = `user-${unique}`;
  const prefix = `/race/${unique}`;
  const stack = { prefix, stackId: `arn:aws:cloudformation:us-east-1:1:stack/race/${unique}` };
  await stage.ask('CreateUser', { UserName: userName });
  try {
    await scenario({
      stage,
      round,
      userName,
      left: stage.cloudFormation(lane.left, { ...stack, weather: round.left }),
      right: stage.cloudFormation(lane.right, { ...stack, weather: round.right }),
      calm: stage.cloudFormation(lane.left, stack),
      expectNamed: async (outcomes) => {
        const models = outcomes.map(({ resourceModel }) => resourceModel ?? {});
        expect(await stage.holdings(userName, prefix)).toEqual({
          keys: Object.fromEntries(models.map(({ Id, SecretAccessKey }) => [Id, SecretAccessKey])),
          parameters: Object.fromEntries(
            models.map(({ Id, SecretAccessKey }) => [`${prefix}/${String(Id)}`, SecretAccessKey]),
          ),
        });
      },
    });
  } finally {
    await stage.clear(userName, prefix);
  }
}

/** Two resources for one user in one template. */
export const pair: Scenario = async ({ round, userName, left, right, expectNamed }) => {
  const outcomes = await together(
    round,
    () => left.create({ UserName: userName, Status: 'Active' }, { logicalId: 'Left' }),
    () => right.create({ UserName: userName, Status: 'Inactive' }, { logicalId: 'Right' }),
  );

  expect(outcomes).toEqual([succeeded, succeeded]);
  await expectNamed(outcomes);
};

/** The new key is made while the old one goes. */
export const rotation: Scenario = async ({ round, userName, left, right, calm, expectNamed }) => {
  const old = await calm.create({ UserName: userName, Serial: 1 });
  expect(old).toEqual(succeeded);

  const [created, deleted] = await together(
    round,
    () => left.create({ UserName: userName, Serial: 2 }),
    () => right.delete({ Id: String(old.resourceModel?.Id), UserName: userName }),
  );

  expect([created, deleted]).toEqual([succeeded, succeeded]);
  await expectNamed([created]);
};

/**
 * A rotation that keeps the old key, while another resource's key is made or deleted. A user has two
 * keys: of two resources that want the second one, one gets it.
 */
export const overlap: Scenario<OverlapRound> = async (act) => {
  const { round, userName, left, right, calm, expectNamed } = act;
  const { previousKey: PreviousKey, neighbour } = round;
  const other = { logicalId: 'Other' };
  const model = { UserName: userName, PreviousKey };
  const idOf = ({ resourceModel }: Outcome): string => String(resourceModel?.Id);

  let old = await calm.create({ ...model, Serial: 1 });
  if (neighbour === 'comes for a place that is made') {
    const before = old;
    old = await calm.create({ ...model, Serial: 2 });
    expect(await calm.delete(idOf(before))).toEqual(succeeded);
  }
  const leaving = neighbour === 'leaves' && (await calm.create({ UserName: userName }, other));
  const [young, ofOther] = await together(
    round,
    () => left.create({ ...model, Serial: 3 }),
    () => (leaving ? right.delete(idOf(leaving)) : right.create({ UserName: userName }, other)),
  );
  const made = [young, ofOther].filter(({ resourceModel }) => resourceModel?.Id !== undefined);

  if (leaving) expect(ofOther).toEqual(succeeded);
  else expect(made).toHaveLength(1);
  // Not always ServiceLimitExceeded: that answer may get lost, too.
  if (made[0] !== young) expect(young).toMatchObject({ status: 'FAILED' });
  await expectNamed([old, ...made]);

  if (made[0] !== young) {
    expect(await left.delete(idOf(old))).toEqual(succeeded);
    await expectNamed(made);
    return;
  }
  await end(act, idOf(old), idOf(young), () => expectNamed([old, ...made]));
  await expectNamed([]);
};

async function end(
  { round, userName, left, right, calm }: Act<OverlapRound>,
  old: string,
  young: string,
  expectBoth: () => Promise<void>,
): Promise<void> {
  const { previousKey: PreviousKey, ending } = round;
  const expectOnce = async (id: string): Promise<void> => {
    const outcomes = await together(
      round,
      () => left.delete(id),
      () => right.delete(id),
    );
    const codes = outcomes.map(({ status, errorCode }) => errorCode ?? status);
    expect(['SUCCESS,NotFound', 'NotFound,SUCCESS', 'SUCCESS,SUCCESS']).toContain(codes.join(','));
  };
  const expectSuperseded = async (): Promise<void> => {
    await expectBoth();
    expect(await calm.read(old)).toMatchObject({ errorCode: 'NotFound' });
    const { resourceModel } = await calm.read(young);
    expect(resourceModel).toMatchObject({ PreviousKey, PreviousKeyId: old });
  };

  switch (ending) {
    case 'each twice at once':
      await expectOnce(old);
      await expectSuperseded();
      await expectOnce(young);
      return;
    case 'update beside deletion': {
      const model = { Id: young, UserName: userName, Serial: 3 };
      expect(await calm.delete(old)).toEqual(succeeded);
      await expectSuperseded();
      const [updated, deleted] = await together(
        round,
        () => left.update({ ...model, PreviousKey }, model),
        () => right.delete(young),
      );
      expect(['SUCCESS', 'NotFound']).toContain(updated.errorCode ?? updated.status);
      expect(deleted).toEqual(succeeded);
      return;
    }
    // The stack is deleted while its update still cleans up.
    case 'both at once': {
      const outcomes = await together(
        round,
        () => left.delete(old),
        () => right.delete(young),
      );
      expect(outcomes).toEqual([succeeded, succeeded]);
    }
  }
}

/** One CREATE that is invoked twice at once. */
export const twins: Scenario = async ({ round, userName, left, right, expectNamed }) => {
  const token = randomUUID();

  const outcomes = await together(
    round,
    () => left.create({ UserName: userName }, { token }),
    () => right.create({ UserName: userName }, { token }),
  );

  expect(outcomes).toEqual([succeeded, succeeded]);
  expect(outcomes[1].resourceModel).toEqual(outcomes[0].resourceModel);
  await expectNamed(outcomes);
};

/** LIST, of all users and of one, while other users and a second key come and go. */
export const listing: Scenario = async ({ stage, round, userName, left, right }) => {
  const gone = await stage.createKey(userName);
  await stage.ask('DeleteAccessKey', { UserName: userName, AccessKeyId: gone });
  const stays = await stage.createKey(userName);

  let over = false;
  const [[all, ofUser]] = await Promise.all([
    together(
      round,
      () => left.list(),
      () => right.list({ UserName: userName }),
    ).finally(() => {
      over = true;
    }),
    comeAndGo(stage, userName, () => over),
  ]);

  for (const { status, resourceModels } of [all, ofUser]) {
    const models = resourceModels ?? [];
    const ids = models.map(({ Id }) => Id);
    expect(status).toBe('SUCCESS');
    expect(ids.filter((id) => id === stays)).toHaveLength(1);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => id === gone || stage.secretOf(id) === undefined)).toEqual([]);
    expect(models.filter((model) => 'SecretAccessKey' in model)).toEqual([]);
  }
};

const succeeded = expect.objectContaining({ status: 'SUCCESS' });

async function together<Left, Right>(
  { left, right }: Round,
  startLeft: () => Promise<Left>,
  startRight: () => Promise<Right>,
): Promise<[Left, Right]> {
  return Promise.all([sleep(left.start).then(startLeft), sleep(right.start).then(startRight)]);
}

async function comeAndGo(stage: Stage, userName: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    // Before and after most names that there are.
    const guests = ['a', 'z'].map((letter) => `${letter}-${randomUUID().slice(0, 8)}`);
    const second = await stage.createKey(userName);
    for (const guest of guests) {
      await stage.ask('CreateUser', { UserName: guest });
      const key = { UserName: guest, AccessKeyId: await stage.createKey(guest) };
      await stage.ask('DeleteAccessKey', key);
      await stage.ask('DeleteUser', { UserName: guest });
    }
    await stage.ask('DeleteAccessKey', { UserName: userName, AccessKeyId: second });
  }
}
