import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
  type UpdateSecretVersionStageCommandInput,
} from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import { useLocalType } from './local-type.ts';

/** What the other tests rely on: where Secrets Manager is stricter than moto, they run against this. */
describe('strict Secrets Manager', () => {
  const type = useLocalType();
  let SecretId: string;

  beforeEach(async () => {
    SecretId = (await type.createSecret('first')).name;
  });

  const put = async (
    SecretString: string,
    VersionStages?: string[],
    token: string = randomUUID(),
  ) => {
    const command = { SecretId, SecretString, VersionStages, ClientRequestToken: token };
    const { VersionId = '' } = await type.secretsManager.send(new PutSecretValueCommand(command));
    return VersionId;
  };
  const move = (input: Omit<UpdateSecretVersionStageCommandInput, 'SecretId'>) =>
    type.secretsManager.send(new UpdateSecretVersionStageCommand({ SecretId, ...input }));

  it('lets readers who name no stage have the version that AWSCURRENT was moved to', async () => {
    const { AWSCURRENT: first } = await type.stagesOf(SecretId);
    const second = await put('second', ['AWSPENDING']);

    await move({
      VersionStage: 'AWSCURRENT',
      RemoveFromVersionId: first,
      MoveToVersionId: second,
    });

    expect(await type.secretValue(SecretId)).toBe('second');
    expect(await type.secretValue(SecretId, 'AWSPREVIOUS')).toBe('first');
  });

  it('moves AWSCURRENT from where it was moved to, when a value is put', async () => {
    const { AWSCURRENT: first } = await type.stagesOf(SecretId);
    const second = await put('second', ['AWSPENDING']);
    await move({ VersionStage: 'AWSCURRENT', RemoveFromVersionId: first, MoveToVersionId: second });
    await move({ VersionStage: 'AWSPENDING', RemoveFromVersionId: second });

    const third = await put('third');

    expect(await type.stagesOf(SecretId)).toEqual({ AWSCURRENT: third, AWSPREVIOUS: second });
    expect(await type.secretValue(SecretId)).toBe('third');
  });

  it('shows no version without a stage', async () => {
    const first = await put('1', ['AWSPENDING']);
    await put('2', ['AWSPENDING']);

    const { VersionIdsToStages } = await type.secretsManager.send(
      new DescribeSecretCommand({ SecretId }),
    );

    expect(VersionIdsToStages).not.toHaveProperty(first);
  });

  it('takes the same version again, stages and all, and no other content for it', async () => {
    const { name } = await type.createSecret();
    const again = { SecretId: name, SecretString: 'only', ClientRequestToken: randomUUID() };
    await type.secretsManager.send(
      new PutSecretValueCommand({ ...again, VersionStages: ['AWSPENDING'] }),
    );
    const before = await type.stagesOf(name);

    await type.secretsManager.send(
      new PutSecretValueCommand({ ...again, VersionStages: ['AWSPENDING'] }),
    );

    expect(await type.stagesOf(name)).toEqual(before);
    expect(before).toEqual({
      AWSCURRENT: again.ClientRequestToken,
      AWSPENDING: again.ClientRequestToken,
    });
    await expect(
      type.secretsManager.send(new PutSecretValueCommand({ ...again, SecretString: 'other' })),
    ).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });

  it('moves a stage only from the version that has it, to one that there is', async () => {
    const { AWSCURRENT: first } = await type.stagesOf(SecretId);
    const second = await put('second', ['AWSPENDING']);
    const third = await put('third', ['OTHER']);
    const invalid = { name: 'InvalidParameterException' };

    for (const input of [
      { VersionStage: 'AWSCURRENT', MoveToVersionId: second },
      { VersionStage: 'AWSCURRENT', RemoveFromVersionId: third, MoveToVersionId: second },
      { VersionStage: 'AWSPENDING', MoveToVersionId: third },
      { VersionStage: 'AWSPENDING', RemoveFromVersionId: third },
    ]) {
      await expect(move(input)).rejects.toMatchObject(invalid);
    }
    await expect(
      move({
        VersionStage: 'AWSCURRENT',
        RemoveFromVersionId: first,
        MoveToVersionId: randomUUID(),
      }),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await type.stagesOf(SecretId)).toEqual({
      AWSCURRENT: first,
      AWSPENDING: second,
      OTHER: third,
    });
  });

  it('takes nothing for a secret that is scheduled for deletion', async () => {
    const { AWSCURRENT: first } = await type.stagesOf(SecretId);
    const second = await put('second', ['AWSPENDING']);
    await type.secretsManager.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    const refused = { name: 'InvalidRequestException' };

    await expect(put('third')).rejects.toMatchObject(refused);
    await expect(
      move({ VersionStage: 'AWSCURRENT', RemoveFromVersionId: first, MoveToVersionId: second }),
    ).rejects.toMatchObject(refused);
  });

  it('answers as recorded where there is no such secret, or it is marked for deletion', async () => {
    const { name: marked } = await type.createSecret();
    await type.secretsManager.send(
      new DeleteSecretCommand({ SecretId: marked, RecoveryWindowInDays: 7 }),
    );
    const command = { SecretString: 'x', ClientRequestToken: randomUUID() };

    for (const sent of [
      type.secretsManager.send(new DescribeSecretCommand({ SecretId: 'none' })),
      type.secretsManager.send(new GetSecretValueCommand({ SecretId: 'none' })),
      type.secretsManager.send(new PutSecretValueCommand({ SecretId: 'none', ...command })),
    ]) {
      await expect(sent).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
        message: "Secrets Manager can't find the specified secret.",
        $metadata: { httpStatusCode: 400 },
      });
    }
    await expect(
      type.secretsManager.send(new PutSecretValueCommand({ SecretId: marked, ...command })),
    ).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message: "You can't perform this operation on the secret because it was marked for deletion.",
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('shows no versions of an empty secret', async () => {
    const { name } = await type.createSecret();

    const secret = await type.secretsManager.send(new DescribeSecretCommand({ SecretId: name }));

    expect(secret).not.toHaveProperty('VersionIdsToStages');
  });
});
