import type { ProgressEvent } from '../../local/cloudformation.ts';
import { useLocalType } from '../support/local-type.ts';

describe('list handler', () => {
  const type = useLocalType();

  beforeEach(async () => {
    await type.aws.reset();
  });

  /** Users with 0, 1, 2, 0, 1, 2, … keys. */
  const createUsers = async (count: number) => {
    const ids: string[] = [];
    for (let number = 0; number < count; number += 1) {
      const userName = await type.createUser(`user-${String(number).padStart(3, '0')}`);
      for (let key = 0; key < number % 3; key += 1) ids.push(await type.createForeignKey(userName));
    }
    return ids.sort();
  };

  it('lists nothing in an account without users', async () => {
    const listed = await type.cloudFormation().list();

    expect(listed).toMatchObject({ status: 'SUCCESS', resourceModels: [] });
    expect(listed.nextToken ?? null).toBeNull();
  });

  it('lists nothing where no user has a key', async () => {
    await createUsers(1);

    const listed = await type.cloudFormation().list();

    expect(listed).toMatchObject({ status: 'SUCCESS', resourceModels: [] });
  });

  it("lists each key of 230 users once, a page of IAM's users at a time", async () => {
    const ids = await createUsers(230);

    const listed = await type.cloudFormation().list();

    expect(listed.events.map(({ resourceModels }) => resourceModels?.length)).toEqual([
      99, 100, 30,
    ]);
    expect(listed.resourceModels?.map(({ Id }) => String(Id)).sort()).toEqual(ids);
  });

  it('goes on after a page without keys, and follows pages that IAM cuts short', async () => {
    const ids = await createUsers(8);
    Object.assign(type.pageSizes, { users: 1, keys: 1 });

    const listed = await type.cloudFormation().list();

    expect(listed.events).toHaveLength(8);
    expect(listed.events[0]).toMatchObject({ status: 'SUCCESS', resourceModels: [] });
    expect(listed.resourceModels?.map(({ Id }) => String(Id)).sort()).toEqual(ids);
  });

  it('lists what is left when users go between the pages', async () => {
    await createUsers(12);
    type.pageSizes.users = 5;
    const cloudFormation = type.cloudFormation();

    const first = await cloudFormation.listPage();
    for (const gone of ['user-004', 'user-005', 'user-007']) await type.deleteUser(gone);
    const second = await cloudFormation.listPage({}, first.nextToken);

    expect(second.status).toBe('SUCCESS');
    expect(usersIn(first)).toEqual(['user-001', 'user-002', 'user-004']);
    expect(usersIn(second)).toEqual(['user-008', 'user-010', 'user-011']);
  });

  it('leaves a user out who goes between the list of users and that of the keys', async () => {
    await createUsers(6);
    type.use(async (call, next) => {
      if (call.parameters.UserName === 'user-004') await type.deleteUser('user-004');
      return next(call);
    });

    const listed = await type.cloudFormation().list();

    expect(listed.status).toBe('SUCCESS');
    expect(usersIn(listed)).toEqual(['user-001', 'user-002', 'user-005']);
  });

  it('gives each key as READ does, without what Parameter Store knows of it', async () => {
    const userName = await type.createUser();
    const { resourceModel } = await type.cloudFormation().create({ UserName: userName });

    const listed = await type.cloudFormation().list();

    const { SecretAccessKey, SesSmtpPassword, SesSmtpEndpoint, ...rest } = { ...resourceModel };
    expect(SecretAccessKey).toBe(type.mintedSecrets[0]);
    expect([SesSmtpPassword, SesSmtpEndpoint]).toEqual([expect.any(String), expect.any(String)]);
    expect(listed.resourceModels).toEqual([rest]);
  });

  it('lists the keys of the one user who is asked for, in any spelling', async () => {
    await createUsers(6);

    const listed = await type.cloudFormation().list({ UserName: 'USER-005' });

    const expected = (await type.keysOf('user-005')).map(({ id }) => id);
    expect(listed.status).toBe('SUCCESS');
    expect(listed.resourceModels?.map(({ Id }) => Id)).toEqual(expected);
    expect(expected).toHaveLength(2);
  });

  it.each([
    ['unknown', 'nobody'],
    ['without keys', 'user-000'],
  ])('lists nothing for a user who is %s', async (_, UserName) => {
    await createUsers(2);

    const listed = await type.cloudFormation().list({ UserName });

    expect(listed).toMatchObject({ status: 'SUCCESS', resourceModels: [] });
  });
});

function usersIn({ resourceModels }: ProgressEvent): unknown[] {
  return [...new Set(resourceModels?.map(({ UserName }) => UserName))];
}
