import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCHEMA = 'schema/org-iam-accesskey.json';

interface GuardRailReport {
  readonly non_compliant: Readonly<Record<string, readonly { check_id: string }[]>>;
  readonly warning: GuardRailReport['non_compliant'];
  readonly unexplained: readonly string[];
}

describe('schema', () => {
  const python = path.resolve('.venv/bin/python');
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'schema-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const violationsOf = async (schema: string): Promise<string[]> => {
    const { stdout } = await run(python, ['tools/guard_rail.py', schema]);
    const report = JSON.parse(stdout) as GuardRailReport;
    const explained = [report.non_compliant, report.warning].flatMap((rules) =>
      Object.values(rules).flatMap((checks) => checks.map((check) => check.check_id)),
    );
    return [...explained, ...report.unexplained].sort();
  };

  it('is found at the root, where the CLI looks for it', async () => {
    expect(await readFile('org-iam-accesskey.json', 'utf8')).toBe(await readFile(SCHEMA, 'utf8'));
  });

  it('validates without a warning', async () => {
    await copyFile('.rpdk-config', path.join(folder, '.rpdk-config'));
    await copyFile(SCHEMA, path.join(folder, 'org-iam-accesskey.json'));

    const { stdout, stderr } = await run(path.resolve('.venv/bin/cfn'), ['validate'], {
      cwd: folder,
    });

    expect(stderr).toBe('');
    expect(stdout.trim()).toBe('Resource schema is valid.');
  });

  it("breaks none of AWS's rules but those that are argued", async () => {
    const argued = [...(await readFile('schema/GUARD-RAIL.md', 'utf8')).matchAll(/^## (\w+)/gm)];

    expect(await violationsOf(SCHEMA)).toEqual(argued.map(([, check]) => check).sort());
  });

  it.each([
    ['PER002', { handlers: { create: { permissions: ['iam:*'] } } }],
    [
      'ensure_create_and_read_only_intersection_is_empty',
      { createOnlyProperties: ['/properties/Id'] },
    ],
  ])('would be caught breaking %s', async (check, change) => {
    const broken = path.join(folder, 'broken.json');
    const schema = JSON.parse(await readFile(SCHEMA, 'utf8')) as object;
    await writeFile(broken, JSON.stringify({ ...schema, ...change }));

    expect(await violationsOf(broken)).toContain(check);
  });
});
