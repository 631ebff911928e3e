import { execFile } from 'node:child_process';
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import { LIKE_A_SECRET, runDemo, writePackage } from './support/demo.ts';

const run = promisify(execFile);
const FILES = ['0-before', '1-retain', '2-removed', '3-imported', '4-whole'] as const;

interface Template {
  readonly Parameters?: object;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: object;
}

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'migrate-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('demo of the migration', () => {
  it('keeps the key through every step, rotates it in the end, and shows no secret', async () => {
    const { exitCode, output } = await runDemo(['--migrate']);

    const done = [...output.matchAll(/^✔ (.*) \[[\d.]+ s\]$/gm)].map(([, title = '']) => title);
    expect(done.map((title) => title.split(':')[0])).toEqual([
      '0-before.yaml',
      'A copy of the credentials is put aside, outside of the stack',
      '1-retain.yaml',
      '2-removed.yaml',
      '3-imported.yaml',
      'Drift',
      'UPDATE deactivates the imported key and activates it again',
      '4-whole.yaml',
      'The stack and the copy are deleted, and nothing is left',
    ]);
    const working = [...output.matchAll(/(AKIA\w{16}) works/g)].map(([, id]) => id);
    const [original, successor] = [...new Set(working)];
    expect(working).toEqual([...Array<unknown>(5).fill(original), successor]);
    expect(output).toMatch(/^A whole migration: 9 steps, \d+ AWS calls, [\d.]+ s$/m);
    expect(output).toMatch(/\d+ AWS calls: .*iam:CreateAccessKey,/);
    expect(output).not.toMatch(LIKE_A_SECRET);
    expect(exitCode).toBe(0);
  });

  it.each([
    [
      'READ fails',
      `return { status: 'FAILED', errorCode: 'InternalFailure', message: 'broken on purpose' };`,
      'READ answers FAILED InternalFailure: broken on purpose',
    ],
    [
      'READ echoes the id and knows nothing',
      `return { status: 'SUCCESS', resourceModel: event.requestData.resourceProperties };`,
      'READ differs from the template in UserName, Status',
    ],
    [
      'UPDATE deactivates what it should leave alone',
      `const { requestData } = event;
       if (event.action === 'UPDATE') requestData.resourceProperties.Status = 'Inactive';
       return packaged.entrypoint(event, context);`,
      / Inactive for user ci-bot instead of AKIA\w{16} Active/,
    ],
  ])('fails when %s', async (name, body, complaint) => {
    const broken = await writePackage(path.join(folder, name), body);

    const { exitCode, output } = await runDemo(['--migrate', '--function', broken]);

    expect(output).toMatch(complaint);
    expect(output).toContain('✔ 2-removed.yaml');
    expect(output).not.toContain('✔ 3-imported.yaml');
    expect(output).not.toMatch(LIKE_A_SECRET);
    expect(exitCode).toBe(1);
  });

  it('fails without a function', async () => {
    const { exitCode, output } = await runDemo(['--migrate', '--function', folder]);

    expect(output).toContain('run make build first');
    expect(exitCode).toBe(1);
  });

  it('takes no other user than that of the templates', async () => {
    const { exitCode, output } = await runDemo(['--migrate', '--user', 'somebody']);

    expect(output).toContain('the templates of --migrate name the user');
    expect(exitCode).toBe(2);
  });
});

describe('templates of the migration', () => {
  let before: Template, retain: Template, removed: Template, imported: Template, whole: Template;

  beforeAll(async () => {
    const [first, ...others] = await Promise.all(FILES.map(load));
    before = first as Template;
    [retain, removed, imported, whole] = others as [Template, Template, Template, Template];
  });

  it('retain the native key, and refer to it nowhere', () => {
    const { AccessKey, ...others } = retain.Resources;

    expect(AccessKey).toEqual({
      ...before.Resources.AccessKey,
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
    expect(JSON.stringify([others, retain.Outputs])).not.toMatch(/"AccessKey"|\$\{AccessKey\b/);
  });

  it('remove the key and change nothing else', () => {
    expect(unchanged(removed)).toEqual(unchanged(retain));
    expect(removed.Resources).toEqual(withoutKey(retain));
  });

  it('import the key as it was, and change nothing else, not even outputs', () => {
    expect({ ...imported, Resources: withoutKey(imported) }).toEqual(removed);
    expect(imported.Resources.AccessKey).toEqual({
      Type: schema.typeName,
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Delete',
      Properties: before.Resources.AccessKey?.Properties,
    });
  });

  it('end where they began, with another type and a higher Serial', () => {
    const { Properties } = before.Resources.AccessKey as Resource;

    expect(unchanged(whole)).toEqual(unchanged(before));
    expect(whole.Resources).toEqual({
      ...before.Resources,
      AccessKey: { Type: schema.typeName, Properties: { ...Properties, Serial: 2 } },
    });
  });

  it('come with the file that names the key to import', async () => {
    const resources: unknown = JSON.parse(
      await readFile('examples/migrate/resources-to-import.json', 'utf8'),
    );

    expect(resources).toEqual([
      {
        ResourceType: schema.typeName,
        LogicalResourceId: 'AccessKey',
        ResourceIdentifier: { Id: expect.stringMatching(/^AKIA\w{16}$/) },
      },
    ]);
  });
});

describe('guides/migrate.md', () => {
  let guide: string;

  beforeAll(async () => {
    guide = await readFile('guides/migrate.md', 'utf8');
  });

  it('names files that exist, and each template in its step', async () => {
    const links = [...guide.matchAll(/\]\((?!https:|#)([^)#]+)/g)].map(([, link = '']) =>
      path.join('guides', link),
    );
    const used = [...guide.matchAll(/file:\/\/(examples\/[\w./-]+)/g)].map(([, file = '']) => file);

    for (const file of [...links, ...used]) {
      expect([file, await Array.fromAsync(glob(file))]).toEqual([file, [file]]);
    }
    expect(used).toEqual(
      ['1-retain.yaml', '2-removed.yaml', '3-imported.yaml', '4-whole.yaml'].map(
        (name) => `examples/migrate/${name}`,
      ),
    );
  });

  it('has commands that a shell can read', async () => {
    const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
    const script = path.join(folder, 'commands.sh');
    await writeFile(script, blocks.join('\n'));

    await run('bash', ['-n', script]);
    expect(blocks.length).toBeGreaterThan(5);
  });
});

async function load(name: string): Promise<Template> {
  const { stdout } = await run('.venv/bin/cfn-flip', ['--json', `examples/migrate/${name}.yaml`]);
  return JSON.parse(stdout) as Template;
}

function withoutKey({ Resources }: Template): Template['Resources'] {
  return Object.fromEntries(Object.entries(Resources).filter(([id]) => id !== 'AccessKey'));
}

/** All but the resources, which each test looks at, and what a reader alone reads. */
function unchanged({ Parameters, Outputs }: Template): Partial<Template> {
  return { ...(Parameters && { Parameters }), Outputs };
}
