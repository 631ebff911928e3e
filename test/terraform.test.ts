import { Validator, type Schema } from '@cfworker/json-schema';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Outcome, Properties } from '../local/cloudformation.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import { deny } from './support/behaviours.ts';
import { PREFIX, useLocalType } from './support/local-type.ts';
import { TerraformResource } from './support/terraform.ts';

const GUIDE = 'guides/terraform.md';
const TO_JSON = `
import hcl2, json, sys
options = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
json.dump(hcl2.loads(sys.argv[1], serialization_options=options), sys.stdout)
`;

interface Configuration {
  /** Of a block that shows no more. */
  readonly desired_state?: string;
  readonly resource?: readonly Readonly<Record<string, Readonly<Record<string, Resource>>>>[];
}

interface Resource {
  readonly type_name?: string;
  readonly desired_state?: string;
  readonly lifecycle?: readonly { readonly create_before_destroy: boolean }[];
  readonly name?: string;
  readonly path?: string;
}

describe(GUIDE, () => {
  const { properties, required, additionalProperties } = schema;
  const admission = new Validator({ properties, required, additionalProperties } as Schema);
  const settable = Object.keys(properties).filter(
    (name) => !schema.readOnlyProperties.includes(`/properties/${name}`),
  );
  let resources: Readonly<Record<string, readonly Resource[]>>;
  let desiredStates: Properties[];

  beforeAll(async () => {
    const configurations = await Promise.all((await hclBlocks()).map(parse));
    resources = resourcesOf(configurations);
    const all = [...(resources.aws_cloudcontrolapi_resource ?? []), ...configurations];
    const expressions = all.map(({ desired_state }) => desired_state);
    desiredStates = await Promise.all(
      expressions.filter((expression) => expression !== undefined).map(toDesiredState),
    );
  });

  it('has HCL with keys of this type, which are replaced without a gap', () => {
    const keys = resources.aws_cloudcontrolapi_resource ?? [];

    expect(keys.length).toBeGreaterThanOrEqual(1);
    for (const { type_name, lifecycle } of keys) {
      expect(type_name).toBe(schema.typeName);
      expect(lifecycle).toEqual([{ create_before_destroy: true }]);
    }
  });

  it('desires what the schema admits, and delivers every secret', () => {
    for (const desired of desiredStates) {
      expect(admission.validate(desired).errors).toEqual([]);
      expect(settable).toEqual(expect.arrayContaining(Object.keys(desired)));
      expect(desired).toHaveProperty('SecretId');
    }
    expect(desiredStates.map(({ Serial }) => Serial)).toEqual([1, 2]);
  });

  it('has a user and a secret in the scope of the start in README.md', async () => {
    const [user] = resources.aws_iam_user ?? [];
    const [secret] = resources.aws_secretsmanager_secret ?? [];

    const readme = await readFile('README.md', 'utf8');

    expect(readme).toContain(`USER_PATH=${user?.path} SECRET_NAMES='ci/*'`);
    expect(secret?.name).toMatch(/^ci\//);
  });

  it.each([
    ['is no HCL', 'resource "aws_iam_user" "bot" {', /Unexpected/],
    ['lacks a quote', 'name = "bot', /Unexpected|No terminal/],
  ])('would not pass where a block %s', async (_, text, message) => {
    await expect(parse(text)).rejects.toThrow(message);
  });

  it('would not pass with a property that the type does not have', async () => {
    const [, second = ''] = await hclBlocks();

    const { desired_state } = await parse(second.replace('Serial ', 'Sreial '));

    expect(await toDesiredState(desired_state)).toHaveProperty('Sreial', 2);
    expect(admission.validate(await toDesiredState(desired_state)).valid).toBe(false);
  });
});

describe('a key of Terraform', () => {
  const type = useLocalType();
  let UserName: string;
  let SecretId: string;

  beforeEach(async () => {
    UserName = await type.createUser();
    ({ arn: SecretId } = await type.createSecret());
  });

  const resource = (typeConfiguration: Properties = { MaxKeysPerUser: 1 }) =>
    new TerraformResource(type.cloudFormation({ stackId: null, typeConfiguration }));
  const desire = (properties: Properties = {}) => ({ UserName, SecretId, ...properties });
  const expectSuccess = (outcomes: readonly Outcome[], count: number) => {
    expect(outcomes.map(({ status }) => status)).toEqual(Array(count).fill('SUCCESS'));
  };
  const expectKeys = async (keys: Record<string, string>) => {
    const listed = await type.keysOf(UserName);
    expect(Object.fromEntries(listed.map(({ id, status }) => [id, status]))).toEqual(keys);
    const names = Object.keys(keys).map((id) => `${PREFIX}/${id}`);
    expect(await type.parameters()).toEqual(names.sort());
  };
  const idOf = ({ state }: TerraformResource) => String(state?.id);
  const delivered = async () =>
    JSON.parse(await type.secretValue(SecretId)) as Record<string, string>;

  it('is made, read, changed, rotated and destroyed, with no secret in the state', async () => {
    const key = resource();
    const states: unknown[] = [];

    expectSuccess(await key.apply(desire({ Serial: 1 })), 1);
    const first = idOf(key);
    states.push(key.state);
    await expectKeys({ [first]: 'Active' });
    expect(await delivered()).toMatchObject({ AccessKeyId: first });

    expectSuccess(await key.apply(desire({ Serial: 1, Status: 'Inactive', Description: 'x' })), 1);
    states.push(key.state);
    await expectKeys({ [first]: 'Inactive' });
    expect(await type.tagsOf(UserName)).toEqual({ [first]: 'x' });

    expectSuccess(await key.apply(desire({ Serial: 1 })), 1);
    await expectKeys({ [first]: 'Active' });
    expect(await type.tagsOf(UserName)).toEqual({});
    expect(await key.apply(desire({ Serial: 1 }))).toEqual([]);

    expectSuccess(await key.apply(desire({ Serial: 2 })), 2);
    const second = idOf(key);
    states.push(key.state);
    expect(second).not.toBe(first);
    await expectKeys({ [second]: 'Active' });
    expect(await delivered()).toMatchObject({
      AccessKeyId: second,
      SecretAccessKey: type.mintedSecrets[1],
    });

    expectSuccess(await key.destroy(), 1);
    await expectKeys({});
    expect(states).toHaveLength(3);
    for (const secret of type.mintedSecrets) expect(JSON.stringify(states)).not.toContain(secret);
  });

  it('stays when its successor cannot be made', async () => {
    const key = resource();
    await key.apply(desire({ Serial: 1 }));
    const first = idOf(key);
    type.use(deny('secretsmanager:PutSecretValue'));

    const failed = await key.apply(desire({ Serial: 2 }));

    expect(failed).toMatchObject([{ status: 'FAILED', errorCode: 'AccessDenied' }]);
    await expectKeys({ [first]: 'Active' });
    expect(await delivered()).toMatchObject({ AccessKeyId: first });
    type.allow();
    expectSuccess(await key.apply(desire({ Serial: 2 })), 2);
    await expectKeys({ [idOf(key)]: 'Active' });
  });

  it('is delivered again when its successor is deleted', async () => {
    const cloudControl = type.cloudFormation({ stackId: null });
    const key = resource();
    await key.apply(desire({ Serial: 1 }));
    const successor = await cloudControl.create(desire({ Serial: 2 }));

    expectSuccess([successor, await cloudControl.delete(String(successor.resourceModel?.Id))], 2);

    await expectKeys({ [idOf(key)]: 'Active' });
    expect(await delivered()).toMatchObject({ AccessKeyId: idOf(key) });
  });

  it('needs a higher Serial', async () => {
    const key = resource();
    await key.apply(desire({ Serial: 2 }));

    const failed = await key.apply(desire({ Serial: 1 }));

    expect(failed).toMatchObject([{ status: 'FAILED', errorCode: 'InvalidRequest' }]);
    await expectKeys({ [idOf(key)]: 'Active' });
  });

  it('can get a Serial that it did not have', async () => {
    const key = resource();
    await key.apply(desire());

    expectSuccess(await key.apply(desire({ Serial: 0 })), 2);

    await expectKeys({ [idOf(key)]: 'Active' });
  });

  it('is replaced for SesRegion and SecretKeys with a higher Serial', async () => {
    const key = resource();
    await key.apply(desire({ Serial: 1, SecretKeys: { UserName: 'user' } }));

    const changes = { SesRegion: 'eu-west-1', SecretKeys: { UserName: 'owner' } };
    expectSuccess(await key.apply(desire({ Serial: 2, ...changes })), 2);

    await expectKeys({ [idOf(key)]: 'Active' });
    expect(await delivered()).toMatchObject({ owner: UserName, AccessKeyId: idOf(key) });
  });

  it('is not updated inside of SecretKeys alone', async () => {
    const key = resource();
    await key.apply(desire({ Serial: 1, SecretKeys: { UserName: 'user' } }));

    const failed = await key.apply(desire({ Serial: 1, SecretKeys: { UserName: 'owner' } }));

    expect(failed).toMatchObject([{ status: 'FAILED', errorCode: 'NotUpdatable' }]);
    await expectKeys({ [idOf(key)]: 'Active' });
  });

  it('is refused for another secret under MaxKeysPerUser 1, and replaced under 2', async () => {
    const other = await type.createSecret();
    const [one, two] = [resource(), resource({})];
    await one.apply(desire({ Serial: 1 }));
    two.state = one.state;

    const failed = await one.apply(desire({ Serial: 2, SecretId: other.arn }));
    const replaced = await two.apply(desire({ Serial: 2, SecretId: other.arn }));

    expect(failed).toMatchObject([{ status: 'FAILED', errorCode: 'ServiceLimitExceeded' }]);
    expectSuccess(replaced, 2);
    await expectKeys({ [idOf(two)]: 'Active' });
  });

  it('is made again when it is gone', async () => {
    const key = resource();
    await key.apply(desire({ Serial: 1 }));
    const first = idOf(key);
    await type.deleteKey(UserName, first);
    await type.deleteParameter(`${PREFIX}/${first}`);

    expectSuccess(await key.apply(desire({ Serial: 1 })), 1);

    await expectKeys({ [idOf(key)]: 'Active' });
  });

  it('without SecretId is in the state with its secret, unless READ returns none', async () => {
    const shown = resource({});
    await shown.apply({ UserName });
    const secret = type.mintedSecrets[0];
    expect(shown.state?.properties).toMatchObject({ SecretAccessKey: secret });

    for (const rule of [
      { ExposeSecretAccessKey: false },
      { RestrictSecretAccessKeyToStack: true },
    ]) {
      const hidden = resource(rule);
      hidden.state = shown.state;
      await hidden.refresh();
      expect(JSON.stringify(hidden.state?.properties)).not.toContain(secret);
    }
  });

  describe('with PreviousKey', () => {
    const PreviousKey = 'Active';

    it('keeps the key before it, until it is Deleted', async () => {
      const key = resource();
      await key.apply(desire({ Serial: 1 }));
      const first = idOf(key);

      expectSuccess(await key.apply(desire({ Serial: 2, PreviousKey })), 2);
      await expectKeys({ [first]: 'Active', [idOf(key)]: 'Active' });
      expect(key.state?.properties).toMatchObject({ PreviousKey, PreviousKeyId: first });

      expectSuccess(await key.apply(desire({ Serial: 2, PreviousKey: 'Inactive' })), 1);
      await expectKeys({ [first]: 'Inactive', [idOf(key)]: 'Active' });

      expectSuccess(await key.apply(desire({ Serial: 2 })), 1);
      await expectKeys({ [idOf(key)]: 'Active' });
    });

    it('gives the place of the key before it to the next, and leaves nothing', async () => {
      const key = resource();
      await key.apply(desire({ Serial: 1 }));
      await key.apply(desire({ Serial: 2, PreviousKey }));
      const second = idOf(key);

      expectSuccess(await key.apply(desire({ Serial: 3, PreviousKey })), 2);

      await expectKeys({ [second]: 'Active', [idOf(key)]: 'Active' });
      expectSuccess(await key.destroy(), 1);
      await expectKeys({});
    });

    it.each<[string, (other: string) => Properties[]]>([
      ['without a secret', () => [{ Serial: 1 }, { Serial: 2 }]],
      [
        'for another secret',
        (other) => [
          { SecretId, Serial: 1 },
          { SecretId: other, Serial: 2 },
        ],
      ],
      ['for the same secret, with no Serial to tell', () => [{ SecretId }, { SecretId }]],
    ])('lets a key %s be deleted by whoever made it', async (_, toProperties) => {
      const [first, second] = toProperties((await type.createSecret()).arn);
      const [one, two] = [resource({}), resource({})];
      await one.apply({ UserName, ...first });

      expectSuccess(await two.apply({ UserName, ...second, PreviousKey }), 1);

      expect(two.state?.properties).not.toHaveProperty('PreviousKeyId');
      expectSuccess(await one.destroy(), 1);
      await expectKeys({ [idOf(two)]: 'Active' });
    });
  });
});

async function hclBlocks(): Promise<string[]> {
  const markdown = await readFile(GUIDE, 'utf8');
  return [...markdown.matchAll(/^```hcl\n(.*?)^```$/gms)].map(([, text = '']) => text);
}

async function parse(hcl: string): Promise<Configuration> {
  const { stdout } = await promisify(execFile)('.venv/bin/python', ['-c', TO_JSON, hcl]);
  return JSON.parse(stdout) as Configuration;
}

/** By resource type, in the order of the guide. */
function resourcesOf(configurations: readonly Configuration[]) {
  const resources: Record<string, Resource[]> = {};
  for (const each of configurations.flatMap(({ resource = [] }) => resource))
    for (const [name, byLabel] of Object.entries(each))
      (resources[name] ??= []).push(...Object.values(byLabel));
  return resources;
}

/** What jsonencode gets, with the name of the attribute for what it refers to. */
async function toDesiredState(expression = ''): Promise<Properties> {
  const [, object = ''] = /^\$\{jsonencode\((.*)\)\}$/s.exec(expression) ?? [];
  const { desired } = (await parse(`desired = ${object}\n`)) as { desired?: Properties };
  const entries = Object.entries(desired ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.replace(/^\$\{.*\.(\w+)\}$/s, 'bot.$1') : value,
  ]);
  return Object.fromEntries(entries) as Properties;
}
