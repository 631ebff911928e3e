import {
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import type { CloudFormation, Outcome } from '../../local/cloudformation.ts';
import { refuse, type Behaviour, type Call } from '../support/aws-proxy.ts';
import { actionOf, deny } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('SecretId', () => {
  const type = useLocalType();
  let userName: string;
  let secretId: string;
  let secretArn: string;
  /** A version that somebody else wrote, AWSCURRENT before the type comes. */
  let initial: string;

  beforeEach(async () => {
    userName = await type.createUser();
    ({ name: secretId, arn: secretArn } = await type.createSecret('initial'));
    initial = String((await type.stagesOf(secretId)).AWSCURRENT);
  });

  /** Two keys of one resource, as they are between the making of the new one and the clean-up. */
  const rotate = async (cloudFormation: CloudFormation) => {
    const old = await cloudFormation.create(properties({ Serial: 1 }));
    const young = await cloudFormation.create(properties({ Serial: 2 }));
    expect([old.status, young.status]).toEqual(['SUCCESS', 'SUCCESS']);
    return { old: idOf(old), young: idOf(young) };
  };
  const properties = (more: object = {}) => ({ UserName: userName, SecretId: secretId, ...more });
  const idsOf = async (user = userName) => (await type.keysOf(user)).map(({ id }) => id);
  const deliveredKey = async () =>
    JSON.parse(await type.secretValue(secretId)) as Record<string, string>;
  const scheduleDeletion = () =>
    type.secretsManager.send(
      new DeleteSecretCommand({ SecretId: secretId, RecoveryWindowInDays: 7 }),
    );

  describe('CREATE', () => {
    it('makes another key for another secret, whatever the Serial', async () => {
      const other = await type.createSecret('other');
      const cloudFormation = type.cloudFormation();
      await cloudFormation.create(properties({ Serial: 5 }));

      const created = await cloudFormation.create(properties({ Serial: 5, SecretId: other.arn }));

      expect(created.status).toBe('SUCCESS');
      expect(JSON.parse(await type.secretValue(other.name))).toMatchObject({
        AccessKeyId: idOf(created),
      });
      expect(await idsOf()).toHaveLength(2);
    });

    it.each(['name', 'ARN'])('puts the key into the secret with that %s', async (form) => {
      const given = form === 'ARN' ? secretArn : secretId;

      const created = await type.cloudFormation().create(properties({ SecretId: given }));

      const id = idOf(created);
      expect(created).toMatchObject({
        status: 'SUCCESS',
        resourceModel: { SecretId: given, SecretVersionId: versionOf(id) },
      });
      expect(await deliveredKey()).toEqual({
        AccessKeyId: id,
        SecretAccessKey: type.mintedSecrets[0],
        UserName: userName,
        SesSmtpPassword: expect.stringMatching(/^[A-Za-z0-9+/]{44}$/),
        SesSmtpEndpoint: 'email-smtp.us-east-1.amazonaws.com',
      });
      expect(await type.stagesOf(secretId)).toEqual({
        AWSCURRENT: versionOf(id),
        AWSPREVIOUS: initial,
      });
    });

    it('puts the key into a secret that never had a value', async () => {
      const { name } = await type.createSecret();

      const created = await type.cloudFormation().create(properties({ SecretId: name }));

      expect(created.status).toBe('SUCCESS');
      expect(await type.stagesOf(name)).toEqual({ AWSCURRENT: versionOf(idOf(created)) });
    });

    it('can be found again by the version that it names', async () => {
      const created = await type.cloudFormation().create(properties());

      const { SecretString = '' } = await type.secretsManager.send(
        new GetSecretValueCommand({
          SecretId: String(created.resourceModel?.SecretId),
          VersionId: String(created.resourceModel?.SecretVersionId),
        }),
      );

      expect(JSON.parse(SecretString)).toMatchObject({ AccessKeyId: idOf(created) });
    });

    it('makes a version for each key of two resources with secrets of their own', async () => {
      const other = await type.createSecret('initial');
      const cloudFormation = type.cloudFormation();

      const created = await Promise.all([
        cloudFormation.create(properties(), { logicalId: 'One' }),
        cloudFormation.create(properties({ SecretId: other.name }), { logicalId: 'Other' }),
      ]);

      expect(created.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS']);
      const current = [await type.stagesOf(secretId), await type.stagesOf(other.name)];
      expect(current.map(({ AWSCURRENT }) => AWSCURRENT)).toEqual(created.map(idOf).map(versionOf));
    });

    it('delivers an inactive key too, which nobody tries to use', async () => {
      const created = await type.cloudFormation().create(properties({ Status: 'Inactive' }));

      expect(created).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
      expect(await deliveredKey()).toMatchObject({ AccessKeyId: idOf(created) });
      expect(type.calls.map(actionOf)).not.toContain('sts:GetCallerIdentity');
    });
  });

  it('is the only place where the secret access key and the SMTP password are', async () => {
    const cloudFormation = type.cloudFormation();
    const created = await cloudFormation.create(properties());
    const id = idOf(created);
    const operations = [
      created,
      await cloudFormation.read(id),
      await cloudFormation.update(
        { Id: id, ...properties() },
        { Id: id, ...properties({ Status: 'Inactive' }) },
      ),
      await cloudFormation.list({ UserName: userName }),
    ];
    const record = await type.parameter(`${PREFIX}/${id}`);
    const { SecretAccessKey = '', SesSmtpPassword = '' } = await deliveredKey();

    expect(operations.map(({ status }) => status)).toEqual(Array(4).fill('SUCCESS'));
    const shown = JSON.stringify(operations.map(({ events, logs }) => ({ events, logs })));
    const kept = type.calls.filter(({ action }) => action !== 'PutSecretValue');
    for (const secret of [SecretAccessKey, SesSmtpPassword]) {
      expect(secret.length).toBeGreaterThanOrEqual(40);
      for (const text of [shown, record.value, JSON.stringify(kept)]) {
        expect(text).not.toContain(secret);
      }
    }
    for (const { resourceModel } of operations.slice(0, 3)) {
      expect(Object.keys(resourceModel ?? {}).sort()).toEqual([
        'CreateDate',
        'Id',
        'SecretId',
        'SecretVersionId',
        'Status',
        'UserName',
      ]);
    }
    expect(JSON.parse(record.value)).toMatchObject({ userName, secretId });
  });

  it('is read back from the key id alone, with its version', async () => {
    const created = await type.cloudFormation().create(properties());

    const read = await type.cloudFormation().read(idOf(created));

    expect(read.resourceModel).toEqual(created.resourceModel);
    expect(read.resourceModel).toMatchObject({
      SecretId: secretId,
      SecretVersionId: versionOf(idOf(created)),
    });
  });

  describe('rotation', () => {
    it('moves AWSCURRENT to the new key and leaves the old one as AWSPREVIOUS', async () => {
      const { old, young } = await rotate(type.cloudFormation());

      expect(await type.stagesOf(secretId)).toEqual({
        AWSCURRENT: versionOf(young),
        AWSPREVIOUS: versionOf(old),
      });
      expect((await idsOf()).sort()).toEqual([old, young].sort());
    });

    it('leaves AWSCURRENT alone when the old key is cleaned up', async () => {
      const cloudFormation = type.cloudFormation();
      const { old, young } = await rotate(cloudFormation);

      const deleted = await cloudFormation.delete(old);

      expect(deleted.status).toBe('SUCCESS');
      expect(await idsOf()).toEqual([young]);
      expect(await deliveredKey()).toMatchObject({ AccessKeyId: young });
    });

    it('goes on after a clean-up, and after a rollback', async () => {
      const cloudFormation = type.cloudFormation();
      const { old, young } = await rotate(cloudFormation);
      await cloudFormation.delete(young);
      const again = await cloudFormation.create(properties({ Serial: 2 }));
      await cloudFormation.delete(old);

      const last = await cloudFormation.create(properties({ Serial: 3 }));

      expect(await type.stagesOf(secretId)).toEqual({
        AWSCURRENT: versionOf(idOf(last)),
        AWSPREVIOUS: versionOf(idOf(again)),
      });
    });
  });

  describe('rollback', () => {
    it('gives readers the old key again, which is alive', async () => {
      const cloudFormation = type.cloudFormation();
      const { old, young } = await rotate(cloudFormation);

      const deleted = await cloudFormation.delete(young);

      expect(deleted.status).toBe('SUCCESS');
      expect((await type.stagesOf(secretId)).AWSCURRENT).toBe(versionOf(old));
      expect(await deliveredKey()).toMatchObject({ AccessKeyId: old });
      expect(await type.keysOf(userName)).toEqual([{ id: old, status: 'Active' }]);
    });

    it('gives readers the old key again, too, when somebody wrote over the record', async () => {
      const cloudFormation = type.cloudFormation();
      const { old, young } = await rotate(cloudFormation);
      await type.overwriteParameter(`${PREFIX}/${young}`, 'hello');

      const deleted = await cloudFormation.delete(properties({ Id: young, Serial: 2 }));

      expect(deleted.status).toBe('SUCCESS');
      expect(await idsOf()).toEqual([old]);
      expect((await type.stagesOf(secretId)).AWSCURRENT).toBe(versionOf(old));
    });

    it('deletes no key while the stage of its version cannot be moved', async () => {
      const cloudFormation = type.cloudFormation();
      const { old, young } = await rotate(cloudFormation);
      type.use((call, next) =>
        actionOf(call) === 'secretsmanager:UpdateSecretVersionStage'
          ? refuse(call, 400, 'ResourceNotFoundException', 'There is no such version.')
          : next(call),
      );

      const deleted = await cloudFormation.delete(properties({ Id: young, Serial: 2 }));

      expect(deleted).toMatchObject({ status: 'FAILED', errorCode: 'ResourceConflict' });
      expect((await idsOf()).sort()).toEqual([old, young].sort());
    });

    it('gives readers the old key before the new one is deleted', async () => {
      const cloudFormation = type.cloudFormation();
      const { old, young } = await rotate(cloudFormation);
      let current: string | undefined;
      type.use(async (call, next) => {
        if (call.action === 'DeleteAccessKey') {
          current = (await type.stagesOf(secretId)).AWSCURRENT;
        }
        return next(call);
      });

      await cloudFormation.delete(young);

      expect(current).toBe(versionOf(old));
    });

    it('finds the old key with the user before, when UserName changed', async () => {
      const other = await type.createUser();
      const cloudFormation = type.cloudFormation();
      const old = idOf(await cloudFormation.create(properties()));
      const young = idOf(await cloudFormation.create(properties({ UserName: other })));
      expect(await deliveredKey()).toMatchObject({ AccessKeyId: young, UserName: other });

      const deleted = await cloudFormation.delete(young);

      expect(deleted.status).toBe('SUCCESS');
      expect(await deliveredKey()).toMatchObject({ AccessKeyId: old, UserName: userName });
      expect([await idsOf(), await idsOf(other)]).toEqual([[old], []]);
    });

    it('gives readers what somebody else wrote before', async () => {
      const cloudFormation = type.cloudFormation();
      const old = idOf(await cloudFormation.create(properties({ Serial: 1 })));
      const { VersionId: foreign } = await type.secretsManager.send(
        new PutSecretValueCommand({ SecretId: secretId, SecretString: 'written by hand' }),
      );
      const young = idOf(await cloudFormation.create(properties({ Serial: 2 })));

      await cloudFormation.delete(young);

      expect((await type.stagesOf(secretId)).AWSCURRENT).toBe(foreign);
      expect(await type.secretValue(secretId)).toBe('written by hand');
      expect(await idsOf()).toEqual([old]);
    });

    it('leaves alone what somebody else wrote since', async () => {
      const cloudFormation = type.cloudFormation();
      const { young } = await rotate(cloudFormation);
      await type.secretsManager.send(
        new PutSecretValueCommand({ SecretId: secretId, SecretString: 'written by hand' }),
      );

      await cloudFormation.delete(young);

      expect(await type.secretValue(secretId)).toBe('written by hand');
    });

    it('leaves AWSCURRENT where it is when the key before is gone', async () => {
      const cloudFormation = type.cloudFormation();
      const { old, young } = await rotate(cloudFormation);
      await type.deleteKey(userName, old);

      const deleted = await cloudFormation.delete(young);

      expect(deleted.status).toBe('SUCCESS');
      expect(await type.stagesOf(secretId)).toEqual({
        AWSCURRENT: versionOf(young),
        AWSPREVIOUS: versionOf(old),
      });
      expect(await idsOf()).toEqual([]);
    });
  });

  describe('DELETE', () => {
    it('deletes the last key and its record, and leaves the secret, which others made', async () => {
      const { name } = await type.createSecret();
      const cloudFormation = type.cloudFormation();
      const created = await cloudFormation.create(properties({ SecretId: name }));

      const deleted = await cloudFormation.delete(idOf(created));

      expect(deleted.status).toBe('SUCCESS');
      expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
      expect(await type.stagesOf(name)).toEqual({ AWSCURRENT: versionOf(idOf(created)) });
    });

    it.each(['deleted', 'scheduled for deletion'])(
      'deletes a key whose secret is %s',
      async (state) => {
        const cloudFormation = type.cloudFormation();
        const created = await cloudFormation.create(properties());
        await (state === 'deleted'
          ? type.secretsManager.send(
              new DeleteSecretCommand({ SecretId: secretId, ForceDeleteWithoutRecovery: true }),
            )
          : scheduleDeletion());

        const deleted = await cloudFormation.delete(idOf(created));

        expect(deleted.status).toBe('SUCCESS');
        expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
      },
    );

    it('keeps the key while it may not look after its secret', async () => {
      const cloudFormation = type.cloudFormation();
      const { young } = await rotate(cloudFormation);
      type.use(deny('secretsmanager:UpdateSecretVersionStage'));

      const deleted = await cloudFormation.delete(young);

      expect(deleted).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(deleted.message).toContain('secretsmanager:UpdateSecretVersionStage');
      expect(await idsOf()).toContain(young);
    });
  });

  describe('a secret that is of no use', () => {
    it.each([
      ['there is none', () => Promise.resolve({ SecretId: `no-${randomUUID()}` })],
      ['it is scheduled for deletion', () => scheduleDeletion().then(() => ({}))],
    ])('is refused before anything is made: %s', async (_, arrange) => {
      const given = await arrange();

      const created = await type.cloudFormation().create(properties(given));

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain(`SecretId ${properties(given).SecretId}`);
      await expectNothingMade();
    });

    it('is refused before anything is made: it may not be described', async () => {
      type.use(deny('secretsmanager:DescribeSecret'));

      const created = await type.cloudFormation().create(properties());

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(created.message).toContain('secretsmanager:DescribeSecret');
      await expectNothingMade();
    });

    const putting = 'secretsmanager:PutSecretValue';
    it.each<[string, string, string, Behaviour]>([
      ['it may not be written', 'AccessDenied', putting, deny(putting)],
      [
        'its KMS key cannot encrypt',
        'InvalidRequest',
        "can't encrypt the protected secret text using the provided KMS key",
        onPut((call) =>
          refuse(
            call,
            400,
            'EncryptionFailure',
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key.",
          ),
        ),
      ],
      [
        'its KMS key may not be used',
        'AccessDenied',
        'kms:GenerateDataKey',
        onPut((call) =>
          refuse(
            call,
            400,
            'AccessDeniedException',
            'User is not authorized to perform: kms:GenerateDataKey on the resource',
          ),
        ),
      ],
      [
        'it has no room for a version',
        'ServiceLimitExceeded',
        'too many versions',
        onPut((call) => refuse(call, 400, 'LimitExceededException', 'too many versions')),
      ],
    ])('keeps no key when %s', async (_, errorCode, cause, behaviour) => {
      type.use(behaviour);

      const created = await type.cloudFormation().create(properties({ Description: 'for CI' }));

      expect(created).toMatchObject({ status: 'FAILED', errorCode });
      expect(created.message).toContain(`to secret ${secretId}`);
      expect(created.message).toContain(cause);
      await expectNothingLeft();
    });

    it('does not blame a permission that is there when the KMS key cannot encrypt', async () => {
      type.use(onPut((call) => refuse(call, 400, 'EncryptionFailure', 'The key is disabled.')));

      const created = await type.cloudFormation().create(properties());

      expect(created.message).not.toContain(`needs the permission ${putting}`);
    });

    it('keeps no key when it is scheduled for deletion meanwhile', async () => {
      type.use(async (call, next) => {
        if (actionOf(call) === 'iam:CreateAccessKey') await scheduleDeletion();
        return next(call);
      });

      const created = await type.cloudFormation().create(properties());

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain('marked for deletion');
      expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
    });

    it('keeps no key when AWSCURRENT cannot be moved, and names what is left', async () => {
      type.use(deny('secretsmanager:UpdateSecretVersionStage'));

      const created = await type.cloudFormation().create(properties());

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      const { AWSCURRENT, AWSPENDING } = await type.stagesOf(secretId);
      expect(AWSCURRENT).toBe(initial);
      expect(created.message).toContain(`left behind, delete it: secret version ${AWSPENDING}`);
      expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
    });

    it('takes AWSCURRENT back when CREATE fails after it was moved', async () => {
      const cloudFormation = type.cloudFormation();
      const old = idOf(await cloudFormation.create(properties({ Serial: 1 })));
      const isIntent = ({ parameters }: Call) => String(parameters.Name).includes('/pending/');
      type.use(deny('ssm:DeleteParameter', isIntent));

      const created = await cloudFormation.create(properties({ Serial: 2 }));

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await idsOf()).toEqual([old]);
      expect(await deliveredKey()).toMatchObject({ AccessKeyId: old });
      const intents = (await type.parameters()).filter((name) => name.includes('/pending/'));
      for (const name of intents) await type.deleteParameter(name);
    });

    const expectNothingMade = async () => {
      expect(type.mintedSecrets).toEqual([]);
      expect(type.calls.map(actionOf)).not.toContain('ssm:PutParameter');
      expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
    };
    const expectNothingLeft = async () => {
      expect(type.mintedSecrets).toHaveLength(1);
      expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
      expect(await type.tagsOf(userName)).toEqual({});
      expect(await type.stagesOf(secretId)).toEqual({ AWSCURRENT: initial });
    };
  });

  describe('UPDATE', () => {
    it.each([
      ['changes', true],
      ['comes', false],
    ])('is refused where SecretId %s', async (_, wasThere) => {
      const cloudFormation = type.cloudFormation();
      const previous = properties(wasThere ? {} : { SecretId: undefined });
      const created = await cloudFormation.create(previous);
      const Id = idOf(created);

      const updated = await cloudFormation.update(
        { Id, ...previous },
        { Id, ...properties({ SecretId: 'another', Status: 'Inactive' }) },
      );

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'NotUpdatable' });
      expect(updated.message).toContain('SecretId cannot change');
      expect(await type.keysOf(userName)).toEqual([{ id: Id, status: 'Active' }]);
    });

    it('leaves the secret as it is', async () => {
      const cloudFormation = type.cloudFormation();
      const created = await cloudFormation.create(properties());
      const Id = idOf(created);
      const before = await type.stagesOf(secretId);

      const updated = await cloudFormation.update(
        { Id, ...properties() },
        { Id, ...properties({ Status: 'Inactive' }) },
      );

      expect(updated).toMatchObject({
        status: 'SUCCESS',
        resourceModel: { SecretId: secretId, SecretVersionId: versionOf(Id), Status: 'Inactive' },
      });
      expect(await type.stagesOf(secretId)).toEqual(before);
    });
  });
});

function onPut(answer: (call: Call) => ReturnType<typeof refuse>): Behaviour {
  return (call, next) => (call.action === 'PutSecretValue' ? answer(call) : next(call));
}

function versionOf(accessKeyId: string): string {
  return `org-iam-access-key-${accessKeyId}`;
}

function idOf({ resourceModel }: Outcome): string {
  return String(resourceModel?.Id);
}
