import { randomUUID } from 'node:crypto';
import { refuse, type Call } from '../support/aws-proxy.ts';
import { deny, firstTimes, loseAnswers } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';
import { createUntilDone, RETRIED } from './retries.ts';

const STACK = 'arn:aws:cloudformation:us-east-1:123456789012:stack/reused-names/1';

/** Refusals that CloudFormation answers with the same request again. */
const REFUSALS: [string, (call: Call) => ReturnType<typeof refuse>][] = [
  ['throttled', (call) => refuse(call, 400, 'Throttling', 'Rate exceeded')],
  ['failed', (call) => refuse(call, 500, 'ServiceFailure', 'An internal error occurred.')],
  [
    'in conflict',
    (call) => refuse(call, 409, 'EntityTemporarilyUnmodifiable', 'The entity is being modified.'),
  ],
];

describe('a name that was used a moment ago', () => {
  const type = useLocalType();
  let userName: string;
  let token: string;

  beforeEach(async () => {
    userName = await type.createUser();
    token = randomUUID();
  });

  const stack = () => type.cloudFormation({ stackId: STACK });

  /** No name is written in the 30 seconds after its deletion, which is longer than the test takes. */
  const expectNoReuse = () => {
    const deleted = new Set<unknown>();
    const reused = type.calls.flatMap(({ action, parameters }) => {
      if (action === 'DeleteParameter') deleted.add(parameters.Name);
      return action === 'PutParameter' && deleted.has(parameters.Name) ? [parameters.Name] : [];
    });
    expect(reused).toEqual([]);
  };

  const expectOneKey = async (id: unknown, status = 'Active') => {
    expect(await type.keysOf(userName)).toEqual([{ id, status }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${String(id)}`]);
    expectNoReuse();
  };

  it.each(REFUSALS)('is not needed again after CreateAccessKey is %s', async (_, refusal) => {
    type.use(firstTimes(Infinity, 'iam:CreateAccessKey', refusal));
    const failed = await stack().create({ UserName: userName }, { token });
    const [intent, ...others] = await type.parameters();
    type.allow();

    const created = await createUntilDone(stack(), { UserName: userName }, { token });

    expect(RETRIED).toContain(failed.errorCode);
    expect(intent).toMatch(/\/pending\//);
    expect(others).toEqual([]);
    expect(created.status).toBe('SUCCESS');
    await expectOneKey(created.resourceModel?.Id);
  });

  it.each(REFUSALS)('is not needed again after the new key is %s', async (_, refusal) => {
    const properties = { UserName: userName, Status: 'Inactive' };
    type.use(firstTimes(Infinity, 'iam:UpdateAccessKey', refusal));
    const failed = await stack().create(properties, { token });
    type.allow();

    const created = await createUntilDone(stack(), properties, { token });

    expect(RETRIED).toContain(failed.errorCode);
    expect(created.status).toBe('SUCCESS');
    await expectOneKey(created.resourceModel?.Id, 'Inactive');
  });

  it('is not needed again after the record is throttled for ever', async () => {
    const isRecord = ({ parameters }: Call) => String(parameters.Name).startsWith(`${PREFIX}/AKIA`);
    type.use((call, next) =>
      call.action === 'PutParameter' && isRecord(call)
        ? refuse(call, 400, 'ThrottlingException', 'Rate exceeded')
        : next(call),
    );
    const failed = await stack().create({ UserName: userName }, { token });
    type.allow();

    const created = await createUntilDone(stack(), { UserName: userName }, { token });

    expect(failed).toMatchObject({ status: 'FAILED', errorCode: 'Throttling' });
    expect(created.status).toBe('SUCCESS');
    await expectOneKey(created.resourceModel?.Id);
  });

  it('is not needed again after an answer was lost twice', async () => {
    type.use(loseAnswers(2, 'iam:CreateAccessKey'));

    const created = await createUntilDone(stack(), { UserName: userName }, { token });

    expect(created.status).toBe('SUCCESS');
    await expectOneKey(created.resourceModel?.Id);
  });

  it('goes after a failure that is final', async () => {
    type.use(deny('iam:CreateAccessKey'));

    const failed = await stack().create({ UserName: userName }, { token });

    expect(failed).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(await type.parameters()).toEqual([]);
  });

  it('tells whose it is while it stands', async () => {
    const { name: SecretId } = await type.createSecret('what was there before');
    const [, throttle] = REFUSALS[0] ?? [];
    type.use(firstTimes(Infinity, 'iam:CreateAccessKey', throttle as never));
    const properties = { UserName: userName, SecretId };
    await stack().create(properties, { token, logicalId: 'NightlyBuild' });
    type.allow();

    const [intent = ''] = await type.parameters();
    const { value } = await type.parameter(intent);
    const created = await createUntilDone(stack(), properties, {
      token,
      logicalId: 'NightlyBuild',
    });

    expect(Object.values(JSON.parse(value) as object)).toEqual(
      expect.arrayContaining([userName, STACK, 'NightlyBuild', SecretId]),
    );
    expect(created.status).toBe('SUCCESS');
    await expectOneKey(created.resourceModel?.Id);
  });
});
