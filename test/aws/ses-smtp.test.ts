import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Outcome, Properties } from '../../local/cloudformation.ts';
import { toSesSmtpEndpoint, toSesSmtpPassword } from '../../src/aws/ses-smtp.ts';
import { refuse } from '../support/aws-proxy.ts';
import { firstTimes } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

/**
 * The computation as the SES Developer Guide describes it ("Obtaining Amazon SES SMTP credentials"),
 * by another language's libraries: a chain of HMAC-SHA256 from the secret, then a version byte.
 */
const AS_DESCRIBED = `
import base64, hmac, json, sys

def password(secret, region):
    signature = ("AWS4" + secret).encode()
    for step in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        signature = hmac.new(signature, step.encode(), "sha256").digest()
    return base64.b64encode(bytes([4]) + signature).decode()

print(json.dumps([password(*pair) for pair in json.load(sys.stdin)]))
`;

const REGIONS = ['us-east-1', 'eu-central-1', 'ap-southeast-2', 'ca-central-1'];
const SES_PROPERTIES = ['SesSmtpPassword', 'SesSmtpEndpoint'];

describe('SES SMTP password', () => {
  it.each([
    ['some+secret+key', 'eu-central-1', 'BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2'],
    ['another+secret+key', 'eu-central-1', 'BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh'],
    ['some+secret+key', 'us-west-1', 'BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj'],
    ['another+secret+key', 'us-west-1', 'BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF'],
  ])("of %j in %s is that of Terraform's published vectors", (secret, region, password) => {
    expect(toSesSmtpPassword(secret, region)).toBe(password);
  });

  it("is what AWS's description gives, for any secret in any Region", async () => {
    const secrets = Array.from({ length: 25 }, (_, n) =>
      createHash('sha256').update(`secret ${n}`).digest('base64').slice(0, 40),
    );
    const pairs = secrets.flatMap((secret) => [
      ...REGIONS.map((region): [string, string] => [secret, region]),
      [secret, 'us-gov-west-1'] as [string, string],
    ]);

    const computed = pairs.map(([secret, region]) => toSesSmtpPassword(secret, region));

    expect(computed).toEqual(await asDescribed(pairs));
  });
});

/** The suffixes are those that botocore knows the partitions by. */
describe('SES SMTP endpoint', () => {
  it.each([
    ['us-east-1', 'amazonaws.com'],
    ['us-gov-west-1', 'amazonaws.com'],
    ['eusc-de-east-1', 'amazonaws.eu'],
    ['cn-north-1', 'amazonaws.com.cn'],
    ['us-iso-east-1', 'c2s.ic.gov'],
    ['xx-future-1', 'amazonaws.com'],
  ])('in %s ends with %s', (region, suffix) => {
    expect(toSesSmtpEndpoint(region)).toBe(`email-smtp.${region}.${suffix}`);
  });
});

