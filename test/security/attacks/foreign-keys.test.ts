import type { OperationOptions, Properties } from '../../../local/cloudformation.ts';
import { ageKeys } from '../../support/behaviours.ts';
import { PREFIX, useLocalType } from '../../support/local-type.ts';
import { useAttacker, type Planted } from './attacker.ts';

const PATHS = { AllowedUserPaths: ['/ci/*'] };
const NAMES = { AllowedUserNames: ['ci-*'] };

/** The attacker imports a key that the type did not make into a stack of their own, or has its id. */
describe("somebody else's key", () => {
  const type = useLocalType();
  const attacker = useAttacker(type);

  const stacks: [string, { stackId: string | null }][] = [
    ["the attacker's stack", attacker],
    ['Cloud Control', { stackId: null }],
  ];
  const cloudFormation = (stackId: string | null, typeConfiguration: Properties) =>
    type.cloudFormation({ stackId, typeConfiguration });

  describe('of a user out of scope', () => {
    let userName: string;
    let id: string;

    beforeEach(async () => {
      userName = await type.createUser();
      id = await type.createForeignKey(userName);
      await type.tag(userName, { [id]: 'in use' });
      // A young key without a record would be waited for.
      type.use(ageKeys);
    });

    const expectUntouched = async (status = 'Active') => {
      expect(await type.keysOf(userName)).toEqual([{ id, status }]);
      expect(await type.tagsOf(userName)).toEqual({ [id]: 'in use' });
    };

    describe.each(stacks)('by %s', (_, { stackId }) => {
      it.each<[string, Properties]>([
        ['AllowedUserPaths', PATHS],
        ['AllowedUserNames', NAMES],
        ['AllowedUserPaths', { AllowedUserPaths: [] }],
      ])('is not deleted, by %s', async (rule, typeConfiguration) => {
        const inScope = await type.createUser('ci-scope', { Path: '/ci/' });
        const models: Properties[] = [
          { Id: id },
          { Id: id, UserName: userName },
          { Id: id, UserName: userName.toUpperCase() },
          { Id: id, UserName: inScope },
          { Id: id, UserName: inScope, SecretId: 'secret', Serial: 7, SecretAccessKey: 'x' },
        ];

        for (const model of models) {
          const deleted = await cloudFormation(stackId, typeConfiguration).delete(model);

          expect(deleted).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
          expect(deleted.message).toContain(rule);
        }
        await type.deleteUser(inScope);
        await expectUntouched();
      });

      it.each<[string, Properties, OperationOptions]>([
        ['deactivated', { Status: 'Inactive' }, {}],
        ['deactivated by a roll-back', { Status: 'Inactive' }, { rollback: true }],
        ['described', { Description: 'mine' }, {}],
        ['left without its description', {}, {}],
      ])('is not %s', async (_name, desired, options) => {
        for (const typeConfiguration of [PATHS, NAMES]) {
          const updated = await cloudFormation(stackId, typeConfiguration).update(
            { Id: id, UserName: userName },
            { UserName: userName, ...desired },
            options,
          );

          expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
        }
        await expectUntouched();
      });

      it('is not deleted or deactivated while it is so young that a record may show late', async () => {
        type.allow();
        const stack = cloudFormation(stackId, PATHS);

        const outcomes = await Promise.all([
          stack.delete(id),
          stack.update({ Id: id, UserName: userName }, { Status: 'Inactive' }),
        ]);

        for (const outcome of outcomes)
          expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
        await expectUntouched();
      });

      it('is not activated, by a roll-back neither', async () => {
        await type.setStatus(userName, id, 'Inactive');

        for (const options of [{}, { rollback: true }]) {
          const updated = await cloudFormation(stackId, PATHS).update(
            { Id: id, UserName: userName, Status: 'Inactive' },
            { UserName: userName, Status: 'Active' },
            options,
          );
          expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
        }
        await expectUntouched('Inactive');
      });

      it.each<[string, string | Planted]>([
        ['an empty one', '{}'],
        ['no JSON', 'mine'],
        ['a list', '[]'],
        ['one without a secret', { userName: 'x', clientRequestToken: 'x', stackId }],
        ['one without a token', { userName: 'x', secretAccessKey: 'x' }],
        ['one without a user', { clientRequestToken: 'x', secretAccessKey: 'x' }],
        ['one of other types', { userName: 7, clientRequestToken: {}, secretAccessKey: ['x'] }],
      ])('stays foreign with a planted record: %s', async (_name, record) => {
        await attacker.plant(id, record);
        await attacker.plant(id, record);

        const outcomes = [
          await cloudFormation(stackId, PATHS).delete(id),
          await cloudFormation(stackId, PATHS).update({ Id: id }, { Status: 'Inactive' }),
        ];

        expect(outcomes.map(({ errorCode }) => errorCode)).toEqual([
          'AccessDenied',
          'AccessDenied',
        ]);
        await expectUntouched();
        expect(await attacker.find(id)).toBeDefined();
      });
    });
  });

  it.each(stacks)('of a user in scope is deactivated and deleted by %s', async (_, { stackId }) => {
    const userName = await type.createUser(undefined, { Path: '/ci/' });
    const id = await type.createForeignKey(userName);
    type.use(ageKeys);
    const stack = cloudFormation(stackId, PATHS);

    const updated = await stack.update({ Id: id }, { Status: 'Inactive' });
    const deleted = await stack.delete(id);

    expect([updated.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(await type.keysOf(userName)).toEqual([]);
  });

  it('is deleted by a stack that imported it, where no scope is set', async () => {
    const userName = await type.createUser();
    const id = await type.createForeignKey(userName);

    const deleted = await cloudFormation(attacker.stackId, {}).delete(id);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
  });

  it('that is gone already leaves its planted record to a DELETE', async () => {
    const id = 'AKIAIOSFODNN7EXAMPLE';
    await attacker.plant(id, '{}');

    const deleted = await cloudFormation(attacker.stackId, PATHS).delete(id);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.parameters()).toEqual([]);
  });

  describe('is not what the type made: out of scope by now,', () => {
    it.each<[string, Properties]>([
      ['AllowedUserPaths', PATHS],
      ['AllowedUserNames', NAMES],
      ['RequirePermissionsBoundary', { RequirePermissionsBoundary: ['arn:aws:iam::*:policy/ci'] }],
      ['RequiredUserTags', { RequiredUserTags: [{ Key: 'team' }] }],
    ])('by %s, it can be deactivated and deleted', async (_, typeConfiguration) => {
      const userName = await type.createUser();
      const created = await cloudFormation('stack', {}).create({ UserName: userName });
      const id = String(created.resourceModel?.Id);
      const stack = cloudFormation('stack', typeConfiguration);

      const updated = await stack.update(
        { Id: id, UserName: userName },
        { UserName: userName, Status: 'Inactive' },
      );
      const keys = await type.keysOf(userName);
      const deleted = await stack.delete(id);

      expect([updated.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
      expect(keys).toEqual([{ id, status: 'Inactive' }]);
      expect(await type.keysOf(userName)).toEqual([]);
    });

    it('it can be deleted while its record shows late', async () => {
      const userName = await type.createUser();
      const created = await cloudFormation('stack', {}).create({ UserName: userName });
      const id = String(created.resourceModel?.Id);
      let isHidden = true;
      type.use((call, next) => {
        if (call.action !== 'GetParameters' || !isHidden) return next(call);
        isHidden = false;
        return {
          status: 200,
          headers: { 'content-type': 'application/x-amz-json-1.1' },
          body: JSON.stringify({ Parameters: [], InvalidParameters: [`${PREFIX}/${id}`] }),
        };
      });

      const deleted = await cloudFormation('stack', PATHS).delete(id);

      expect(deleted.status).toBe('SUCCESS');
      expect(await type.keysOf(userName)).toEqual([]);
    });
  });
});
