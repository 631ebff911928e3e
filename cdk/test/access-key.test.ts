import { App, CfnElement, CfnOutput, Stack, type SecretValue } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import schema from '../../schema/org-iam-accesskey.json';
import { AccessKey, CfnAccessKey, PreviousKey, type AccessKeyProps } from '../lib';
import { lint, root, run } from './support';

const ROLE_ARN = 'arn:aws:iam::123456789012:role/access-keys';

describe('CfnAccessKey', () => {
  it('is what the schema makes of it', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'generated-'));
    const file = path.join(folder, 'access-key.generated.ts');

    await run('node', [path.join(root, 'cdk/scripts/generate.mjs'), file]);

    const committed = path.join(root, 'cdk/lib/access-key.generated.ts');
    expect(await readFile(committed, 'utf8')).toBe(await readFile(file, 'utf8'));
    await rm(folder, { recursive: true });
  });

  it('takes changes after it was made', () => {
    const stack = newStack();
    const key = new CfnAccessKey(stack, 'Key', { userName: 'ci-bot', serial: 1 });

    key.serial = 2;
    key.addPropertyOverride('Status', 'Inactive');

    expect(resourcesOf(stack)).toMatchObject({
      Key: { Properties: { UserName: 'ci-bot', Serial: 2, Status: 'Inactive' } },
    });
  });
});

