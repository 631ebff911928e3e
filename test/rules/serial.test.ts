import { randomUUID } from 'node:crypto';
import type { Properties } from '../../local/cloudformation.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('Serial', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  it('makes the new key beside the old one when the Serial is raised', async () => {
    const cloudFormation = type.cloudFormation();
    const old = await cloudFormation.create({ UserName: userName, Serial: 1 });

    const created = await cloudFormation.create({ UserName: userName, Serial: 2 });
    const both = await type.keysOf(userName);
    const cleanedUp = await cloudFormation.delete({ ...old.resourceModel });

    const id = String(created.resourceModel?.Id);
    expect([created.status, cleanedUp.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(both).toHaveLength(2);
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
  });

  it('makes a key for the new user when the UserName changes, whatever the Serial', async () => {
    const cloudFormation = type.cloudFormation();
    const other = await type.createUser();
    await cloudFormation.create({ UserName: userName, Serial: 5 });

    const created = await cloudFormation.create({ UserName: other, Serial: 5 });

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toHaveLength(1);
    expect(await type.keysOf(other)).toHaveLength(1);
  });

  it('makes a key for another spelling of the user, whatever the Serial', async () => {
    const cloudFormation = type.cloudFormation();
    await cloudFormation.create({ UserName: userName, Serial: 5 });

    const created = await cloudFormation.create({ UserName: userName.toUpperCase(), Serial: 5 });

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toHaveLength(2);
  });

  it.each([
    ['SesRegion', { SesRegion: 'eu-west-1' }, { SesRegion: 'eu-west-2' }],
    ['SesRegion that comes', {}, { SesRegion: 'eu-west-2' }],
    ['SecretKeys', { SecretKeys: { AccessKeyId: 'user' } }, { SecretKeys: { AccessKeyId: 'id' } }],
    ['SecretKeys that go', { SecretKeys: { AccessKeyId: 'user' } }, {}],
  ])('makes a key for another %s, whatever the Serial', async (_, before, after) => {
    const { name: SecretId } = await type.createSecret();
    const cloudFormation = type.cloudFormation();
    const properties = { UserName: userName, SecretId, Serial: 5 };
    await cloudFormation.create({ ...properties, ...before });

    const created = await cloudFormation.create({ ...properties, ...after });

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toHaveLength(2);
  });

  it('has to rise where SesRegion and SecretKeys stay, in any order', async () => {
    const { name: SecretId } = await type.createSecret();
    const cloudFormation = type.cloudFormation();
    const properties = { UserName: userName, SecretId, Serial: 5, SesRegion: 'eu-west-1' };
    const names = { AccessKeyId: 'user', UserName: 'owner' };
    await cloudFormation.create({ ...properties, SecretKeys: names });

    const created = await cloudFormation.create({
      ...properties,
      SecretKeys: { UserName: 'owner', AccessKeyId: 'user' },
    });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
    expect(await type.keysOf(userName)).toHaveLength(1);
  });

  it.each([
    ['another resource of the stack', { logicalId: 'Other' }, undefined],
    ['another stack', {}, 'arn:aws:cloudformation:us-east-1:123456789012:stack/other/2'],
    ['no stack, as Cloud Control calls', {}, null],
  ])('takes any Serial for %s', async (_, operation, stackId) => {
    const stack = { stackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/app/1' };
    await type.cloudFormation(stack).create({ UserName: userName, Serial: 2 });

    const created = await type
      .cloudFormation(stackId === undefined ? stack : { stackId })
      .create({ UserName: userName, Serial: 1 }, operation);

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toHaveLength(2);
  });

  describe('without a stack, as Cloud Control calls', () => {
    let SecretId: string;

    beforeEach(async () => {
      ({ name: SecretId } = await type.createSecret());
    });

    const create = (properties: Properties, stackId: string | null = null) =>
      type
        .cloudFormation({ stackId })
        .create({ UserName: userName, ...properties }, { logicalId: randomUUID() });

    it.each([
      ['the same', 2],
      ['lower', 1],
      ['missing', undefined],
    ])('has to rise for the same secret: one that is %s is refused', async (_, Serial) => {
      const first = await create({ SecretId, Serial: 2 });

      const second = await create({ SecretId, ...(Serial !== undefined && { Serial }) });

      const id = String(first.resourceModel?.Id);
      expect(second).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(second.message).toContain(`Serial 2 of secret ${SecretId}'s access key ${id}`);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    });

    it.each<[string, (secretId: string) => Properties, string | null]>([
      ['another secret', (secretId) => ({ SecretId: secretId }), null],
      ['no secret', () => ({}), null],
      ['the same secret in a stack', () => ({ SecretId }), 'stack'],
    ])('may be any for %s', async (_, toProperties, stackId) => {
      const other = await type.createSecret();
      const properties = toProperties(other.name);
      await create({ ...(properties.SecretId !== undefined && { SecretId }), Serial: 2 });

      const second = await create({ ...properties, Serial: 1 }, stackId);

      expect(second.status).toBe('SUCCESS');
      expect(await type.keysOf(userName)).toHaveLength(2);
    });
  });
});
