import type { CloudFormation, Outcome } from '../../local/cloudformation.ts';
import { refuse, type Behaviour } from '../support/aws-proxy.ts';
import { actionOf, ageKeys, deny } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';
import { inRoundTrips, type RoundTrip } from '../support/round-trips.ts';
import { crowd } from './crowd.ts';

const UNKNOWN_ID = 'AKIAUNKNOWNUNKNOWN00';
const MOST_ROUND_TRIPS = 3;
const SIZES = [5, 5_000];

type Operate = (stack: CloudFormation, id: string, userName: string) => Promise<Outcome>;

/** Each with the round trips that it takes. */
const OPERATIONS: [string, Operate, RoundTrip[]][] = [
  ['READ', (stack, Id) => stack.read(Id), [['ssm:GetParameters'], ['iam:GetAccessKeyLastUsed']]],
  [
    'READ by the whole model',
    (stack, Id, UserName) => stack.read({ Id, UserName }),
    [
      ['ssm:GetParameters'],
      ['iam:ListAccessKeys', 'iam:ListUserTags'],
      ['iam:GetAccessKeyLastUsed'],
    ],
  ],
  [
    'UPDATE',
    (stack, Id, UserName) => stack.update({ Id, UserName }, { UserName, Status: 'Inactive' }),
    [['ssm:GetParameters'], ['iam:ListAccessKeys'], ['iam:GetAccessKeyLastUsed']],
  ],
  [
    'DELETE',
    (stack, Id) => stack.delete(Id),
    [['ssm:GetParameters'], ['iam:GetAccessKeyLastUsed']],
  ],
  [
    'DELETE by the whole model',
    (stack, Id, UserName) => stack.delete({ Id, UserName }),
    [['ssm:GetParameters'], ['iam:DeleteAccessKey'], ['iam:GetAccessKeyLastUsed', 'iam:UntagUser']],
  ],
];

const versionOf = (id: string): string => `org-iam-access-key-${id}`;

/** Denied like this, a key may be unknown or the permission missing. */
const denyAllInOpenWords: Behaviour = (call, next) =>
  call.action === 'GetAccessKeyLastUsed'
    ? refuse(call, 403, 'AccessDenied', 'User is not authorized')
    : next(call);

describe('a key that nobody knows', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  const createKey = async (properties: object = {}) => {
    const created = await type.cloudFormation().create({ UserName: userName, ...properties });
    expect(created.status).toBe('SUCCESS');
    return String(created.resourceModel?.Id);
  };

  /** What `act` calls in an account of that size. */
  const watched = async <T>(users: number, act: () => Promise<T>) => {
    const first = type.calls.length;
    type.use(crowd(users));
    const outcome = await act();
    type.allow();
    return { outcome, actions: type.calls.slice(first).map(actionOf) };
  };

  describe.each(OPERATIONS)('%s', (_, operate, roundTrips) => {
    it.each(SIZES)('is NotFound at once in an account of %i users', async (users) => {
      const calls = inRoundTrips(roundTrips);
      const { outcome } = await watched(users, () => {
        type.use(calls.behaviour);
        return operate(type.cloudFormation(), UNKNOWN_ID, userName);
      });

      expect(calls.deviations()).toEqual([]);
      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
      expect(roundTrips.length).toBeLessThanOrEqual(MOST_ROUND_TRIPS);
    });

    it.each(['short', 'not-an-access-key-id', 'not_an_access_key_id', 'AKIA/IOSFODNN7/EXAMPLE'])(
      'is NotFound without a call for %s',
      async (id) => {
        const outcome = await operate(type.cloudFormation(), id, userName);

        expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
        expect(type.calls).toEqual([]);
      },
    );

    it('never takes a key that lives for gone where the permission to look is missing', async () => {
      const id = await type.createForeignKey(userName);
      const other = await type.createUser();
      const { outcome, actions } = await watched(5_000, () => {
        type.use(ageKeys);
        type.use(deny('iam:GetAccessKeyLastUsed'));
        return operate(type.cloudFormation(), id, other);
      });

      expect(outcome).toMatchObject({
        status: 'FAILED',
        errorCode: 'AccessDenied',
        message: expect.stringContaining('iam:GetAccessKeyLastUsed'),
      });
      expect(actions).not.toContain('iam:ListUsers');
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    });
  });

  it.each(OPERATIONS)(
    '%s says AccessDenied, by one key that is known, where the words leave it open',
    async (_, operate) => {
      const { outcome, actions } = await watched(5_000, () => {
        type.use(denyAllInOpenWords);
        return operate(type.cloudFormation(), UNKNOWN_ID, userName);
      });

      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(actions.filter((action) => action === 'iam:ListUsers').length).toBeLessThan(2);
    },
  );

  it.each(SIZES)(
    'DELETE ends with SUCCESS where the user was deleted by hand, in an account of %i users',
    async (users) => {
      const id = await createKey();
      await type.deleteUser(userName);
      const calls = inRoundTrips([
        ['ssm:GetParameters'],
        ['iam:DeleteAccessKey'],
        ['iam:GetAccessKeyLastUsed', 'iam:UntagUser', 'ssm:DeleteParameter'],
      ]);

      const { outcome } = await watched(users, () => {
        type.use(calls.behaviour);
        return type.cloudFormation().delete(id);
      });

      expect(calls.deviations()).toEqual([]);
      expect(outcome.status).toBe('SUCCESS');
      expect(await type.parameters()).toEqual([]);
    },
  );

  it.each(SIZES)(
    "DELETE moves no reader to a dead key's version, in an account of %i users",
    async (users) => {
      const { name: SecretId } = await type.createSecret('what was there before');
      const dead = await createKey({ SecretId, Serial: 1 });
      const id = await createKey({ SecretId, Serial: 2 });
      expect(await type.stagesOf(SecretId)).toMatchObject({ AWSPREVIOUS: versionOf(dead) });
      await type.deleteKey(userName, dead);

      const { outcome, actions } = await watched(users, () => type.cloudFormation().delete(id));

      expect(outcome.status).toBe('SUCCESS');
      expect(actions).not.toContain('iam:ListUsers');
      expect(await type.keysOf(userName)).toEqual([]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${dead}`]);
      expect(await type.stagesOf(SecretId)).toMatchObject({ AWSCURRENT: versionOf(id) });
      await type.deleteParameter(`${PREFIX}/${dead}`);
    },
  );

  it.each(SIZES)(
    'CREATE that fails takes its key back, and its roll-back finds nothing, in an account of %i users',
    async (users) => {
      const { name: SecretId } = await type.createSecret('what was there before');
      const dead = await createKey({ SecretId, Serial: 1 });
      await type.deleteKey(userName, dead);

      const model = { UserName: userName, SecretId, Serial: 2 };

      const { outcome, actions } = await watched(users, async () => {
        type.use(deny('ssm:PutParameter', ({ parameters }) => isRecord(parameters.Name)));
        const failed = await type.cloudFormation().create(model);
        const Id = type.calls.findLast(({ action }) => action === 'DeleteAccessKey')?.parameters
          .AccessKeyId;
        return { failed, rolledBack: await type.cloudFormation().delete({ ...model, Id }) };
      });

      expect(outcome.failed).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(outcome.rolledBack).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
      expect(actions).not.toContain('iam:ListUsers');
      expect(await type.keysOf(userName)).toEqual([]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${dead}`]);
      await type.deleteParameter(`${PREFIX}/${dead}`);
    },
  );
});

function isRecord(name: unknown): boolean {
  return !String(name).includes('/pending/');
}
