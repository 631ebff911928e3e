import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { fromBuffer, open, type ZipFile } from 'yauzl-promise';

const run = promisify(execFile);
const NOT_PART_OF_THE_PROJECT =
  /^(node_modules|cdk|\.venv|\.git|build|coverage|rpdk\.log.*|.*\.zip)$/;

type Contents = ReadonlyMap<string, Buffer>;

describe('package', () => {
  const root = process.cwd();
  let folder: string;
  let packaged: Contents;
  let provider: Contents;

  beforeAll(async () => {
    // In a copy, because packaging wipes build/, which other tests run from.
    folder = await mkdtemp(path.join(tmpdir(), 'package-'));
    const project = path.join(folder, 'project');
    await cp(root, project, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !NOT_PART_OF_THE_PROJECT.test(path.relative(root, source)),
    });
    for (const installed of ['node_modules', '.venv']) {
      await symlink(path.join(root, installed), path.join(project, installed));
    }
    // With setup counted as done, or it could install into the links.
    await run('make', ['--old-file=setup', 'package'], { cwd: project, env: withoutMake() });

    packaged = await contentsOf(await open(path.join(project, 'org-iam-accesskey.zip')));
    const inner = packaged.get('ResourceProvider.zip') ?? Buffer.alloc(0);
    provider = await contentsOf(await fromBuffer(inner));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('holds what CloudFormation needs to register the type, and its sources', () => {
    const names = [...packaged.keys()].filter((name) => !/^(src|inputs)\//.test(name));

    expect(names.sort()).toEqual([
      '.cfn_metadata.json',
      '.rpdk-config',
      'ResourceProvider.zip',
      'configuration-schema.json',
      'schema.json',
    ]);
    expect(packaged.has('src/handlers.ts')).toBe(true);
  });

  it('holds the handlers and nothing else as its code', () => {
    expect([...provider.keys()].sort()).toEqual(['dist/handlers.js', 'package.json']);
    expect(JSON.parse(String(provider.get('package.json')))).toEqual({ type: 'commonjs' });
  });

  it('leaves the AWS SDK v2 out', () => {
    expect(provider.get('dist/handlers.js')?.includes('aws-sdk/clients')).toBe(false);
  });

  it('loads in a bare Node 22, and exports both entrypoints', async () => {
    const unzipped = path.join(folder, 'unzipped');
    for (const [name, content] of provider) {
      await mkdir(path.dirname(path.join(unzipped, name)), { recursive: true });
      await writeFile(path.join(unzipped, name), content);
    }

    const { stdout } = await run(
      path.join(root, 'node_modules/.bin/node'),
      [
        '--print',
        `const { entrypoint, testEntrypoint } = require('./dist/handlers.js');
         [typeof entrypoint, typeof testEntrypoint, process.versions.node].join()`,
      ],
      { cwd: unzipped, env: {} },
    );

    expect(stdout).toMatch(/^function,function,22\./);
  });

  it('leaves no log of the CLI behind, which would hold credentials', async () => {
    await expect(run('ls', ['rpdk.log'], { cwd: path.join(folder, 'project') })).rejects.toThrow();
  });
});

async function contentsOf(zip: ZipFile): Promise<Contents> {
  const contents = new Map<string, Buffer>();
  for await (const entry of zip) {
    contents.set(entry.filename, await buffer(await entry.openReadStream()));
  }
  await zip.close();
  return contents;
}

/** The environment without what a surrounding make leaves in it. */
function withoutMake(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MAKE.*|MFLAGS)$/.test(name)),
  );
}
