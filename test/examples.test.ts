import { Validator, type Schema } from '@cfworker/json-schema';
import { execFile } from 'node:child_process';
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import { matchesAny } from '../src/rules/patterns.ts';
import { secretArn, userArn } from './security/permissions.ts';
import { isAllowed, readRole, type AccessRequest } from './security/roles.ts';

interface Template {
  readonly Resources: Readonly<
    Record<string, { Type: string; Properties: { Policies?: unknown } }>
  >;
}

const run = promisify(execFile);
const permissions = [
  ...new Set(Object.values(schema.handlers).flatMap((handler) => handler.permissions)),
].sort();
const KEY_CHANGES = ['iam:CreateAccessKey', 'iam:UpdateAccessKey', 'iam:DeleteAccessKey'];
const DELIVERY = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];
const GENERATED = ['bench/RESULTS.md', 'guides/faults-table.md'];
/** `[text](file#anchor)` and `[name]: file#anchor`. */
const LINK = /(?:\]\(|^\[\w+\]: )(?!https?:)([^)#\s]*)#?([^)\s]*)/gm;
const CONFIGURATIONS = ['examples/type-configuration.json', 'examples/guardrails.json'];

describe('templates', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'templates-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  };

  it('in examples/, and those that are used to register, have no fault', async () => {
    const examples = await find('examples/**/*.yaml', 'examples/*.json');
    const templates = examples.filter((file) => !CONFIGURATIONS.includes(file));

    expect(templates.length).toBeGreaterThanOrEqual(9);
    expect(await lint([...templates, 'template.yml', 'resource-role.yaml'])).toEqual([]);
  });

  it('have a description of one line', async () => {
    for (const file of await find('examples/**/*.yaml')) {
      expect(await readFile(file, 'utf8')).toMatch(/^Description: [A-Z].{10,110}\.$/m);
    }
  });

  it('in README.md have no fault, and are those in examples/', async () => {
    const blocks = await fencedBlocks('README.md', /AWSTemplateFormatVersion/);
    const files = await Promise.all(
      blocks.map(({ language, text }, index) => write(`readme-${index}.${language}`, text)),
    );

    expect(await lint(files)).toEqual([]);
    expect(blocks).toEqual([
      { language: 'yaml', text: await readFile('examples/basic.yaml', 'utf8') },
      { language: 'yaml', text: await readFile('examples/drop-in.yaml', 'utf8') },
    ]);
  });

  it('are the same as YAML and as JSON', async () => {
    expect(await toJson('examples/basic.yaml')).toEqual(await toJson('examples/basic.json'));
  });

  it.each([
    ['a property that the type lacks', 'UserName: !Ref User', 'Username: !Ref User', 'E3002'],
    ['a missing property', 'UserName: !Ref User', 'Serial: 1', 'E3003'],
    ['a status that there is not', 'Status: Inactive', 'Status: Expired', 'E3030'],
    ['a negative serial', 'Status: Inactive', 'Serial: -1', 'E3034'],
    ['a description with a forbidden character', 'Status: Inactive', 'Description: a;b', 'E3031'],
    ['a return value that there is not', '!Ref AccessKey', '!GetAtt AccessKey.Secret', 'E6101'],
  ])('would be caught with %s', async (_, right, wrong, rule) => {
    const template = await readFile('examples/inactive.yaml', 'utf8');
    const broken = await write('broken.yaml', template.replace(right, wrong));

    expect(await lint([broken])).toContain(rule);
  });

  it('for the execution role grant what the schema asks for, no more and no less', async () => {
    for (const policy of [
      JSON.parse(await readFile('guides/narrow-policy.json', 'utf8')) as unknown,
      policiesOf(await toJson('examples/narrow-execution-role.yaml')),
      policiesOf(await toJson('resource-role.yaml')),
    ]) {
      // One KMS action may stand for parameters and for secrets.
      expect([...new Set(valuesOf(policy, 'Action'))].sort()).toEqual(permissions);
    }
  });

  it('for the narrow execution role grant the same wherever they stand', async () => {
    const example = policiesOf(
      await toJson('examples/narrow-execution-role.yaml'),
      'ExecutionRole',
    );
    const registered = policiesOf(await toJson('registration/template.yml'), 'ExecutionRole');

    expect(example).toEqual(registered);
    expect(valuesOf(example, 'Sid')).toContain('ChangeKeysInScope');
  });
});