describe('SesSmtpPassword', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  const expectAsDescribed = async ({ resourceModel }: Outcome, region: string) => {
    const secret = type.mintedSecrets.at(-1) ?? '';
    expect(resourceModel).toMatchObject({
      SecretAccessKey: secret,
      SesSmtpPassword: (await asDescribed([[secret, region]]))[0],
      SesSmtpEndpoint: `email-smtp.${region}.amazonaws.com`,
    });
  };

  it.each(REGIONS)("is that of the stack's Region: %s", async (region) => {
    const cloudFormation = type.cloudFormation({ region });

    const created = await cloudFormation.create({ UserName: userName });
    const read = await cloudFormation.read(idOf(created));

    await expectAsDescribed(created, region);
    await expectAsDescribed(read, region);
  });

  it('is that of SesRegion, and READ says so from the id alone', async () => {
    const cloudFormation = type.cloudFormation({ region: 'eu-central-1' });

    const created = await cloudFormation.create({ UserName: userName, SesRegion: 'eu-west-1' });
    const Id = idOf(created);
    const read = await cloudFormation.read(Id);
    const updated = await cloudFormation.update(
      { ...created.resourceModel },
      { UserName: userName, SesRegion: 'eu-west-1', Description: 'sends mail' },
    );

    for (const outcome of [created, read, updated]) {
      expect(outcome.resourceModel).toMatchObject({ SesRegion: 'eu-west-1' });
      await expectAsDescribed(outcome, 'eu-west-1');
    }
  });

  it('is that of SesRegion in a secret, too, beside its endpoint', async () => {
    const { name: SecretId } = await type.createSecret();
    const SesRegion = 'ap-southeast-2';

    const created = await type.cloudFormation().create({ UserName: userName, SecretId, SesRegion });

    expect(created.resourceModel).toMatchObject({ SecretId, SesRegion });
    expectNoneOf(created);
    const [secret = ''] = type.mintedSecrets;
    expect(JSON.parse(await type.secretValue(SecretId))).toMatchObject({
      SesSmtpPassword: (await asDescribed([[secret, SesRegion]]))[0],
      SesSmtpEndpoint: `email-smtp.${SesRegion}.amazonaws.com`,
    });
  });

  it('is that of the stack again where SesRegion in the record is no name of a Region', async () => {
    const cloudFormation = type.cloudFormation();
    const created = await cloudFormation.create({ UserName: userName, SesRegion: 'eu-west-1' });
    const name = `${PREFIX}/${idOf(created)}`;
    const record = JSON.parse((await type.parameter(name)).value) as object;
    await type.overwriteParameter(name, JSON.stringify({ ...record, sesRegion: 'evil.example/' }));

    const read = await cloudFormation.read(idOf(created));

    expect(read.resourceModel).not.toHaveProperty('SesRegion');
    await expectAsDescribed(read, 'us-east-1');
  });

  it('is in the answers that have the secret access key, and in no others', async () => {
    type.use(
      firstTimes(1, 'sts:GetCallerIdentity', (call) =>
        refuse(call, 403, 'InvalidClientTokenId', 'The security token is invalid.'),
      ),
    );
    const cloudFormation = type.cloudFormation();
    const created = await cloudFormation.create({ UserName: userName });
    const Id = idOf(created);
    const operations = [
      created,
      await cloudFormation.read(Id),
      await cloudFormation.update({ Id }, { Id, UserName: userName, Status: 'Inactive' }),
      await cloudFormation.list({ UserName: userName }),
      await cloudFormation.delete(Id),
    ];

    const models = operations
      .flatMap(({ events }) => events)
      .flatMap(({ resourceModel, resourceModels }) => [resourceModel, ...(resourceModels ?? [])])
      .map((model) => Object.keys(model ?? {}));
    const withSecret = models.filter((names) => names.includes('SecretAccessKey'));
    const withPassword = models.filter((names) =>
      SES_PROPERTIES.every((name) => names.includes(name)),
    );
    const withAny = models.filter((names) => SES_PROPERTIES.some((name) => names.includes(name)));
    expect(withSecret).toHaveLength(3);
    expect(models.length).toBeGreaterThan(5);
    expect([withPassword, withAny]).toEqual([withSecret, withSecret]);
  });

  it('is absent for an imported key', async () => {
    const id = await type.createForeignKey(userName);

    const read = await type.cloudFormation().read({ Id: id, UserName: userName });

    expect(read.status).toBe('SUCCESS');
    expectNoneOf(read);
  });

  it('is absent when the secret access key is not to be shown', async () => {
    const typeConfiguration = { ExposeSecretAccessKey: 'false' };
    const cloudFormation = type.cloudFormation({ typeConfiguration });

    const created = await cloudFormation.create({ UserName: userName });
    const read = await cloudFormation.read(idOf(created));

    expect([created.status, read.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expectNoneOf(created);
    expectNoneOf(read);
  });

  it('is in Secrets Manager only for a key with a SecretId', async () => {
    const { name: SecretId } = await type.createSecret();
    const cloudFormation = type.cloudFormation();

    const created = await cloudFormation.create({ UserName: userName, SecretId });
    const read = await cloudFormation.read(idOf(created));

    expectNoneOf(created);
    expectNoneOf(read);
    const [secret = ''] = type.mintedSecrets;
    expect(JSON.parse(await type.secretValue(SecretId))).toMatchObject({
      SesSmtpPassword: (await asDescribed([[secret, 'us-east-1']]))[0],
    });
  });

  it('is another one after a rotation', async () => {
    const cloudFormation = type.cloudFormation();
    const old = await cloudFormation.create({ UserName: userName, Serial: 1 });
    const young = await cloudFormation.create({ UserName: userName, Serial: 2 });

    await expectAsDescribed(young, 'us-east-1');
    expect(young.resourceModel?.SesSmtpPassword).not.toBe(old.resourceModel?.SesSmtpPassword);
  });

  it('is stored nowhere, sent nowhere and logged nowhere', async () => {
    const cloudFormation = type.cloudFormation();
    const created = await cloudFormation.create({ UserName: userName });
    const read = await cloudFormation.read(idOf(created));

    const password = String(created.resourceModel?.SesSmtpPassword);
    const { value } = await type.parameter(`${PREFIX}/${idOf(created)}`);
    expect(password).toHaveLength(44);
    expect(Object.keys(JSON.parse(value) as object)).not.toContainEqual(
      expect.stringMatching(/smtp|password/i),
    );
    const texts = [value, JSON.stringify(type.calls), ...created.logs, ...read.logs];
    expect(texts.filter((text) => text.includes(password))).toEqual([]);
  });

  it.each<[string, Properties]>([
    ['SesSmtpPassword', {}],
    ['password', { SecretKeys: { SesSmtpPassword: 'password' }, SesRegion: 'eu-west-1' }],
  ])('is concealed where AWS quotes it in a refusal, as %s', async (name, properties) => {
    const { name: SecretId } = await type.createSecret();
    let password = '';
    type.use((call, next) => {
      if (call.action !== 'PutSecretValue') return next(call);
      const secretString = String(call.parameters.SecretString);
      password = String((JSON.parse(secretString) as Properties)[name]);
      return refuse(call, 400, 'InvalidParameterException', `cannot take ${secretString}`);
    });

    const created = await type
      .cloudFormation()
      .create({ UserName: userName, SecretId, ...properties });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
    expect(created.message).toContain('cannot take');
    const shown = JSON.stringify([created.events, created.logs]);
    expect(password).toHaveLength(44);
    expect(shown).not.toContain(password);
    expect(shown).toContain('<REDACTED>');
    expect(created.message).toContain(name);
  });

  it('cannot be set', async () => {
    for (const name of SES_PROPERTIES) {
      const created = await type.cloudFormation().create({ UserName: userName, [name]: 'x' });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain(name);
    }
    expect(type.calls).toEqual([]);
  });

  const expectNoneOf = ({ resourceModel }: Outcome) => {
    for (const name of ['SecretAccessKey', ...SES_PROPERTIES]) {
      expect(resourceModel).not.toHaveProperty(name);
    }
  };
});

function asDescribed(pairs: readonly (readonly [string, string])[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const python = execFile(
      path.resolve('.venv/bin/python'),
      ['-c', AS_DESCRIBED],
      (error, stdout) => {
        if (error) reject(new Error('computing passwords with Python', { cause: error }));
        else resolve(JSON.parse(stdout) as string[]);
      },
    );
    python.stdin?.end(JSON.stringify(pairs));
  });
}

function idOf({ resourceModel }: Outcome): string {
  return String(resourceModel?.Id);
}
