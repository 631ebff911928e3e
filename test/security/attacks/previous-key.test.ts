import type { CloudFormation, Properties } from '../../../local/cloudformation.ts';
import { PREFIX, useLocalType } from '../../support/local-type.ts';
import { useAttacker, type Planted } from './attacker.ts';

const DEAD = 'AKIAIOSFODNN7EXAMPLE';

/** The attacker may write parameters, and wants a key kept or deleted that is another resource's. */
describe('PreviousKey', () => {
  const type = useLocalType();
  const attacker = useAttacker(type);
  let userName: string;
  let stack: CloudFormation;

  beforeEach(async () => {
    userName = await type.createUser();
    stack = type.cloudFormation({ stackId: attacker.stackId });
  });

  const create = async (properties: Properties = {}, on = stack) => {
    const { status, resourceModel } = await on.create({ UserName: userName, ...properties });
    expect(status).toBe('SUCCESS');
    return String(resourceModel?.Id);
  };
  const recordOf = async (id: string) =>
    JSON.parse((await type.parameter(`${PREFIX}/${id}`)).value) as Planted;
  const change = async (id: string, planted: Planted) =>
    attacker.plant(id, { ...(await recordOf(id)), ...planted });
  const expectKeys = async (...ids: string[]) => {
    expect(await type.keysOf(userName)).toEqual(
      expect.arrayContaining(ids.map((id) => ({ id, status: 'Active' }))),
    );
  };

  describe('a key whose record somebody wrote over', () => {
    it.each<[string, (id: string) => Promise<void>]>([
      ['names a dead successor', () => Promise.resolve()],
      [
        'names a dead successor whose planted record bears it out',
        async (id) =>
          attacker.plant(DEAD, {
            ...(await recordOf(id)),
            previousKeyId: id,
            previousKey: 'Active',
          }),
      ],
    ])('is read and deleted as before: it %s', async (_, plant) => {
      const id = await create();
      await plant(id);
      await change(id, { successorId: DEAD, isSuperseded: true });

      const read = await stack.read(id);
      const deleted = await stack.delete(id);

      expect([read.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
      expect(await type.keysOf(userName)).toEqual([]);
      expect(await attacker.find(id)).toBeUndefined();
    });

    it('is not kept as the previous key of another resource', async () => {
      const other = type.cloudFormation();
      const foreign = await create({}, other);
      await change(foreign, { stackId: attacker.stackId, logicalResourceId: 'AccessKey' });

      const id = await create({ Serial: 1, PreviousKey: 'Active' });

      expect((await stack.read(id)).resourceModel).not.toHaveProperty('PreviousKeyId');
      expect((await other.delete(foreign)).status).toBe('SUCCESS');
      await expectKeys(id);
      expect(await type.keysOf(userName)).toHaveLength(1);
    });
  });

  describe('a foreign key that both records call the previous one', () => {
    let id: string;
    let foreign: string;
    let owner: CloudFormation;

    beforeEach(async () => {
      owner = type.cloudFormation();
      foreign = await create({}, owner);
      id = await create({ Serial: 1 });
      await change(foreign, { successorId: id, isSuperseded: true });
      await change(id, { previousKeyId: foreign, previousKey: 'Active' });
    });

    it('is not deleted by UPDATE', async () => {
      await stack.update(
        { Id: id, UserName: userName, PreviousKey: 'Active' },
        { UserName: userName, PreviousKey: 'Deleted' },
      );

      await expectKeys(id, foreign);
    });

    it('is not switched off by UPDATE', async () => {
      await stack.update(
        { Id: id, UserName: userName, PreviousKey: 'Active' },
        { UserName: userName, PreviousKey: 'Inactive' },
      );

      await expectKeys(id, foreign);
    });

    it('is not deleted with the resource', async () => {
      expect((await stack.delete(id)).status).toBe('SUCCESS');

      await expectKeys(foreign);
    });

    it('is not kept from its own READ and DELETE', async () => {
      const read = await owner.read(foreign);
      const deleted = await owner.delete(foreign);

      expect([read.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    });

    it('makes no room for a rotation', async () => {
      const created = await stack.create({ UserName: userName, Serial: 2 });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      await expectKeys(id, foreign);
    });
  });

  it('has no key made active that is out of scope, by CREATE and DELETE', async () => {
    const old = await create({ Serial: 1 });
    await type.setStatus(userName, old, 'Inactive');
    const young = await create({ Serial: 2, PreviousKey: 'Active' });
    expect((await stack.delete(old)).status).toBe('SUCCESS');

    expect(await type.keysOf(userName)).toContainEqual({ id: old, status: 'Inactive' });
    await expectKeys(young);
  });
});