describe('examples', () => {
  it.each(['examples/narrow-execution-role.yaml', 'registration/template.yml'])(
    'take the parameter prefixes that the schema takes: %s',
    async (file) => {
      const { Parameters } = (await toJson(file)) as {
        Parameters: Record<string, { AllowedPattern: string }>;
      };

      const { pattern } = schema.typeConfiguration.properties.ParameterPrefix;
      expect(Parameters.ParameterPrefix?.AllowedPattern).toBe(pattern);
    },
  );

  it.each(['examples/narrow-execution-role.yaml', 'registration/template.yml'])(
    'take no parameter prefix that Parameter Store keeps to itself: %s',
    async (file) => {
      const { Parameters } = (await toJson(file)) as {
        Parameters: Record<string, { AllowedPattern: string }>;
      };
      const pattern = new RegExp(Parameters.ParameterPrefix?.AllowedPattern ?? '');

      const reserved = [
        '/aws',
        '/AWS/keys',
        '/aWs-keys',
        '/awsKeys',
        '/ssm',
        '/SSM',
        '/Ssm.keys/a',
      ];
      expect(reserved.filter((prefix) => pattern.test(prefix))).toEqual([]);
      expect(['/org/aws/ssm', '/awkeys', '/my-aws'].every((prefix) => pattern.test(prefix))).toBe(
        true,
      );
    },
  );

  it('hold type configurations that the schema accepts, with each of its properties', async () => {
    const configurations = await Promise.all(CONFIGURATIONS.map(toJson));
    const validator = new Validator(schema.typeConfiguration as Schema, '7');

    for (const configuration of configurations) {
      expect(validator.validate(configuration)).toEqual({ valid: true, errors: [] });
    }
    expect(validator.validate({ ParameterPrefix: 'relative' }).valid).toBe(false);
    expect(Object.keys(Object.assign({}, ...configurations) as object).sort()).toEqual(
      Object.keys(schema.typeConfiguration.properties).sort(),
    );
  });

  it('work under the role and the guardrail of the safe start, or say what they need', async () => {
    const [, path = '', secrets = ''] =
      /^make register USER_PATH=(\S+) SECRET_NAMES='(\S+)' /m.exec(
        await readFile('README.md', 'utf8'),
      ) ?? [];
    const { permissions: role } = await readRole('registration/template.yml', {
      UserPath: path,
      SecretNamePattern: secrets,
    });
    const denied: string[] = [];

    for (const file of await find('examples/**/*.yaml', 'examples/*.json')) {
      if (CONFIGURATIONS.includes(file) || /^# Needs /.test(await readFile(file, 'utf8'))) continue;
      const { Resources } = (await toJson(file)) as Template;
      for (const { Type, Properties } of Object.values(Resources)) {
        if (Type !== schema.typeName) continue;
        const { UserName, SecretId } = Properties as Record<string, { Ref: string } | undefined>;
        const user = Resources[UserName?.Ref ?? '']?.Properties as { Path?: string } | undefined;
        const { Path = '/' } = user ?? {};
        const requests = KEY_CHANGES.map((action): AccessRequest => ({
          action,
          resource: userArn(Path, 'bot'),
        }));
        if (SecretId) {
          const secret = Resources[SecretId.Ref]?.Properties as { Name?: { 'Fn::Sub': string } };
          const name = secret.Name?.['Fn::Sub'].replaceAll(/\$\{\w+\}/g, 'bot') ?? 'generated';
          requests.push(...DELIVERY.map((action) => ({ action, resource: secretArn(name) })));
        }
        for (const request of requests) {
          if (!(await isAllowed(role, request))) denied.push(`${file}: ${request.action}`);
        }
        if (!matchesAny([`${path}*`], Path)) denied.push(`${file}: AllowedUserPaths`);
      }
    }

    expect([path, secrets]).toEqual(['/ci/', 'ci/*']);
    expect(denied).toEqual([]);
  });

  it('use each property of the type', async () => {
    const templates = await Promise.all((await find('examples/**/*.yaml')).map(toJson));
    const used = templates.flatMap((template) =>
      Object.values((template as Template).Resources)
        .filter(({ Type }) => Type === schema.typeName)
        .flatMap(({ Properties }) => Object.keys(Properties)),
    );

    expect([...new Set(used)].sort()).toEqual(
      Object.keys(schema.properties)
        .filter((name) => !schema.readOnlyProperties.map(toName).includes(name))
        .sort(),
    );
  });

  it('import a resource of the template by the primary identifier', async () => {
    const { Resources } = (await toJson('examples/import/template.yaml')) as {
      Resources: Record<string, { Type: string }>;
    };
    const resources = await toJson('examples/import/resources-to-import.json');

    const identifiers = schema.primaryIdentifier.map(toName);
    expect(resources).toEqual(
      Object.entries(Resources).map(([LogicalResourceId, { Type: ResourceType }]) => ({
        ResourceType,
        LogicalResourceId,
        ResourceIdentifier: Object.fromEntries(
          identifiers.map((name) => [name, expect.stringMatching(/^AKIA\w{16}$/)]),
        ),
      })),
    );
  });
});

describe('documents', () => {
  const readOnly = schema.readOnlyProperties.map(toName);

  it('name the properties, with those that are required and those that replace', async () => {
    const readme = await readFile('README.md', 'utf8');
    const documented = tableUnder(readme, '## Properties').map((row) => row.slice(0, 3));

    expect(documented).toEqual(
      Object.keys(schema.properties)
        .filter((name) => !readOnly.includes(name))
        .map((name) => [
          `\`${name}\``,
          schema.required.includes(name) ? 'yes' : 'no',
          schema.createOnlyProperties.map(toName).includes(name)
            ? 'replacement'
            : 'no interruption',
        ]),
    );
  });

  it('name the return values', async () => {
    const readme = await readFile('README.md', 'utf8');
    const documented = tableUnder(readme, '## Return values').map(([name]) => name);

    expect(documented).toEqual(['Ref', ...readOnly].map((name) => `\`${name}\``));
  });

  it('name the type configuration with its defaults', async () => {
    const guide = await readFile('guides/configuration.md', 'utf8');
    const documented = tableUnder(guide, '## Properties').map((row) => row.slice(0, 2));

    expect(documented).toEqual(
      Object.entries(schema.typeConfiguration.properties).map(([name, property]) => [
        `\`${name}\``,
        'default' in property ? `\`${String(property.default)}\`` : 'none',
      ]),
    );
  });

  it('name the permissions, handler by handler, and why each is needed', async () => {
    const guide = await readFile('guides/permissions.md', 'utf8');
    const documented = tableUnder(guide, '## What it may do').map((row) => row.slice(0, 6));
    const [, reasons = ''] = guide.split('\n## Why each\n');

    expect(documented).toEqual(
      permissions.map((permission) => [
        `\`${permission}\``,
        ...Object.values(schema.handlers).map((handler) =>
          handler.permissions.includes(permission) ? '✓' : '',
        ),
      ]),
    );
    expect(Object.keys(schema.handlers)).toEqual(['create', 'read', 'update', 'delete', 'list']);
    const [explained = ''] = reasons.split('\n## ');
    expect(permissions.filter((permission) => !explained.includes(`\`${permission}\``))).toEqual(
      [],
    );
  });

  it('quote messages as the handlers write them, each in a heading', async () => {
    const sources = await Promise.all(
      (await find('src/**/*.ts')).map((file) => readFile(file, 'utf8')),
    );
    // A message may be put together from several literals.
    const literals = sources.join('').replace(/[`'] \+\s+[`']/g, '');
    const guide = await readFile('guides/errors.md', 'utf8');
    const messages = [...guide.matchAll(/^### (.*`.*)$/gm)].flatMap(([, heading = '']) =>
      [...heading.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message),
    );

    const invented = messages.flatMap((message) =>
      message
        .split('…')
        .map((fragment) => fragment.replace(/^['); :,]+|[(:; ]+$/g, ''))
        .filter((fragment) => !literals.includes(fragment)),
    );

    expect(messages.length).toBeGreaterThan(35);
    expect(invented).toEqual([]);
  });

  it('lead from README to every one of them, and to each example', async () => {
    const readme = await readFile('README.md', 'utf8');
    const guides = await Promise.all(
      (await find('guides/*.md', '*/README.md')).map((file) => readFile(file, 'utf8')),
    );
    const documents = await find('guides/*.md', '*.md', '*/README.md', 'bench/RESULTS.md');
    const indirect = ['README.md', 'guides/faults-table.md'];

    for (const file of documents.filter((document) => !indirect.includes(document)))
      expect(readme).toContain(`](${file})`);
    for (const example of await find('examples/*.*', 'examples/*/*.*'))
      expect([example, [readme, ...guides].some((text) => text.includes(example))]).toEqual([
        example,
        true,
      ]);
  });

  it('have commands that a shell can read', async () => {
    const scripts = await Promise.all(
      (await findDocuments()).map(async (file) => {
        const text = await readFile(file, 'utf8');
        const blocks = [...text.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].map(
          ([, block = '']) => block,
        );
        return blocks.join('\n');
      }),
    );

    for (const script of scripts) await run('bash', ['-n', '-c', script]);
    for (const file of await find('examples/**/*.sh')) await run('bash', ['-n', file]);
    expect(scripts.filter((script) => script !== '').length).toBeGreaterThan(10);
  });

  it('are short: README, all of them together, and the rows of their tables', async () => {
    const texts = await Promise.all(
      (await findDocuments()).map(async (file) => ({ file, text: await readFile(file, 'utf8') })),
    );
    const sizeOf = (text: string): number => Buffer.byteLength(text);
    const all = texts.reduce((sum, { text }) => sum + sizeOf(text), 0);
    const wide = texts
      .filter(({ file }) => !GENERATED.includes(file))
      .flatMap(({ file, text }) =>
        text
          .split('\n')
          .filter((line) => line.startsWith('|') && line.length > 200)
          .map((line) => `${file}: ${line.slice(0, 40)}`),
      );

    expect(sizeOf(await readFile('README.md', 'utf8'))).toBeLessThanOrEqual(12 * 1024);
    expect(all).toBeLessThanOrEqual(130 * 1024);
    expect(wide).toEqual([]);
  });
});

describe('links', () => {
  it('in the documents lead to files and headings that exist', async () => {
    const documents = await findDocuments();
    const texts = await Promise.all(documents.map((document) => readFile(document, 'utf8')));
    const links = documents.flatMap((document, index) =>
      [...(texts[index] ?? '').matchAll(LINK)].map(([, file = '', anchor = '']) => ({
        document,
        target: file === '' ? document : path.join(path.dirname(document), file),
        anchor,
      })),
    );

    const broken: string[] = [];
    for (const { document, target, anchor } of links) {
      const isThere = (await find(target)).length === 1;
      const hasAnchor =
        anchor === '' || (isThere && anchorsOf(await readFile(target, 'utf8')).includes(anchor));
      if (!isThere || !hasAnchor) broken.push(`${document}: ${target}#${anchor}`);
    }

    expect(links.length).toBeGreaterThan(80);
    expect(broken).toEqual([]);
  });
});

/** @returns the rules that the templates break, errors, warnings and hints alike. */
async function lint(templates: readonly string[]): Promise<string[]> {
  const args = ['--append-rules=examples/cfn-lint', '--registry-schemas=schema', '--format=json'];
  const { stdout } = await run('.venv/bin/cfn-lint', [...args, '--', ...templates]).catch(
    // The exit status only says that there are faults.
    (error: unknown) => error as { stdout: string },
  );
  return (JSON.parse(stdout) as { Rule: { Id: string } }[]).map(({ Rule }) => Rule.Id);
}

/** All that people write, and the tables of the tests and the benchmark. */
async function findDocuments(): Promise<string[]> {
  return find('*.md', '{guides,registration,cdk,bench,schema}/*.md');
}

async function find(...patterns: string[]): Promise<string[]> {
  return (await Array.fromAsync(glob(patterns))).sort();
}

async function fencedBlocks(
  file: string,
  content: RegExp,
): Promise<{ language: string; text: string }[]> {
  const markdown = await readFile(file, 'utf8');
  return [...markdown.matchAll(/^```(yaml|json)\n(.*?)^```$/gms)]
    .map(([, language = '', text = '']) => ({ language, text }))
    .filter(({ text }) => content.test(text));
}

/** @returns the cells of the first table below the heading, row by row, without its head. */
function tableUnder(markdown: string, heading: string): string[][] {
  const [, section = ''] = markdown.split(`\n${heading}\n`);
  const [, rows = ''] = /^\|[ |:-]+\|\n((?:\|.*\n)+)/m.exec(section) ?? [];
  return rows
    .trim()
    .split('\n')
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** @returns the anchors of the headings, as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(
    ([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
  );
}

async function toJson(file: string): Promise<unknown> {
  const { stdout } = await run('.venv/bin/cfn-flip', ['--json', file]);
  return JSON.parse(stdout) as unknown;
}

/** A trust policy grants nothing that a handler uses. */
function policiesOf(template: unknown, logicalId?: string): unknown[] {
  return Object.entries((template as Template).Resources)
    .filter(([name]) => logicalId === undefined || name === logicalId)
    .map(([, { Properties }]) => Properties.Policies);
}

/** @returns everything that stands under the name, however deep. */
function valuesOf(value: unknown, name: string): string[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key === name ? ([inner].flat() as string[]) : valuesOf(inner, name),
  );
}

function toName(pointer: string): string {
  return pointer.replace('/properties/', '');
}
