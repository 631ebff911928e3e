import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { randomUUID } from 'node:crypto';
import type { Properties } from '../../local/cloudformation.ts';
import { breakKms, loseAnswers } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';
import type { KmsFault } from '../support/recorded-answers.ts';
import { createUntilDone } from './retries.ts';

const OLD_KEY = 'alias/old';
const OLD = { KmsKeyId: OLD_KEY };
const NEW = { KmsKeyId: 'alias/new' };
const FAULTS: KmsFault[] = ['disabled', 'pending deletion', 'denied', 'hidden'];

describe.each(FAULTS)('a record whose KMS key is %s', (fault) => {
  const type = useLocalType();
  const stackId = 'arn:aws:cloudformation:us-east-1:123456789012:stack/undecryptable/1';
  let userName: string;
  let id: string;
  let model: Properties;

  const stack = (typeConfiguration: Properties = NEW) =>
    type.cloudFormation({ stackId, typeConfiguration });

  const breakOldKey = () => {
    type.use(breakKms(fault, ({ keyId }) => keyId === OLD_KEY));
  };

  const begin = async (properties: Properties = {}) => {
    userName = await type.createUser();
    model = { UserName: userName, Status: 'Active', Serial: 1, ...properties };
    const created = await stack(OLD).create(model);
    expect(created.status).toBe('SUCCESS');
    id = String(created.resourceModel?.Id);
    breakOldKey();
  };

  it('lets its key be deleted by its model, with description and parameter', async () => {
    await begin({ Description: 'for the nightly build' });

    const deleted = await stack().delete({ ...model, Id: id });

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.tagsOf(userName)).toEqual({});
    expect(await type.parameters()).toEqual([]);
  });

  it('lets its key be deleted by its id alone', async () => {
    await begin({ Description: 'for the nightly build' });

    const deleted = await stack().delete(id);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.tagsOf(userName)).toEqual({});
    expect(await type.parameters()).toEqual([]);
  });

  it("lets its key be deleted where readers of the model's secret have it", async () => {
    const { name: SecretId } = await type.createSecret('what was there before');
    const { AWSCURRENT: before } = await type.stagesOf(SecretId);
    await begin({ SecretId });

    const deleted = await stack().delete({ ...model, Id: id });

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
    expect(await type.stagesOf(SecretId)).toMatchObject({ AWSCURRENT: before });
  });

  it('lets its key be updated', async () => {
    await begin();

    const updated = await stack().update(
      { ...model, Id: id },
      { ...model, Status: 'Inactive', Description: 'for nothing any more' },
    );

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    expect(await type.tagsOf(userName)).toEqual({ [id]: 'for nothing any more' });
  });

  it('lets its user have another key', async () => {
    await begin();

    const other = await stack().create({ UserName: userName }, { logicalId: 'Other' });

    expect(other.status).toBe('SUCCESS');
    expect((await type.keysOf(userName)).map((key) => key.id).sort()).toEqual(
      [id, String(other.resourceModel?.Id)].sort(),
    );
  });

  it('lets its key be rotated', async () => {
    await begin();

    const rotated = await stack().create({ ...model, Serial: 2 });
    const deleted = await stack().delete({ ...model, Id: id });

    expect([rotated.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
    const next = String(rotated.resourceModel?.Id);
    expect(await type.keysOf(userName)).toEqual([{ id: next, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${next}`]);
  });

  it("counts as somebody's: its key is no orphan of a lost answer", async () => {
    userName = await type.createUser();
    const token = randomUUID();
    let sibling = '';
    breakOldKey();
    type.use(loseAnswers(1, 'iam:CreateAccessKey'));
    type.use(async (call, next) => {
      if (call.action !== 'CreateAccessKey' || sibling !== '') return next(call);
      // The sibling's key comes in the very window; the call itself has no effect.
      sibling = await type.createForeignKey(userName);
      await type.ssm.send(
        new PutParameterCommand({
          Name: `${PREFIX}/${sibling}`,
          Value: JSON.stringify({ userName, secretAccessKey: 'of the sibling' }),
          Type: 'SecureString',
          KeyId: OLD_KEY,
        }),
      );
      throw new Error('the answer is lost');
    });

    const created = await createUntilDone(stack(), { UserName: userName }, { token });

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toContainEqual({ id: sibling, status: 'Active' });
    expect(await type.parameters()).toContain(`${PREFIX}/${sibling}`);
    expect(await type.keysOf(userName)).toHaveLength(2);
    await type.deleteParameter(`${PREFIX}/${sibling}`);
  });

  it('fails READ, which names the key and what is missing', async () => {
    await begin();

    const read = await stack().read(id);

    expect(read.status).toBe('FAILED');
    expect(read.errorCode).not.toBe('NotFound');
    expect(read.message).toContain(id);
    expect(read.message).toContain('kms:Decrypt');
    expect(read.message).not.toContain('ssm:GetParameters');
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
  });

  it('does not hinder READ of another key of the user', async () => {
    await begin();
    const other = await stack().create({ UserName: userName }, { logicalId: 'Other' });

    const read = await stack().read(String(other.resourceModel?.Id));

    expect(read).toMatchObject({ status: 'SUCCESS', resourceModel: other.resourceModel ?? {} });
  });

  it('cannot be written: CREATE names the permission and leaves nothing', async () => {
    userName = await type.createUser();
    breakOldKey();

    const created = await stack(OLD).create({ UserName: userName });

    expect(created.status).toBe('FAILED');
    if (fault === 'denied') expect(created.message).toContain('kms:Encrypt');
    expect(created.message).not.toContain('needs the permission ssm:PutParameter');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });
});
