import { execFile } from 'node:child_process';
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

interface Result {
  readonly name: string;
  readonly expected: Readonly<Record<string, string>>;
  readonly verdicts: Readonly<Record<string, string>>;
  readonly messages: Readonly<Record<string, readonly [path: string, message: string][]>>;
}

const run = promisify(execFile);
const RULES = 'policies/access-keys.guard';
const TESTS = 'policies/access-keys-tests.yaml';

describe('policies/access-keys.guard', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'policies-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  };

  it('says of each of its tests what is expected', async () => {
    const results = await guard(RULES, TESTS);

    expect(results.length).toBeGreaterThan(25);
    expect(results.flatMap(surprises)).toEqual([]);
  });

  it('has a test for each rule to pass, to fail and to be skipped', async () => {
    const results = await guard(RULES, TESTS);
    const rules = Object.keys(results[0]?.verdicts ?? {});
    const expected = new Set(
      results.flatMap(({ expected }) => Object.entries(expected).map(String)),
    );

    expect(rules).toHaveLength(6);
    for (const verdict of ['PASS', 'FAIL', 'SKIP'])
      for (const rule of rules) expect(expected).toContain(`${rule},${verdict}`);
  });

  it('has a test that fails without each of its clauses', async () => {
    const rules = await readFile(RULES, 'utf8');
    // What has a message, and what names the places that a rule looks at.
    const clauses = [...rules.matchAll(/^ +(?:%[^\n]*\n +<<.*?>>|\w+\(%(?!level)\w+\))\n/gms)];

    const needless: string[] = [];
    for (const { 0: clause, index } of clauses) {
      const without = `${rules.slice(0, index)}when Nothing exists { Nothing exists }\n${rules.slice(index + clause.length)}`;
      const results = await guard(await write('without.guard', without), TESTS);
      if (results.flatMap(surprises).length === 0) needless.push(clause);
    }

    expect(clauses.length).toBeGreaterThan(20);
    expect(needless).toEqual([]);
  }, 60_000);

  it('finds a secret below fourteen others', async () => {
    const outputs = Array.from({ length: 15 }, (_, depth) => {
      let value: unknown = { 'Fn::GetAtt': ['Key', 'SecretAccessKey'] };
      for (let level = 0; level < depth; level++) value = { 'Fn::Base64': value };
      return { name: `${depth}`, input: { Outputs: { Secret: { Value: value } } } };
    });

    const results = await guard(RULES, await write('depth.json', JSON.stringify(outputs)));

    expect(results.map(({ verdicts }) => verdicts.no_secret_in_outputs)).toEqual(
      outputs.map(() => 'FAIL'),
    );
  });

  it.each([
    ['no_secret_in_environment', 'Environment'],
    ['no_secret_in_tags', 'Tags'],
  ])('looks ten levels deep into a resource: %s', async (rule, key) => {
    const resources = Array.from({ length: 10 }, (_, depth) => {
      let properties: unknown = { [key]: { SECRET: { 'Fn::GetAtt': 'Key.SecretAccessKey' } } };
      for (let level = 0; level < depth; level++) properties = { Inner: properties };
      const resource = { Type: 'AWS::Some::Type', Properties: properties };
      return { name: `${depth}`, input: { Resources: { Resource: resource } } };
    });

    const results = await guard(RULES, await write('depth.json', JSON.stringify(resources)));

    expect(results.map(({ verdicts }) => verdicts[rule])).toEqual(resources.map(() => 'FAIL'));
  });

  it('passes each example but those that have no SecretId or the native type', async () => {
    const patterns = ['examples/**/*.yaml', 'examples/basic.json', '{template,registration/*}.yml'];
    const templates = await Array.fromAsync(glob(patterns));

    const results = await guard(RULES, ...templates);

    const failed = results.map(({ name, verdicts }) => [
      name,
      Object.keys(verdicts).filter((rule) => verdicts[rule] === 'FAIL'),
    ]);
    expect(failed.length).toBeGreaterThan(15);
    expect(Object.fromEntries(failed.filter(([, rules]) => rules?.length !== 0))).toEqual({
      'examples/drop-in.yaml': ['access_key_has_secret_id'],
      'examples/inactive.yaml': ['access_key_has_secret_id'],
      'examples/import/template.yaml': ['access_key_has_secret_id'],
      'examples/migrate/0-before.yaml': ['no_native_access_key'],
      'examples/migrate/1-retain.yaml': ['no_native_access_key'],
      'examples/migrate/3-imported.yaml': ['access_key_has_secret_id'],
      'examples/migrate/4-whole.yaml': ['access_key_has_secret_id'],
    });
  });

  it.each([
    [
      'examples/drop-in.yaml',
      'access_key_has_secret_id',
      '/Resources/AccessKey/Properties',
      'Set SecretId. Without it, whoever may read the resource or its parameter can read the secret.',
    ],
    [
      'examples/migrate/0-before.yaml',
      'no_native_access_key',
      '/Resources/AccessKey/Type',
      'Use Org::IAM::AccessKey with a SecretId in the place of AWS::IAM::AccessKey.',
    ],
  ])('says where and what to do: %s', async (template, rule, place, message) => {
    const [result] = await guard(RULES, template);

    expect(result?.messages).toEqual({ [rule]: [[place, message]] });
  });
});

/** @returns what each rule says of each template, or of each test of a file of tests. */
async function guard(rules: string, ...files: string[]): Promise<Result[]> {
  const { stdout } = await run('.venv/bin/python', ['tools/guard.py', rules, ...files]);
  return JSON.parse(stdout) as Result[];
}

function surprises({ name, expected, verdicts }: Result): string[] {
  return Object.entries(expected)
    .filter(([rule, verdict]) => verdicts[rule] !== verdict)
    .map(([rule, verdict]) => `${name}: ${rule} is ${String(verdicts[rule])}, not ${verdict}`);
}
