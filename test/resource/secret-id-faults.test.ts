import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../local/cloudformation.ts';
import { refuse, type Behaviour, type Call } from '../support/aws-proxy.ts';
import {
  actionOf,
  ageKeys,
  firstTimes,
  hideParameters,
  loseAnswers,
} from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

/** How an answer is lost after the call took effect, once. */
const LOSSES: [string, (action: string) => Behaviour][] = [
  ['the connection breaks', (action) => loseAnswers(1, action)],
  [
    'the service answers 500',
    (action) => {
      let isDone = false;
      return async (call, next) => {
        const answer = await next(call);
        if (actionOf(call) !== action || isDone) return answer;
        isDone = true;
        return refuse(call, 500, 'InternalServiceError', 'An error occurred on the server side.');
      };
    },
  ],
];

const notAccepted = (call: Call) =>
  refuse(call, 403, 'InvalidClientTokenId', 'The security token is invalid.');

/** Where the delivery into a secret of Secrets Manager is interrupted, and by what. */
describe('SecretId, when AWS does not play along', () => {
  const type = useLocalType();
  let userName: string;
  let secretId: string;
  /** A version that somebody else wrote, AWSCURRENT before the type comes. */
  let initial: string;

  beforeEach(async () => {
    userName = await type.createUser();
    secretId = (await type.createSecret('initial')).name;
    initial = String((await type.stagesOf(secretId)).AWSCURRENT);
  });

  const properties = (more: object = {}) => ({ UserName: userName, SecretId: secretId, ...more });
  const idsOf = async () => (await type.keysOf(userName)).map(({ id }) => id);
  const deliveredKey = async () =>
    JSON.parse(await type.secretValue(secretId)) as Record<string, string>;
  /** Who lets a key grow old before it is used has waited long enough after the first answer. */
  const ageing = (container = type.container) => ({
    invoke: async <Answer>(event: unknown) => {
      const invoked = await container.invoke<Answer>(event);
      if ((event as { action: string }).action === 'CREATE') type.use(ageKeys);
      return invoked;
    },
  });
  const expectOneDelivered = async (created: Outcome) => {
    const id = idOf(created);
    expect(created.status).toBe('SUCCESS');
    expect(await idsOf()).toEqual([id]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
    expect(await deliveredKey()).toMatchObject({
      AccessKeyId: id,
      SecretAccessKey: type.mintedSecrets.at(-1),
    });
    const { AWSCURRENT, AWSPENDING } = await type.stagesOf(secretId);
    expect({ AWSCURRENT, AWSPENDING }).toEqual({ AWSCURRENT: versionOf(id) });
  };

  describe('a key that STS does not accept yet', () => {
    it('is tried until it is accepted, and only then AWSCURRENT', async () => {
      const seen: (string | undefined)[] = [];
      type.use(firstTimes(3, 'sts:GetCallerIdentity', notAccepted));
      type.use(async (call, next) => {
        if (call.service === 'sts') seen.push((await type.stagesOf(secretId)).AWSCURRENT);
        return next(call);
      });

      const created = await type.cloudFormation().create(properties());

      expect(seen).toEqual(Array(4).fill(initial));
      await expectOneDelivered(created);
    });

    it('is given up after half a minute, and readers keep what they had', async () => {
      type.use(firstTimes(Infinity, 'sts:GetCallerIdentity', notAccepted));

      const created = await type.cloudFormation().create(properties());

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'NotStabilized' });
      expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
      expect(await type.stagesOf(secretId)).toEqual({ AWSCURRENT: initial });
    });
  });

  it('stays AWSPENDING, and comes back without its secret, while something is awaited', async () => {
    type.use(hideParameters(2));
    const current: (string | undefined)[] = [];
    const container = ageing();
    const watched = {
      invoke: async <Answer>(event: unknown) => {
        current.push((await type.stagesOf(secretId)).AWSCURRENT);
        return container.invoke<Answer>(event);
      },
    };

    const created = await type.cloudFormation({ function: watched }).create(properties());

    expect(created.events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
    expect(JSON.stringify(created.events)).not.toContain(type.mintedSecrets[0]);
    expect(created.events[0]?.resourceModel).toMatchObject({ SecretId: secretId });
    expect(current).toEqual([initial, initial]);
    await expectOneDelivered(created);
  });

  describe.each([
    'secretsmanager:DescribeSecret',
    'secretsmanager:PutSecretValue',
    'secretsmanager:UpdateSecretVersionStage',
  ])('a lost answer of %s', (action) => {
    it.each(LOSSES)('does no harm to CREATE: %s', async (_, lose) => {
      type.use(lose(action));

      const created = await type.cloudFormation().create(properties());

      await expectOneDelivered(created);
      expect(type.mintedSecrets).toHaveLength(1);
    });
  });

  it.each(LOSSES)('moves AWSCURRENT back in a DELETE although %s', async (_, lose) => {
    const cloudFormation = type.cloudFormation();
    const old = await cloudFormation.create(properties({ Serial: 1 }));
    const young = await cloudFormation.create(properties({ Serial: 2 }));
    type.use(lose('secretsmanager:UpdateSecretVersionStage'));

    const deleted = await cloudFormation.delete(idOf(young));

    expect(deleted.status).toBe('SUCCESS');
    expect(await idsOf()).toEqual([idOf(old)]);
    expect(await deliveredKey()).toMatchObject({ AccessKeyId: idOf(old) });
  });

  it('delivers one key after a lost answer of CreateAccessKey', async () => {
    type.use(loseAnswers(1, 'iam:CreateAccessKey'));

    const created = await type.cloudFormation().create(properties());

    await expectOneDelivered(created);
    expect(type.mintedSecrets).toHaveLength(2);
  });

  it('leaves the intent alone when every answer of PutSecretValue is lost', async () => {
    const token = randomUUID();
    const cloudFormation = type.cloudFormation();
    type.use(loseAnswers(Infinity, 'secretsmanager:PutSecretValue'));

    const failed = await cloudFormation.create(properties(), { token });

    const [intent, ...others] = await type.parameters();
    expect(failed).toMatchObject({ status: 'FAILED', errorCode: 'NetworkFailure' });
    expect([await idsOf(), others]).toEqual([[], []]);
    expect(failed.message).toContain(intent);
    expect(await type.stagesOf(secretId)).toEqual({ AWSCURRENT: initial });
    // CloudFormation tries this again.
    type.allow();
    await expectOneDelivered(await cloudFormation.create(properties(), { token }));
  });

  it('makes no second version when a finished CREATE is asked for again', async () => {
    const token = randomUUID();
    const cloudFormation = type.cloudFormation();
    const first = await cloudFormation.create(properties(), { token });
    type.use(ageKeys);

    const second = await cloudFormation.create(properties(), { token });

    expect(idOf(second)).toBe(idOf(first));
    await expectOneDelivered(second);
    expect(type.mintedSecrets).toHaveLength(1);
  });

  const isIntent = ({ parameters }: Call) => String(parameters.Name).includes('/pending/');
  const isPending = async () => (await type.stagesOf(secretId)).AWSPENDING !== undefined;
  const crash = async (
    action: string,
    isReady: () => Promise<boolean>,
    token: string,
    stack: { stackId: string },
  ) => {
    const container = await type.startContainer();
    type.use(async (call, next) => {
      if (actionOf(call) !== action || isIntent(call)) return next(call);
      while (!(await isReady())) await sleep(50);
      await container.kill();
      throw new Error('nobody is left to answer');
    });
    const dying = type
      .cloudFormation({ ...stack, function: container })
      .create(properties(), { token });
    await expect(dying).rejects.toMatchObject({ name: 'FunctionExit' });
    expect(await idsOf()).toHaveLength(1);
    type.allow();
  };

  it.each([
    ['not its secret', 'secretsmanager:PutSecretValue', () => Promise.resolve(true)],
    ['its secret, not its record', 'ssm:PutParameter', isPending],
  ])(
    'delivers one key after an attempt that died when it had made a key and written %s',
    async (_, action, isReady) => {
      const token = randomUUID();
      const stack = type.newStack();
      await crash(action, isReady, token, stack);
      const [unusable] = await idsOf();
      // The record is written last.
      expect(await type.parameters()).toEqual([expect.stringContaining('/pending/')]);

      const created = await type.cloudFormation(stack).create(properties(), { token });

      await expectOneDelivered(created);
      expect(idOf(created)).not.toBe(unusable);
    },
  );

  it('goes on with the key of an attempt that died before it moved AWSCURRENT', async () => {
    const token = randomUUID();
    const stack = type.newStack();
    await crash('secretsmanager:UpdateSecretVersionStage', isPending, token, stack);
    const [id] = await idsOf();
    expect((await type.stagesOf(secretId)).AWSCURRENT).toBe(initial);

    const created = await type
      .cloudFormation({ ...stack, function: ageing() })
      .create(properties(), { token });

    // Its secret is not at hand to try it with: the time that takes is let pass.
    expect(created.events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
    await expectOneDelivered(created);
    expect(idOf(created)).toBe(id);
    expect(type.mintedSecrets).toHaveLength(1);
  });

  it('makes one key for one token, asked at once in two containers', async () => {
    const token = randomUUID();
    const stack = type.newStack();
    const containers = await Promise.all([type.startContainer(), type.startContainer()]);
    // For as long the other container sees a key whose secret is not there.
    type.use(async (call, next) => {
      if (actionOf(call) === 'secretsmanager:PutSecretValue') await sleep(1_500);
      return next(call);
    });

    const created = await Promise.all(
      containers.map((container) =>
        type
          .cloudFormation({ ...stack, function: ageing(container) })
          .create(properties(), { token }),
      ),
    );

    for (const outcome of created) await expectOneDelivered(outcome);
    expect(type.mintedSecrets).toHaveLength(1);
  });
});

function versionOf(accessKeyId: string): string {
  return `org-iam-access-key-${accessKeyId}`;
}

function idOf({ resourceModel }: Outcome): string {
  return String(resourceModel?.Id);
}
