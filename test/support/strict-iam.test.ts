import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetAccessKeyLastUsedCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUsersCommand,
  ListUserTagsCommand,
  PutUserPermissionsBoundaryCommand,
  TagUserCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { setTimeout as sleep } from 'node:timers/promises';
import { deny, expireKeys, forgetNewKeys, hideUsers } from './behaviours.ts';
import { newCredentials, REGION, useLocalType } from './local-type.ts';

const UNKNOWN_ID = 'AKIAIOSFODNN7EXAMPLE';

/** What the other tests rely on: where IAM is stricter than moto, they run against this. */
describe('strict IAM', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  it('pages through users, as long as its pages and the caller want', async () => {
    for (let count = 0; count < 4; count += 1) await type.createUser();

    const first = await type.iam.send(new ListUsersCommand({ MaxItems: 2 }));
    const second = await type.iam.send(new ListUsersCommand({ MaxItems: 2, Marker: first.Marker }));
    const rest = await type.iam.send(new ListUsersCommand({ Marker: second.Marker }));

    expect(
      [first, second, rest].map(({ Users, IsTruncated }) => [Users?.length, IsTruncated]),
    ).toEqual([
      [2, true],
      [2, true],
      [expect.any(Number), false],
    ]);
    const names = [first, second, rest].flatMap(({ Users }) => Users?.map((user) => user.UserName));
    expect(names).toEqual(await type.allUsers());
  });

  it('refuses a marker that it did not give', async () => {
    const listing = type.iam.send(new ListUsersCommand({ Marker: 'x' }));

    await expect(listing).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('pages through keys', async () => {
    const ids = [await type.createForeignKey(userName), await type.createForeignKey(userName)];
    type.pageSizes.keys = 1;

    const first = await type.iam.send(new ListAccessKeysCommand({ UserName: userName }));

    expect(first).toMatchObject({ IsTruncated: true, Marker: expect.any(String) });
    expect((await type.keysOf(userName)).map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  it('pages through tags', async () => {
    const tags = { a: '1', b: '2', c: '3' };
    await type.tag(userName, tags);
    type.pageSizes.tags = 2;

    const first = await type.iam.send(new ListUserTagsCommand({ UserName: userName }));

    expect(first).toMatchObject({ IsTruncated: true, Marker: expect.any(String) });
    expect(first.Tags).toHaveLength(2);
    expect(await type.tagsOf(userName)).toEqual(tags);
  });

  it('takes 50 tags and no more, and no sign that a tag may not have', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `tag-${index}`);
    await type.tag(userName, Object.fromEntries(names.map((name) => [name, 'x'])));

    await expect(type.tag(userName, { 'tag-50': 'x' })).rejects.toMatchObject({
      name: 'LimitExceededException',
    });
    await expect(type.tag(userName, { 'tag-0': 'a & b' })).rejects.toMatchObject({
      name: 'ValidationError',
    });
    await expect(type.tag(userName, { 'tag-0': 'x'.repeat(257) })).rejects.toMatchObject({
      name: 'ValidationError',
    });
    await type.tag(userName, { 'tag-0': 'y' });
    expect(Object.keys(await type.tagsOf(userName))).toHaveLength(50);
  });

  it("shows a user's permissions boundary, and whose it is not", async () => {
    const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
    const other = await type.createUser();
    await type.iam.send(
      new PutUserPermissionsBoundaryCommand({ UserName: userName, PermissionsBoundary }),
    );

    const [bound, free] = await Promise.all(
      [userName, other].map((UserName) => type.iam.send(new GetUserCommand({ UserName }))),
    );

    expect(bound?.User?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(PermissionsBoundary);
    expect(free?.User?.PermissionsBoundary).toBeUndefined();
  });

  it('knows a user in any spelling, and answers with its own', async () => {
    const id = await type.createForeignKey(userName.toUpperCase());

    const { AccessKeyMetadata } = await type.iam.send(
      new ListAccessKeysCommand({ UserName: userName.toUpperCase() }),
    );

    expect(AccessKeyMetadata).toMatchObject([{ AccessKeyId: id, UserName: userName }]);
  });

  it('refuses to guess the user, and a status that there is not', async () => {
    const AccessKeyId = await type.createForeignKey(userName);
    const refused = { name: 'ValidationError' };

    await expect(type.iam.send(new CreateAccessKeyCommand({}))).rejects.toMatchObject(refused);
    await expect(type.iam.send(new DeleteAccessKeyCommand({ AccessKeyId }))).rejects.toMatchObject(
      refused,
    );
    await expect(
      type.iam.send(new UpdateAccessKeyCommand({ AccessKeyId, Status: 'Inactive' })),
    ).rejects.toMatchObject(refused);
    await expect(
      type.iam.send(
        new UpdateAccessKeyCommand({ UserName: userName, AccessKeyId, Status: 'Off' as never }),
      ),
    ).rejects.toMatchObject(refused);
    expect(await type.keysOf(userName)).toEqual([{ id: AccessKeyId, status: 'Active' }]);
  });

  it('does not accept an inactive key', async () => {
    const { AccessKey } = await type.iam.send(new CreateAccessKeyCommand({ UserName: userName }));
    const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {};
    type.willDelete(userName, AccessKeyId);
    const sts = new STSClient({
      endpoint: type.proxy.endpoint,
      region: REGION,
      credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey },
    });

    await expect(sts.send(new GetCallerIdentityCommand({}))).resolves.toBeDefined();
    await type.setStatus(userName, AccessKeyId, 'Inactive');
    await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
      name: 'InvalidClientTokenId',
    });
    sts.destroy();
  });

  it('lets keys and tags follow a user who is renamed, twice', async () => {
    const id = await type.createForeignKey(userName);
    await type.tag(userName, { team: 'a b', [id]: 'for CI' });
    await type.renameUser(userName, `${userName}-2`);
    await type.renameUser(`${userName}-2`, `${userName}-3`);

    const { AccessKeyMetadata } = await type.iam.send(
      new ListAccessKeysCommand({ UserName: `${userName}-3` }),
    );
    await type.deleteKey(`${userName}-3`, id);
    await type.createUser(userName);

    expect(await type.tagsOf(`${userName}-3`)).toEqual({ team: 'a b', [id]: 'for CI' });
    expect(await type.tagsOf(userName)).toEqual({});
    expect(AccessKeyMetadata).toMatchObject([{ AccessKeyId: id, UserName: `${userName}-3` }]);
    expect(await type.keysOf(`${userName}-3`)).toEqual([]);
    expect(await type.allUsers()).toContain(`${userName}-3`);
  });

  describe('in the words that were recorded at AWS', () => {
    let caller: IAMClient;

    beforeEach(() => {
      const credentials = newCredentials('caller');
      caller = new IAMClient({
        endpoint: type.proxy.endpoint,
        region: REGION,
        credentials,
        maxAttempts: 1,
      });
    });
    afterEach(() => {
      caller.destroy();
    });

    const askFor = (AccessKeyId: string) =>
      caller.send(new GetAccessKeyLastUsedCommand({ AccessKeyId }));

    it('denies whoever asks about a key that nobody has', async () => {
      await expect(askFor(UNKNOWN_ID)).rejects.toMatchObject({
        name: 'AccessDenied',
        message: expect.stringMatching(
          /^User: arn:\S+ is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE$/,
        ),
        $metadata: { httpStatusCode: 403 },
      });
    });

    it('denies whoever lacks the permission with the reason', async () => {
      type.use(deny('iam:GetAccessKeyLastUsed'));
      const id = await type.createForeignKey(userName);

      for (const asked of [id, UNKNOWN_ID]) {
        await expect(askFor(asked)).rejects.toMatchObject({
          name: 'AccessDenied',
          message: expect.stringMatching(
            /^User: arn:\S+ is not authorized to perform: iam:GetAccessKeyLastUsed on resource: .+ because no identity-based policy allows the iam:GetAccessKeyLastUsed action$/,
          ),
          $metadata: { httpStatusCode: 403 },
        });
      }
    });

    it('says of a key that was never used where and when not', async () => {
      const { AccessKeyLastUsed, UserName } = await askFor(await type.createForeignKey(userName));

      expect(UserName).toBe(userName);
      expect(AccessKeyLastUsed).toEqual({ Region: 'N/A', ServiceName: 'N/A' });
    });

    it.each([
      ['CreateAccessKey', new CreateAccessKeyCommand({ UserName: 'nobody' })],
      ['ListAccessKeys', new ListAccessKeysCommand({ UserName: 'nobody' })],
      ['ListUserTags', new ListUserTagsCommand({ UserName: 'nobody' })],
      ['GetUser', new GetUserCommand({ UserName: 'nobody' })],
    ])('knows no such user in %s', async (_, command) => {
      await expect(caller.send(command as GetUserCommand)).rejects.toMatchObject({
        name: 'NoSuchEntityException',
        message: 'The user with name nobody cannot be found.',
        $metadata: { httpStatusCode: 404 },
      });
    });

    it('knows no such key in UpdateAccessKey and DeleteAccessKey', async () => {
      const key = { UserName: userName, AccessKeyId: UNKNOWN_ID };
      const unknown = {
        name: 'NoSuchEntityException',
        message: `The Access Key with id ${UNKNOWN_ID} cannot be found.`,
        $metadata: { httpStatusCode: 404 },
      };

      await expect(caller.send(new DeleteAccessKeyCommand(key))).rejects.toMatchObject(unknown);
      await expect(
        caller.send(new UpdateAccessKeyCommand({ ...key, Status: 'Inactive' })),
      ).rejects.toMatchObject(unknown);
    });

    it('makes no third key', async () => {
      for (let keys = 0; keys < 2; keys += 1) await type.createForeignKey(userName);

      await expect(
        caller.send(new CreateAccessKeyCommand({ UserName: userName })),
      ).rejects.toMatchObject({
        name: 'LimitExceededException',
        message: 'Cannot exceed quota for AccessKeysPerUser: 2',
        $metadata: { httpStatusCode: 409 },
      });
    });

    it('may not know a user who was made a moment ago', async () => {
      type.use(hideUsers(200));
      const list = () => caller.send(new ListAccessKeysCommand({ UserName: userName }));

      await expect(list()).rejects.toMatchObject({ name: 'NoSuchEntityException' });
      await eventually(list);
    });

    it('may not know a key that was made a moment ago where it is changed, nor its user', async () => {
      type.use(forgetNewKeys(300));
      const { AccessKey } = await caller.send(new CreateAccessKeyCommand({ UserName: userName }));
      const key = { UserName: userName, AccessKeyId: AccessKey?.AccessKeyId };
      const remove = () => caller.send(new DeleteAccessKeyCommand(key));
      const tag = () =>
        caller.send(new TagUserCommand({ UserName: userName, Tags: [{ Key: 'a', Value: 'b' }] }));

      await expect(remove()).rejects.toMatchObject({
        message: `The Access Key with id ${key.AccessKeyId} cannot be found.`,
      });
      await expect(tag()).rejects.toMatchObject({
        message: `The user with name ${userName} cannot be found.`,
      });
      expect(await type.keysOf(userName)).toHaveLength(1);
      await eventually(remove);
      expect(await type.keysOf(userName)).toEqual([]);
    });

    it('lists a key as expired, and lets nobody change or use it', async () => {
      const id = await type.createForeignKey(userName);
      type.use(expireKeys(id));
      const key = { UserName: userName, AccessKeyId: id };

      const { AccessKeyMetadata } = await caller.send(
        new ListAccessKeysCommand({ UserName: userName }),
      );

      expect(AccessKeyMetadata).toMatchObject([{ AccessKeyId: id, Status: 'Expired' }]);
      await expect(
        caller.send(new UpdateAccessKeyCommand({ ...key, Status: 'Active' })),
      ).rejects.toMatchObject({ name: 'ValidationError', $metadata: { httpStatusCode: 400 } });
    });
  });
});

/** Tries until it does not fail any more; the test's time limit is the end of it. */
async function eventually(act: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await act();
      return;
    } catch {
      await sleep(20);
    }
  }
}
