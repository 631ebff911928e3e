import type { Outcome } from '../../local/cloudformation.ts';
import { deny, forgetNewKeys, hideUsers } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

const A_WHILE_MS = 4_000;
const PATIENCE_MS = 20_000;
const SCOPE = { AllowedUserNames: ['user-*'] };

describe('a user who was made a moment ago', () => {
  const type = useLocalType();
  let userName: string;
  let before: string[];

  beforeEach(async () => {
    userName = await type.createUser();
    before = await type.parameters();
  });

  const newParameters = async () =>
    (await type.parameters()).filter((name) => !before.includes(name));

  const create = (properties: object = {}, typeConfiguration = {}) =>
    type.cloudFormation({ typeConfiguration }).create({ UserName: userName, ...properties });

  const expectKey = async (created: Outcome, status = 'Active') => {
    const id = String(created.resourceModel?.Id);
    expect(created).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: status } });
    expect(await type.keysOf(userName)).toEqual([{ id, status }]);
    expect(await newParameters()).toEqual([`${PREFIX}/${id}`]);
  };

  const expectNothing = async () => {
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await newParameters()).toEqual([]);
  };

  it.each([
    ['ListAccessKeys', {}],
    ['CreateAccessKey', {}],
    ['GetUser', SCOPE],
  ])('is waited for where %s does not know it yet', async (action, typeConfiguration) => {
    type.use(hideUsers(A_WHILE_MS, [action]));

    await expectKey(await create({}, typeConfiguration));
  });

  it('is waited for where nothing knows it yet', async () => {
    type.use(hideUsers(A_WHILE_MS));

    await expectKey(await create({}, SCOPE));
  });

  it.each(['ListAccessKeys', 'CreateAccessKey'])(
    'is NotFound, with nothing left, where %s does not know it for 20 seconds',
    async (action) => {
      type.use(hideUsers(Infinity, [action]));
      const start = Date.now();

      const created = await create();

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
      expect(Date.now() - start).toBeGreaterThan(PATIENCE_MS - 3_000);
      expect(Math.max(...created.milliseconds)).toBeLessThan(60_000);
      await expectNothing();
    },
  );

  it('may not be known to whoever deactivates the new key', async () => {
    type.use(forgetNewKeys(A_WHILE_MS, ['UpdateAccessKey']));

    await expectKey(await create({ Status: 'Inactive' }), 'Inactive');
  });

  it('may not be known to whoever describes the new key', async () => {
    type.use(forgetNewKeys(A_WHILE_MS, ['TagUser']));

    const created = await create({ Description: 'for the nightly build' });

    await expectKey(created);
    expect(await type.tagsOf(userName)).toEqual({
      [String(created.resourceModel?.Id)]: 'for the nightly build',
    });
  });

  describe('where CREATE takes its new key back', () => {
    beforeEach(() => {
      type.use(
        deny(
          'ssm:PutParameter',
          ({ parameters }) => !String(parameters.Name).includes('/pending/'),
        ),
      );
    });

    it('is believed to be there, and the key is deleted', async () => {
      type.use(forgetNewKeys(A_WHILE_MS, ['DeleteAccessKey']));

      const created = await create();

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      await expectNothing();
    });

    it('is believed to be there, and a key that cannot be deleted is named', async () => {
      type.use(forgetNewKeys(Infinity, ['DeleteAccessKey']));

      const created = await create();

      const [key] = await type.keysOf(userName);
      expect(created).toMatchObject({
        status: 'FAILED',
        message: expect.stringContaining(String(key?.id)),
      });
      await type.deleteLeftover(userName, String(key?.id));
      for (const name of await newParameters()) await type.deleteParameter(name);
    });
  });

  it('does not make DELETE believe that a key that IAM lists is gone', async () => {
    type.use(forgetNewKeys(2 * A_WHILE_MS, ['DeleteAccessKey']));
    const created = await create();

    const deleted = await type.cloudFormation().delete(created.resourceModel ?? {});

    expect(deleted.status).toBe('SUCCESS');
    await expectNothing();
  });

  it('makes DELETE name the key that IAM lists and does not delete', async () => {
    type.use(forgetNewKeys(Infinity, ['DeleteAccessKey']));
    const created = await create();
    const id = String(created.resourceModel?.Id);

    const deleted = await type.cloudFormation().delete(created.resourceModel ?? {});

    expect(deleted.status).toBe('FAILED');
    expect(deleted.errorCode).not.toBe('NotFound');
    expect(deleted.message).toContain(id);
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
  });
});
