import { randomUUID } from 'node:crypto';
import type { Outcome, Properties } from '../../../local/cloudformation.ts';
import type { LocalFunction } from '../../../local/lambda-container.ts';
import type { Behaviour, Call } from '../../support/aws-proxy.ts';
import { actionOf, ageKeys } from '../../support/behaviours.ts';
import { PREFIX, useLocalType } from '../../support/local-type.ts';
import { intentOf, useAttacker } from './attacker.ts';

const ONE = { MaxKeysPerUser: '1' };
const ROUNDS = 10;

/** Lets the first `count` calls that match go on together, once all of them have come. */
function barrier(count: number, matches: (call: Call) => boolean): Behaviour {
  const waiting: (() => void)[] = [];
  return async (call, next) => {
    if (!matches(call) || waiting.length === count) return next(call);
    await new Promise<void>((goOn) => {
      waiting.push(goOn);
      if (waiting.length === count) for (const each of waiting) each();
    });
    return next(call);
  };
}

/** The attacker wants a second key of a user who may have one. */
describe('MaxKeysPerUser: 1', () => {
  const type = useLocalType();
  const attacker = useAttacker(type);
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  const stack = (stackId: string | null, typeConfiguration: Properties = ONE) =>
    type.cloudFormation({ stackId, typeConfiguration });
  const expectRefused = (created: Outcome, ...ids: unknown[]) => {
    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
    expect(created.message).toContain('MaxKeysPerUser');
    for (const id of ids) expect(created.message).toContain(id);
  };

  describe('leaves one of two keys that two processes make at once', () => {
    let other: LocalFunction;

    beforeAll(async () => {
      other = await type.startContainer();
    });

    const createBoth = (properties: Properties = {}, all: { stackId?: null } = {}) => {
      const create = (options: { function?: LocalFunction }) =>
        type
          .cloudFormation({ ...type.newStack(), typeConfiguration: ONE, ...all, ...options })
          .create({ UserName: userName, ...properties });
      return [create({}), create({ function: other })] as const;
    };
    const expectOne = async (outcomes: readonly Outcome[]) => {
      const [made, ...more] = outcomes.filter(({ status }) => status === 'SUCCESS');
      const [refused] = outcomes.filter(({ status }) => status === 'FAILED');
      const id = String(made?.resourceModel?.Id);
      expect(more).toEqual([]);
      expect(refused).toMatchObject({ errorCode: 'ServiceLimitExceeded' });
      expect(refused?.message).toContain(id);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
    };
    const isCreation = (call: Call) => actionOf(call) === 'iam:CreateAccessKey';
    const isListing = (call: Call) => actionOf(call) === 'iam:ListAccessKeys';
    const isRecord = (call: Call) =>
      actionOf(call) === 'ssm:PutParameter' && !String(call.parameters.Name).includes('/pending/');

    const moments: [string, (call: Call) => boolean][] = [
      ['the first look', isListing],
      ['CreateAccessKey', isCreation],
      ['the record', isRecord],
      ['the trial of the key', (call) => actionOf(call) === 'sts:GetCallerIdentity'],
      ['no call', () => false],
    ];
    const rounds = Array.from({ length: ROUNDS }, (_, round) => {
      const [moment, matches] = moments[round % moments.length] ?? ['', isCreation];
      return { round: round + 1, moment, matches };
    });

    it.each(rounds)('round $round, meeting at $moment', async ({ matches }) => {
      type.use(barrier(2, matches));

      await expectOne(await Promise.all(createBoth()));
    });

    it('where both looks after the key meet as well', async () => {
      const made = new Set<unknown>();
      type.use(barrier(2, (call) => isListing(call) && made.has(call.accessKeyId)));
      type.use(barrier(2, isCreation));
      type.use(async (call, next) => {
        const answer = await next(call);
        if (isCreation(call)) made.add(call.accessKeyId);
        return answer;
      });

      await expectOne(await Promise.all(createBoth()));
    });

    // IAM's dates are whole seconds, and the ids decide within one: either may look like the later key.
    it.each([
      ['later', 0],
      ['earlier', -10_000],
    ])('where one is done before the other makes a key that looks %s', async (_, shift) => {
      const isMet = Promise.withResolvers<undefined>();
      const isDone = Promise.withResolvers<undefined>();
      const made: string[] = [];
      let creations = 0;
      type.use(async (call, next) => {
        if (!isCreation(call)) return next(call);
        creations += 1;
        if (creations > 1) isMet.resolve(undefined);
        await (creations > 1 ? isDone : isMet).promise;
        const answer = await next(call);
        made.push(/<AccessKeyId>([^<]+)</.exec(answer.body)?.[1] ?? '');
        return answer;
      });
      type.use(async (call, next) => {
        const answer = await next(call);
        if (!isListing(call)) return answer;
        const body = answer.body.replaceAll(/<member>.*?<\/member>/gs, (member) =>
          made[1] === undefined || !member.includes(made[1])
            ? member
            : member.replace(/(?<=<CreateDate>)[^<]+/, (date) =>
                new Date(Date.parse(date) + shift).toISOString(),
              ),
        );
        return { ...answer, body };
      });

      const both = createBoth();
      await Promise.race(both).finally(() => {
        isDone.resolve(undefined);
      });

      await expectOne(await Promise.all(both));
      expect(await type.keysOf(userName)).toEqual([{ id: made[0], status: 'Active' }]);
    });

    it.each([
      ['of two stacks', {}],
      ['without a stack', { stackId: null }],
    ])('where the keys %s go into a secret', async (_, options) => {
      const { name: SecretId } = await type.createSecret('before');
      type.use(barrier(2, isCreation));

      const outcomes = await Promise.all(createBoth({ SecretId, Serial: 1 }, options));

      await expectOne(outcomes);
      const [key] = await type.keysOf(userName);
      expect(await type.secretValue(SecretId)).toContain(String(key?.id));
    });
  });

  it('counts a key that CloudFormation retained', async () => {
    const cloudFormation = stack('stack');
    const retained = await cloudFormation.create({ UserName: userName, Serial: 1 });
    await cloudFormation.create({ UserName: userName, Serial: 2 });

    const third = await cloudFormation.create({ UserName: userName, Serial: 3 });

    expectRefused(third, retained.resourceModel?.Id);
    expect(await type.keysOf(userName)).toHaveLength(2);
  });

  it('counts a key of another resource of the stack beside the one that is replaced', async () => {
    const retained = await stack('stack').create({ UserName: userName }, { logicalId: 'Former' });
    const [current] = [await stack('stack', {}).create({ UserName: userName, Serial: 1 })];

    const next = await stack('stack').create({ UserName: userName, Serial: 2 });

    expect(current.status).toBe('SUCCESS');
    expectRefused(next, retained.resourceModel?.Id);
  });

  // Cloud Control sends none: the attacker calls it, and says what others would say of their resource.
  describe('without a stack', () => {
    let SecretId: string;

    beforeEach(async () => {
      ({ name: SecretId } = await type.createSecret('before'));
    });

    const create = (properties: Properties, stackId: string | null = null) =>
      stack(stackId).create({ UserName: userName, ...properties });

    it.each<[string, () => Promise<Outcome>, (secretId: string) => Properties]>([
      ['of a stack', () => create({ SecretId, Serial: 1 }, 'stack'), () => ({ SecretId })],
      [
        'for another secret',
        () => create({ SecretId, Serial: 1 }),
        (other) => ({ SecretId: other }),
      ],
      ['without a secret', () => create({ Serial: 1 }), () => ({})],
      ['without a secret, for one with', () => create({ Serial: 1 }), () => ({ SecretId })],
      [
        'whose record somebody wrote over',
        async () => {
          const created = await create({ SecretId, Serial: 1 });
          const id = String(created.resourceModel?.Id);
          const record = JSON.parse((await type.parameter(`${PREFIX}/${id}`)).value) as object;
          await attacker.plant(id, { ...record, serial: 0 });
          return created;
        },
        () => ({ SecretId }),
      ],
    ])('a higher Serial does not replace a key %s', async (_, createFirst, toProperties) => {
      const first = await createFirst();
      const other = await type.createSecret();

      const second = await create({ ...toProperties(other.name), Serial: 9 });

      const id = String(first.resourceModel?.Id);
      expectRefused(second, id);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    });

    it('no Serial replaces no key, for the same secret neither', async () => {
      const first = await create({ SecretId });

      expectRefused(await create({ SecretId }), first.resourceModel?.Id);
    });

    it('a higher Serial for the same secret makes a second key, and no third', async () => {
      const first = await create({ SecretId, Serial: 1 });
      const second = await create({ SecretId, Serial: 2 });

      const third = await create({ SecretId, Serial: 3 });

      const ids = [first, second].map(({ resourceModel }) => String(resourceModel?.Id));
      expectRefused(third, ids[0]);
      expect((await type.keysOf(userName)).map(({ id }) => id).sort()).toEqual([...ids].sort());
      expect(await type.secretValue(SecretId)).toContain(ids[1]);
    });
  });

  describe('and a record that the attacker wrote over', () => {
    it("does not pass another stack's key off as the attacker's", async () => {
      const created = await stack('stack').create({ UserName: userName });
      const id = String(created.resourceModel?.Id);
      const record = JSON.parse((await type.parameter(`${PREFIX}/${id}`)).value) as object;
      const { stackId } = attacker;
      await attacker.plant(id, { ...record, stackId, logicalResourceId: 'AccessKey' });

      const second = await stack(stackId).create({ UserName: userName, Serial: 9 });

      expectRefused(second, id);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    });

    it('makes an exception of a key of the same resource only where the record says what it said', async () => {
      const cloudFormation = stack(attacker.stackId);
      const created = await cloudFormation.create({ UserName: userName, Serial: 1 });
      const id = String(created.resourceModel?.Id);
      const { value } = await type.parameter(`${PREFIX}/${id}`);
      await attacker.plant(id, { ...(JSON.parse(value) as object), serial: 0 });

      expectRefused(await cloudFormation.create({ UserName: userName, Serial: 2 }), id);
      await attacker.plant(id, value);
      expect((await cloudFormation.create({ UserName: userName, Serial: 2 })).status).toBe(
        'SUCCESS',
      );
    });

    it.each(['{}', '[]', 'mine', ''.padEnd(3)])('counts where it says %j', async (text) => {
      const id = await type.createForeignKey(userName);
      await attacker.plant(id, text);

      expectRefused(await stack(attacker.stackId).create({ UserName: userName }), id);
      expectRefused(await stack(null).create({ UserName: userName }), id);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    });
  });

  it.each<[string, (planted: object) => object | string]>([
    ['empty', () => ({})],
    ['no JSON', () => 'mine'],
    ['complete', (planted) => planted],
  ])('holds with a planted intent: %s', async (_, toIntent) => {
    const id = await type.createForeignKey(userName);
    type.use(ageKeys);
    const token = randomUUID();
    const intent = {
      attemptId: 'x',
      userName,
      stackId: attacker.stackId,
      logicalResourceId: 'AccessKey',
      accessKeyIds: [id],
    };
    await attacker.plant(intentOf(token), toIntent(intent) as string);

    const created = await stack(attacker.stackId).create({ UserName: userName }, { token });

    expectRefused(created, id);
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
  });

  it('holds where the value is a number, as JSON has it', async () => {
    const id = await type.createForeignKey(userName);
    type.use(ageKeys);

    const created = await stack(null, { MaxKeysPerUser: 1 }).create({ UserName: userName });

    expectRefused(created, id);
  });
});
