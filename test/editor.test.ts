import { execFile } from 'node:child_process';
import { copyFile, glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cfnLint = path.resolve('.venv/bin/cfn-lint');

/** As a user has it who follows guides/editor.md. */
describe('cfn-lint in a repository of its own', () => {
  let folder: string;
  let guide: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'editor-'));
    guide = await readFile('guides/editor.md', 'utf8');
    const [, files = ''] = /^cp (.*) cfn-lint\/$/m.exec(guide) ?? [];
    await mkdir(path.join(folder, 'cfn-lint'));
    for (const file of files.split(' ')) {
      const source = file.replace('TYPE/', '');
      await copyFile(source, path.join(folder, 'cfn-lint', path.basename(source)));
    }
    const [, settings = ''] = /^```yaml\n(append_rules[^`]*)```/m.exec(guide) ?? [];
    await writeFile(path.join(folder, '.cfnlintrc.yaml'), settings);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('passes the examples', async () => {
    const examples = await Array.fromAsync(glob('examples/*.yaml'));

    expect(examples.length).toBeGreaterThan(5);
    expect(await lint(...examples.map((file) => path.resolve(file)))).toEqual([]);
  });

  it.each([
    ['a misspelt property', 'UserName:', 'UserNam:', /^E3002 .*'UserNam' was unexpected/],
    ['a missing property', 'UserName: !Ref User', 'Serial: 1', /^E3003 'UserName' is a required/],
    ['a wrong value', 'Status: Inactive', 'Status: Expired', /^E3030 'Expired' is not one of/],
    ['a wrong attribute', '!Ref AccessKey', '!GetAtt AccessKey.Secret', /^E6101 'Secret' is not/],
  ])('reports %s by its name', async (_, right, wrong, message) => {
    const template = await readFile('examples/inactive.yaml', 'utf8');
    const file = path.join(folder, 'template.yaml');
    await writeFile(file, template.replace(right, wrong));

    const found = await lint(file);

    expect(found).toContainEqual(expect.stringMatching(message));
    // What the guide shows of it.
    const [example = ''] = /^E\d+ [^…]+/.exec(found.find((line) => message.test(line)) ?? '') ?? [];
    expect(guide).toContain(example.replace(/(\['Id', 'PreviousKeyId', ).*/, '$1…]'));
  });

  it('has no more to say of a type that nobody registered', async () => {
    const file = path.join(folder, 'template.yaml');
    await writeFile(file, 'Resources: { Key: { Type: Org::IAM::Other } }');

    expect(await lint(file)).toEqual([expect.stringMatching(/^E3006 .*'Org::IAM::Other'/)]);
  });

  /** @returns a line for each fault, with the rule that it breaks. */
  async function lint(...templates: string[]): Promise<string[]> {
    const { stdout } = await run(cfnLint, templates, { cwd: folder }).catch(
      // The exit status only says that there are faults.
      (error: unknown) => error as { stdout: string },
    );
    return stdout.split('\n').filter((line) => /^[EWI]\d/.test(line));
  }
});