describe('AccessKey', () => {
  const lifelike: AccessKeyProps[] = [
    { user: user(newStack()) },
    { user: user(newStack()), serial: 3 },
    { user: user(newStack()), serial: 0, status: iam.AccessKeyStatus.INACTIVE },
    { user: iam.User.fromUserName(newStack(), 'User', 'ci-bot') },
  ];

  it.each(lifelike)('makes of the props of aws-iam what aws-iam does (%#)', (props) => {
    const own = newStack();
    const native = newStack();
    // The user is made anew, because a construct belongs to one stack.
    const likeUser = (stack: Stack): iam.IUser =>
      props.user instanceof iam.User
        ? user(stack)
        : iam.User.fromUserName(stack, 'User', props.user.userName);

    use(new AccessKey(own, 'Key', { ...props, user: likeUser(own) }));
    use(new iam.AccessKey(native, 'Key', { ...props, user: likeUser(native) }));

    const expected = JSON.stringify(Template.fromStack(native)).replaceAll(
      '"AWS::IAM::AccessKey"',
      `"${schema.typeName}"`,
    );
    expect(Template.fromStack(own).toJSON()).toEqual(JSON.parse(expected));

    function use(key: iam.IAccessKey): void {
      const stack = Stack.of(key);
      new CfnOutput(stack, 'Id', { value: key.accessKeyId });
      new CfnOutput(stack, 'ReferenceId', { value: key.accessKeyRef.accessKeyId });
      new CfnOutput(stack, 'Secret', { value: key.secretAccessKey.unsafeUnwrap() });
    }
  });

  it('is known by its id, wherever it was made', () => {
    const stack = newStack();

    const key = AccessKey.fromAccessKeyId(stack, 'Key', 'AKIAIOSFODNN7EXAMPLE');

    expect(key.accessKeyId).toBe('AKIAIOSFODNN7EXAMPLE');
    expect(key.accessKeyRef).toEqual({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE' });
    expect(key.stack).toBe(stack);
    expect(stack.node.findAll().some((child) => CfnElement.isCfnElement(child))).toBe(false);
  });

  it('refuses a status that only IAM can set', () => {
    const stack = newStack();
    const props = { user: user(stack), status: iam.AccessKeyStatus.EXPIRED };

    expect(() => new AccessKey(stack, 'Key', props)).toThrow('Stack/Key: IAM itself sets');
  });

  it('passes what aws-iam does not have on, and points at this very version of the secret', () => {
    const stack = newStack();
    const secret = new Secret(stack, 'Secret');

    const key = new AccessKey(stack, 'Key', {
      user: user(stack),
      description: 'CI',
      previousKey: PreviousKey.INACTIVE,
      secret,
    });

    const [keyId = ''] = idsOf(stack, schema.typeName);
    const [secretId = ''] = idsOf(stack, 'AWS::SecretsManager::Secret');
    const version = { 'Fn::GetAtt': [keyId, 'SecretVersionId'] };
    expect(resourcesOf(stack)[keyId]?.Properties).toMatchObject({
      Description: 'CI',
      PreviousKey: 'Inactive',
      SecretId: { Ref: secretId },
    });
    expect(stack.resolve([key.previousKeyId, key.createDate])).toEqual([
      { 'Fn::GetAtt': [keyId, 'PreviousKeyId'] },
      { 'Fn::GetAtt': [keyId, 'CreateDate'] },
    ]);
    expect(stack.resolve(key.secretVersionId)).toEqual(version);
    expect(resolved(stack, key.secretAccessKey)).toEqual(
      reference({ Ref: secretId }, 'SecretAccessKey', version),
    );
    expect(resolved(stack, key.sesSmtpPassword)).toEqual(
      reference({ Ref: secretId }, 'SesSmtpPassword', version),
    );
    expect(stack.resolve(key.sesSmtpEndpoint)).toEqual({
      'Fn::Join': ['', ['email-smtp.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]],
    });
  });

  it('passes secretKeys and sesRegion on, and goes by them itself', () => {
    const stack = newStack();
    const secret = new Secret(stack, 'Secret');
    const secretKeys = { accessKeyId: 'username', sesSmtpPassword: 'password' };

    const key = new AccessKey(stack, 'Key', {
      user: user(stack),
      secret,
      secretKeys,
      sesRegion: 'eu-west-1',
    });

    const [keyId = ''] = idsOf(stack, schema.typeName);
    const [secretId = ''] = idsOf(stack, 'AWS::SecretsManager::Secret');
    const version = { 'Fn::GetAtt': [keyId, 'SecretVersionId'] };
    expect(resourcesOf(stack)[keyId]?.Properties).toMatchObject({
      SecretKeys: { AccessKeyId: 'username', SesSmtpPassword: 'password' },
      SesRegion: 'eu-west-1',
    });
    expect(resolved(stack, key.sesSmtpPassword)).toEqual(
      reference({ Ref: secretId }, 'password', version),
    );
    expect(resolved(stack, key.secretAccessKey)).toEqual(
      reference({ Ref: secretId }, 'SecretAccessKey', version),
    );
    expect(stack.resolve(key.sesSmtpEndpoint)).toEqual({
      'Fn::Join': ['', ['email-smtp.eu-west-1.', { Ref: 'AWS::URLSuffix' }]],
    });
  });

  it('has a name for each field that the type delivers', () => {
    const stack = newStack();
    const names = Object.keys(schema.properties.SecretKeys.properties);
    const secretKeys = Object.fromEntries(
      names.map((name) => [name.charAt(0).toLowerCase() + name.slice(1), `my${name}`]),
    );

    new AccessKey(stack, 'Key', {
      user: user(stack),
      secret: new Secret(stack, 'Secret'),
      secretKeys,
    });

    const [keyId = ''] = idsOf(stack, schema.typeName);
    expect(resourcesOf(stack)[keyId]?.Properties.SecretKeys).toEqual(
      Object.fromEntries(names.map((name) => [name, `my${name}`])),
    );
  });

  it('without a secret gives the attributes of the key', () => {
    const stack = newStack();

    const key = new AccessKey(stack, 'Key', { user: user(stack) });

    const [keyId] = idsOf(stack, schema.typeName);
    expect(resolved(stack, key.sesSmtpPassword)).toEqual({
      'Fn::GetAtt': [keyId, 'SesSmtpPassword'],
    });
    expect(stack.resolve(key.sesSmtpEndpoint)).toEqual({
      'Fn::GetAtt': [keyId, 'SesSmtpEndpoint'],
    });
    expect(key.secretVersionId).toBeUndefined();
  });

  it.each(['ci/bot', 'my-secret'])(
    'names %s, known by name or partial ARN, as it is called',
    (name) => {
      const arn = `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}`;
      for (const known of [
        (stack: Stack) => Secret.fromSecretNameV2(stack, 'Secret', name),
        (stack: Stack) => Secret.fromSecretPartialArn(stack, 'Secret', arn),
      ]) {
        const stack = newStack();

        new AccessKey(stack, 'Key', { user: user(stack), secret: known(stack) });

        const [keyId = ''] = idsOf(stack, schema.typeName);
        expect(resourcesOf(stack)[keyId]?.Properties).toMatchObject({ SecretId: name });
      }
    },
  );

  it('grants reading the secret, and says so where there is none', () => {
    const stack = newStack();
    const reader = new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() });
    const secret = new Secret(stack, 'Secret');
    const owner = user(stack);

    new AccessKey(stack, 'Key', { user: owner, secret }).grants.read(reader);

    const [policy] = Object.values(policiesOf(stack));
    expect(policy).toMatchObject([
      { Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'] },
    ]);
    const bare = new AccessKey(stack, 'Bare', { user: owner });
    expect(() => bare.grantRead(reader)).toThrow('Stack/Bare: to grant reading needs the property');
  });

  it('asks nobody who deploys for a right on the execution role, which they must not widen', () => {
    const stack = newStack();
    const executionRole = iam.Role.fromRoleArn(stack, 'ExecutionRole', ROLE_ARN);
    const secret = new Secret(stack, 'Secret', { encryptionKey: new kms.Key(stack, 'Encryption') });
    const props = { user: user(stack), secret, executionRole };

    new AccessKey(stack, 'Key', props);

    expect(policiesOf(stack)).toEqual({});
    expect(AccessKey).not.toHaveProperty('grantExecutionRole');
  });

  it('makes templates that the schema accepts', async () => {
    const stack = newStack();
    const owner = user(stack);
    const plain = new AccessKey(stack, 'Plain', { user: owner, serial: 1 });
    const delivered = new AccessKey(stack, 'Delivered', {
      user: owner,
      status: iam.AccessKeyStatus.INACTIVE,
      previousKey: PreviousKey.ACTIVE,
      description: 'CI',
      secret: new Secret(stack, 'Secret'),
      secretKeys: { accessKeyId: 'username' },
      sesRegion: 'eu-west-1',
    });
    new CfnOutput(stack, 'Password', { value: plain.sesSmtpPassword.unsafeUnwrap() });
    new CfnOutput(stack, 'Host', { value: plain.sesSmtpEndpoint });
    new CfnOutput(stack, 'Version', { value: delivered.secretVersionId ?? '' });

    expect(await lint(Template.fromStack(stack).toJSON())).toBe('');
  });
});

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string[];
}

interface Statement {
  Action: string | string[];
}

function newStack(): Stack {
  return new Stack(new App({ analyticsReporting: false }), 'Stack');
}

function user(stack: Stack): iam.User {
  return new iam.User(stack, 'User');
}

function resourcesOf(stack: Stack): Record<string, Resource> {
  const template = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
  return template.Resources;
}

function idsOf(stack: Stack, type: string): string[] {
  return Object.keys(Template.fromStack(stack).findResources(type));
}

function policiesOf(stack: Stack): Record<string, Statement[]> {
  const policies = Template.fromStack(stack).findResources('AWS::IAM::Policy');
  return Object.fromEntries(
    Object.entries(policies as Record<string, Resource>).map(([id, { Properties }]) => [
      id,
      (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
    ]),
  );
}

function resolved(stack: Stack, value: SecretValue): unknown {
  return stack.resolve(value.unsafeUnwrap());
}

function reference(secret: object, field: string, version: object): object {
  const parts = ['{{resolve:secretsmanager:', secret, `:SecretString:${field}::`, version, '}}'];
  return { 'Fn::Join': ['', parts] };
}
