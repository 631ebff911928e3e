import { PutUserPermissionsBoundaryCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { randomUUID } from 'node:crypto';
import type { Outcome, Properties } from '../../local/cloudformation.ts';
import { actionOf, ageKeys, deny } from '../support/behaviours.ts';
import { REGION, useLocalType } from '../support/local-type.ts';

interface User {
  /** Comes before a part of its own. */
  readonly name?: string;
  readonly path?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly hasBoundary?: boolean;
}

describe('guardrails of the type configuration', () => {
  const type = useLocalType();

  const createUser = async ({ name = 'user', path, tags = {}, hasBoundary }: User = {}) => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const userName = await type.createUser(`${name}-${randomUUID().slice(0, 8)}`, {
      Path: path,
      Tags,
    });
    if (hasBoundary) {
      const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
      await type.iam.send(
        new PutUserPermissionsBoundaryCommand({ UserName: userName, PermissionsBoundary }),
      );
    }
    return userName;
  };
  const stack = (typeConfiguration?: Properties) =>
    type.cloudFormation(typeConfiguration && { typeConfiguration });
  const expectNothingMade = async (userName: string) => {
    expect(type.mintedSecrets).toEqual([]);
    const written = type.calls.filter(({ action }) => !/^(Get|List|Describe)/.test(action));
    expect(written).toEqual([]);
    expect([await type.keysOf(userName), await type.parameters()]).toEqual([[], []]);
  };

  const PATHS = { AllowedUserPaths: ['/ci/*', '/ops/'] };
  const NAMES = { AllowedUserNames: ['ci-*', '*-robot-*', 'a.b-*'] };
  const BOUNDARY = { RequirePermissionsBoundary: 'true' };
  const TAGS = { RequiredUserTags: [{ Key: 'team', Value: 'plat*' }, { Key: 'keys' }] };

  describe('CREATE', () => {
    it.each<[string, Properties, User]>([
      ['a path of the list', PATHS, { path: '/ops/' }],
      ['the path before the *', PATHS, { path: '/ci/' }],
      ['a path below it', PATHS, { path: '/ci/team/x/' }],
      ['any path', { AllowedUserPaths: ['*'] }, { path: '/any/' }],
      ['a * in the middle', { AllowedUserPaths: ['/*/ci/'] }, { path: '/eu/west/ci/' }],
      ['a name before the *', NAMES, { name: 'ci' }],
      ['a name around it', NAMES, { name: 'my-robot' }],
      ['a name with a dot', NAMES, { name: 'a.b' }],
      ['a user with a boundary', BOUNDARY, { hasBoundary: true }],
      ['a user without one where none is required', { RequirePermissionsBoundary: 'false' }, {}],
      ['all required tags', TAGS, { tags: { team: 'platform', keys: '', more: 'x' } }],
      ['no required tags', { RequiredUserTags: [] }, {}],
      [
        'who passes every rule',
        { ...PATHS, ...NAMES, ...BOUNDARY, ...TAGS },
        {
          name: 'ci',
          path: '/ci/',
          hasBoundary: true,
          tags: { team: 'plat', keys: 'yes' },
        },
      ],
    ])('admits %s', async (_, typeConfiguration, user) => {
      const userName = await createUser(user);

      const created = await stack(typeConfiguration).create({ UserName: userName });

      expect(created.status).toBe('SUCCESS');
      expect(await type.keysOf(userName)).toHaveLength(1);
    });

    it.each<[string, string, Properties, User]>([
      ['the root path', 'AllowedUserPaths', PATHS, {}],
      ['a path that begins alike', 'AllowedUserPaths', PATHS, { path: '/cicd/' }],
      ['a path that ends alike', 'AllowedUserPaths', PATHS, { path: '/x/ci/y/' }],
      ['a path below one without *', 'AllowedUserPaths', PATHS, { path: '/ops/x/' }],
      ['a path in another case', 'AllowedUserPaths', PATHS, { path: '/CI/' }],
      [
        'a path where a dot is no wildcard',
        'AllowedUserPaths',
        { AllowedUserPaths: ['/c.i/'] },
        { path: '/cxi/' },
      ],
      [
        'a path that almost matches many *',
        'AllowedUserPaths',
        { AllowedUserPaths: [`/${'*a'.repeat(20)}b/`] },
        { path: `/${'a'.repeat(400)}/` },
      ],
      ['every path where none is allowed', 'AllowedUserPaths', { AllowedUserPaths: [] }, {}],
      ['a name that is not there', 'AllowedUserNames', NAMES, { name: 'admin' }],
      ['a name that only contains one', 'AllowedUserNames', NAMES, { name: 'x-ci' }],
      ['a name where a dot is no wildcard', 'AllowedUserNames', NAMES, { name: 'axb' }],
      ['every name where none is allowed', 'AllowedUserNames', { AllowedUserNames: [] }, {}],
      ['a user without a boundary', 'RequirePermissionsBoundary', BOUNDARY, {}],
      ['a user without tags', 'RequiredUserTags', TAGS, {}],
      ['a user with one of two', 'RequiredUserTags', TAGS, { tags: { team: 'platform' } }],
      [
        'a tag with another value',
        'RequiredUserTags',
        TAGS,
        { tags: { team: 'sales', keys: 'x' } },
      ],
      [
        'who passes every rule but the last',
        'RequiredUserTags',
        { ...PATHS, ...NAMES, ...BOUNDARY, ...TAGS },
        { name: 'ci', path: '/ci/', hasBoundary: true, tags: { keys: 'x' } },
      ],
      [
        'who passes every rule but the first',
        'AllowedUserPaths',
        { ...PATHS, ...NAMES },
        { name: 'ci', path: '/' },
      ],
    ])('refuses %s, by %s, before anything is made', async (_, rule, typeConfiguration, user) => {
      const userName = await createUser(user);

      const created = await stack(typeConfiguration).create({
        UserName: userName,
        Description: 'for CI',
      });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(created.message).toContain(rule);
      expect(created.message).toContain(userName);
      await expectNothingMade(userName);
    });

    it('refuses an inactive key, too: it could be activated by hand', async () => {
      const userName = await createUser();

      const created = await stack(PATHS).create({ UserName: userName, Status: 'Inactive' });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      await expectNothingMade(userName);
    });

    it("goes by IAM's spelling of the name, not by the template's", async () => {
      const userName = await createUser({ name: 'ci' });

      const created = await stack(NAMES).create({ UserName: userName.toUpperCase() });
      const refused = await stack({ AllowedUserNames: ['CI-*'] }).create({
        UserName: userName.toUpperCase(),
      });

      expect(created.status).toBe('SUCCESS');
      expect(refused).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    });

    it('answers NotFound for a user whom there is not, whatever the rule', async () => {
      // Such a user is waited for: side by side, once.
      const created = await Promise.all(
        [PATHS, TAGS].map(async (typeConfiguration) =>
          type
            .cloudFormation({ typeConfiguration, function: await type.startContainer() })
            .create({ UserName: `no-${randomUUID()}` }),
        ),
      );

      const outcome = { status: 'FAILED', errorCode: 'NotFound' };
      expect(created).toMatchObject([outcome, outcome]);
      expect(type.calls.map(actionOf)).not.toContain('iam:CreateAccessKey');
    });

    it('makes nothing where it may not look at the user', async () => {
      const userName = await createUser({ path: '/ci/' });
      type.use(deny('iam:GetUser'));

      const created = await stack(PATHS).create({ UserName: userName });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(created.message).toContain('iam:GetUser');
      await expectNothingMade(userName);
    });

    it('does not look at the user where there is no rule', async () => {
      const created = await stack({ MaxKeysPerUser: '1' }).create({ UserName: await createUser() });

      expect(created.status).toBe('SUCCESS');
      expect(type.calls.map(actionOf)).not.toContain('iam:GetUser');
    });
  });

  describe('a key of a user who is out of scope', () => {
    let userName: string;
    beforeEach(async () => {
      userName = await createUser();
    });

    const update = (
      id: string,
      desired: Properties,
      typeConfiguration: Properties = PATHS,
      Status = 'Active',
    ) =>
      stack(typeConfiguration).update(
        { Id: id, UserName: userName, Status },
        { Id: id, UserName: userName, ...desired },
      );

    it.each([
      ['AllowedUserPaths', PATHS],
      ['AllowedUserNames', NAMES],
      ['RequirePermissionsBoundary', BOUNDARY],
      ['RequiredUserTags', TAGS],
    ])('is not activated again, by %s, and stays as it is', async (rule, typeConfiguration) => {
      const { resourceModel } = await stack().create({ UserName: userName, Status: 'Inactive' });
      const id = String(resourceModel?.Id);

      // Status is taken out of the template: its default is Active.
      for (const desired of [{ Status: 'Active' }, { Description: 'for CI' }]) {
        const updated = await update(id, desired, typeConfiguration, 'Inactive');

        expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
        expect(updated.message).toContain(rule);
      }
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
      expect(await type.tagsOf(userName)).toEqual({});
    });

    it('stays off where somebody switched it off by hand, and is described anew', async () => {
      const { resourceModel } = await stack().create({ UserName: userName });
      const id = String(resourceModel?.Id);
      await type.setStatus(userName, id, 'Inactive');

      const updated = await update(id, { Description: 'under investigation' });

      expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
      expect(await type.tagsOf(userName)).toEqual({ [id]: 'under investigation' });
    });

    it('is not activated again when the type did not make it', async () => {
      const id = await type.createForeignKey(userName);
      await type.setStatus(userName, id, 'Inactive');

      const updated = await update(id, { Status: 'Active' }, PATHS, 'Inactive');

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    });

    it('is not activated again in the name of a user in scope', async () => {
      const inScope = await createUser({ path: '/ci/' });
      const id = await type.createForeignKey(userName);
      await type.setStatus(userName, id, 'Inactive');

      const updated = await stack(PATHS).update(
        { Id: id, Status: 'Inactive' },
        { Id: id, UserName: inScope },
      );

      expect(updated).toMatchObject({ status: 'FAILED' });
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    });

    it('is described anew while it is active', async () => {
      const { resourceModel } = await stack().create({ UserName: userName });
      const id = String(resourceModel?.Id);

      const updated = await update(id, { Description: 'to be replaced' });

      expect(updated.status).toBe('SUCCESS');
      expect(await type.tagsOf(userName)).toEqual({ [id]: 'to be replaced' });
    });

    it('is described anew while it is inactive', async () => {
      const { resourceModel } = await stack().create({ UserName: userName, Status: 'Inactive' });
      const id = String(resourceModel?.Id);

      const desired = { Status: 'Inactive', Description: 'to be replaced' };

      const updated = await update(id, desired, PATHS, 'Inactive');

      expect(updated.status).toBe('SUCCESS');
      expect(await type.tagsOf(userName)).toEqual({ [id]: 'to be replaced' });
    });

    it('is read, listed, deactivated and deleted', async () => {
      const { resourceModel } = await stack().create({ UserName: userName });
      const id = String(resourceModel?.Id);

      const outcomes = [
        await stack(PATHS).read(id),
        await stack(PATHS).list({ UserName: userName }),
        await update(id, { Status: 'Inactive' }),
      ];
      const keys = await type.keysOf(userName);
      const deleted = await stack(PATHS).delete(id);

      expect(outcomes.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
      expect(keys).toEqual([{ id, status: 'Inactive' }]);
      expect(deleted.status).toBe('SUCCESS');
      expect(await type.keysOf(userName)).toEqual([]);
    });
  });

  it('lets a key of a user in scope be activated again', async () => {
    const userName = await createUser({ path: '/ci/' });
    const cloudFormation = stack(PATHS);
    const created = await cloudFormation.create({ UserName: userName, Status: 'Inactive' });

    const updated = await cloudFormation.update(
      { ...created.resourceModel },
      { UserName: userName, Status: 'Active' },
    );

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Active' } });
    expect(await type.keysOf(userName)).toMatchObject([{ status: 'Active' }]);
  });

  describe('MaxKeysPerUser', () => {
    const ONE = { MaxKeysPerUser: '1' };
    let userName: string;
    beforeEach(async () => {
      userName = await createUser();
      // A young key without a record would be waited for.
      type.use(ageKeys);
    });

    const expectRefused = (created: Outcome, id: string) => {
      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      expect(created.message).toContain('MaxKeysPerUser');
      expect(created.message).toContain(id);
    };

    it('1 lets a resource rotate its key', async () => {
      const cloudFormation = stack(ONE);
      const old = await cloudFormation.create({ UserName: userName, Serial: 1 });

      const young = await cloudFormation.create({ UserName: userName, Serial: 2 });
      await cloudFormation.delete(String(old.resourceModel?.Id));
      const next = await cloudFormation.create({ UserName: userName, Serial: 3 });

      expect([old, young, next].map(({ status }) => status)).toEqual(Array(3).fill('SUCCESS'));
    });

    it.each([
      ['another resource of the stack', 'stack-1', { logicalId: 'Other' }],
      ['the same resource of another stack', 'stack-2', {}],
      ['Cloud Control, which knows no stack', null, {}],
    ])('1 refuses a second key to %s', async (_, stackId, options) => {
      const created = await type
        .cloudFormation({ typeConfiguration: ONE, stackId: 'stack-1' })
        .create({ UserName: userName });

      const second = await type
        .cloudFormation({ typeConfiguration: ONE, stackId })
        .create({ UserName: userName }, options);

      expectRefused(second, String(created.resourceModel?.Id));
      expect(await type.keysOf(userName)).toHaveLength(1);
      expect(await type.parameters()).toHaveLength(1);
    });

    it('1 refuses two keys to Cloud Control, which knows no resource either', async () => {
      const cloudControl = () =>
        type.cloudFormation({ typeConfiguration: ONE, stackId: null }).create({
          UserName: userName,
        });
      const created = await cloudControl();

      expectRefused(await cloudControl(), String(created.resourceModel?.Id));
    });

    it.each(['Active', 'Inactive'] as const)('1 counts an %s key of others', async (status) => {
      const foreign = await type.createForeignKey(userName);
      await type.setStatus(userName, foreign, status);

      const created = await stack(ONE).create({ UserName: userName });

      expectRefused(created, foreign);
      expect(created.message).toContain(status);
      await expectNothingMade2(foreign, status);
    });
    const expectNothingMade2 = async (foreign: string, status: string) => {
      expect(type.mintedSecrets).toHaveLength(1);
      expect(await type.keysOf(userName)).toEqual([{ id: foreign, status }]);
      expect(await type.parameters()).toEqual([]);
    };

    it('1 lets a finished CREATE be asked for again', async () => {
      const token = randomUUID();
      const cloudFormation = stack(ONE);
      const first = await cloudFormation.create({ UserName: userName }, { token });

      const second = await cloudFormation.create({ UserName: userName }, { token });

      expect(second.resourceModel).toEqual(first.resourceModel);
      expect(second.status).toBe('SUCCESS');
    });

    it.each<[string, Properties | undefined]>([
      ['2', { MaxKeysPerUser: '2' }],
      ['the default', undefined],
    ])('%s lets a second resource have a key, and IAM refuses the third', async (_, given) => {
      const [first, second, third] = [
        await stack(given).create({ UserName: userName }),
        await stack(given).create({ UserName: userName }),
        await stack(given).create({ UserName: userName }),
      ];

      expect([first.status, second.status]).toEqual(['SUCCESS', 'SUCCESS']);
      expect(third).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      expect(await type.keysOf(userName)).toHaveLength(2);
    });
  });

  it.each<[string, unknown]>([
    ['AllowedUserPaths', '/ci/*'],
    ['AllowedUserPaths', [7]],
    ['AllowedUserPaths', ['']],
    ['AllowedUserPaths', ['ci/*']],
    ['AllowedUserPaths', ['/ci']],
    ['AllowedUserNames', { ci: true }],
    ['AllowedUserNames', ['x'.repeat(65)]],
    ['RequirePermissionsBoundary', 'yes'],
    ['RequirePermissionsBoundary', ['true']],
    ['RequiredUserTags', { team: 'platform' }],
    ['RequiredUserTags', ['team']],
    ['RequiredUserTags', [{ Value: 'platform' }]],
    ['RequiredUserTags', [{ Key: 'team', Values: ['platform'] }]],
    ['MaxKeysPerUser', '0'],
    ['MaxKeysPerUser', '3'],
    ['MaxKeysPerUser', '1.5'],
    ['MaxKeysPerUser', 'one'],
    ['AllowedUserPath', ['/ci/*']],
  ])('is an error of the type configuration where %s is %j', async (name, value) => {
    const userName = await createUser({ path: '/ci/' });

    const created = await stack({ [name]: value }).create({ UserName: userName });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidTypeConfiguration' });
    expect(created.message).toContain(name);
    expect(type.calls).toEqual([]);
  });

  it('takes the values as JSON has them, too', async () => {
    const userName = await createUser({ path: '/ci/', hasBoundary: true });
    const typeConfiguration = { RequirePermissionsBoundary: true, MaxKeysPerUser: 1, ...PATHS };

    const created = await stack(typeConfiguration).create({ UserName: userName });
    const outside = await stack({ RequirePermissionsBoundary: true }).create({
      UserName: await createUser(),
    });

    expect(created.status).toBe('SUCCESS');
    expect(outside).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
  });

  describe('the escalation: who may deploy the type asks for the key of an administrator', () => {
    let administrator: string;
    beforeEach(async () => {
      administrator = await createUser({ name: 'administrator' });
    });

    it('succeeds without guardrails', async () => {
      const { resourceModel } = await stack().create({ UserName: administrator });

      expect(await whoIs(resourceModel)).toMatch(new RegExp(`:user/${administrator}$`));
    });

    it('fails in every way where AllowedUserPaths is set', async () => {
      const old = await type.createForeignKey(administrator);
      // A young key without a record would be waited for.
      type.use(ageKeys);
      await type.setStatus(administrator, old, 'Inactive');
      const minted = type.mintedSecrets.length;
      const { name: SecretId } = await type.createSecret('mine');
      const guarded = stack({ AllowedUserPaths: ['/ci/*'] });
      const imported = { Id: old, UserName: administrator, Status: 'Inactive' };

      const outcomes = [
        await guarded.create({ UserName: administrator }),
        await guarded.create({ UserName: administrator.toUpperCase() }),
        await guarded.create({ UserName: administrator, Status: 'Inactive' }),
        await guarded.create({ UserName: administrator, Serial: 9, SecretId }),
        await guarded.update(imported, { ...imported, Status: 'Active' }),
        await guarded.update(imported, { Id: old }),
      ];
      const read = await guarded.read(old);

      expect(outcomes.map(({ errorCode }) => errorCode)).toEqual(Array(6).fill('AccessDenied'));
      expect(type.mintedSecrets).toHaveLength(minted);
      expect(await type.keysOf(administrator)).toEqual([{ id: old, status: 'Inactive' }]);
      expect(await type.secretValue(SecretId)).toBe('mine');
      expect(read.resourceModel).not.toHaveProperty('SecretAccessKey');
    });

    const whoIs = async (model: Properties | null | undefined) => {
      const sts = new STSClient({
        endpoint: type.proxy.endpoint,
        region: REGION,
        credentials: {
          accessKeyId: String(model?.Id),
          secretAccessKey: String(model?.SecretAccessKey),
        },
      });
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
      sts.destroy();
      return Arn;
    };
  });
});
