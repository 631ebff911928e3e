import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import schema from '../../schema/org-iam-accesskey.json';
import { lint, root, run } from './support';

const cdk = path.join(root, 'cdk');
const dist = path.join(cdk, 'dist');

interface Template {
  Resources: Record<string, { Type: string }>;
}

describe('the packages', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'cdk-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('make the same template of the example in TypeScript and in Python', async () => {
    await cp(path.join(cdk, 'example'), path.join(folder, 'example'), { recursive: true });
    await unpackForNode(await packed('.tgz'));
    await run('python', ['-m', 'zipfile', '-e', await packed('.whl'), path.join(folder, 'python')]);

    const { app } = JSON.parse(await readFile(path.join(cdk, 'cdk.json'), 'utf8')) as {
      app: string;
    };
    const [typescript, python] = await Promise.all([
      synthesize(app),
      synthesize('python example/app.py'),
    ]);

    expect(python).toEqual(typescript);
    const types = Object.values(python.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => type === schema.typeName)).toHaveLength(2);
    expect(await lint(python)).toBe('');
  });

  it('hold the library and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', await packed('.tgz')]);

    const files = stdout.trim().split('\n');
    expect(files.filter((file) => !file.startsWith('package/build/lib/')).sort()).toEqual(
      ['.jsii', 'LICENSE', 'README.md', 'package.json'].map((file) => `package/${file}`),
    );
  });

  it('are called what the README says', async () => {
    const readme = await readFile(path.join(cdk, 'README.md'), 'utf8');

    const named = readme.match(/(?<=cdk\/dist\/)\S+/g) ?? [];
    expect(named.sort()).toEqual((await readdir(dist)).filter((file) => !file.startsWith('.')));
  });

  it('are as awslint, the linter of the CDK itself, would have them', async () => {
    const { stderr } = await run(path.join(cdk, 'node_modules/.bin/awslint'), { cwd: cdk }).catch(
      // The exit status only says that there are faults.
      (error: unknown) => error as { stderr: string },
    );

    const faults = [
      ...stderr.matchAll(/^(?:error|warning): \[awslint:(\S+?):org-iam-accesskey-cdk(\S*)\]/gm),
    ];
    expect(faults.map(([, rule = '', where = '']) => rule + where).sort()).toEqual([
      // Not a part of aws-cdk-lib.
      'module-name',
      // The props of aws-iam, and a secret whose own policy grants.
      'prefer-ref-interface.AccessKeyProps.secret',
      'prefer-ref-interface.AccessKeyProps.user',
      // IAM makes up the id of a key, which has no other name.
      'props-physical-name.AccessKeyProps',
    ]);
  });

  async function unpackForNode(tarball: string): Promise<void> {
    const modules = path.join(folder, 'node_modules');
    await mkdir(modules);
    await run('tar', ['-xzf', tarball, '-C', folder]);
    await rename(path.join(folder, 'package'), path.join(modules, 'org-iam-accesskey-cdk'));
    for (const peer of ['aws-cdk-lib', 'constructs']) {
      await symlink(path.join(cdk, 'node_modules', peer), path.join(modules, peer));
    }
  }

  async function synthesize(app: string): Promise<Template> {
    const [command = '', ...args] = app.split(' ');
    const output = path.join(folder, command);
    await run(command, args, {
      cwd: folder,
      env: {
        ...process.env,
        CDK_OUTDIR: output,
        PYTHONPATH: path.join(folder, 'python'),
        // In the project, not in the home folder.
        JSII_RUNTIME_PACKAGE_CACHE_ROOT: path.join(cdk, 'node_modules/.cache/jsii'),
      },
    });
    const template = await readFile(path.join(output, 'AccessKeys.template.json'), 'utf8');
    return JSON.parse(template) as Template;
  }
});

async function packed(extension: string): Promise<string> {
  const [file = ''] = (await readdir(dist)).filter((name) => name.endsWith(extension));
  return path.join(dist, file);
}
