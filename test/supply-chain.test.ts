import { glob, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';

interface Lock {
  packages: Record<string, { integrity?: string; version?: string; inBundle?: boolean }>;
}

const NPM_PROJECTS = ['.', 'cdk', 'bench/stock'];
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'bin-darwin-arm64'];

describe('what is installed', () => {
  it.each(NPM_PROJECTS)(
    'from npm is locked with its hash, and runs no script: %s',
    async (project) => {
      const { packages } = await lockOf(project);
      // What is bundled comes inside of a package, and is covered by its hash.
      const unlocked = Object.entries(packages).filter(
        ([name, { integrity = '', inBundle }]) =>
          name !== '' && !inBundle && !/^sha512-/.test(integrity),
      );

      expect(Object.keys(packages).length).toBeGreaterThan(20);
      expect(unlocked).toEqual([]);
      expect(await readFile(path.join(project, '.npmrc'), 'utf8')).toMatch(
        /^ignore-scripts=true$/m,
      );
    },
  );

  it('as Node 22 is a locked package for each platform, not what a script downloads', async () => {
    const { packages } = await lockOf('.');

    const versions = PLATFORMS.map(
      (platform) => packages[`node_modules/node-${platform}`]?.version,
    );
    expect(versions).toEqual(PLATFORMS.map(() => expect.stringMatching(/^22\./) as string));
    const installed = path.relative('.', await realpath('node_modules/.bin/node'));
    expect(installed).toMatch(/^node_modules\/node-(bin-)?(linux|darwin)-(x64|arm64)\/bin\/node$/);
  });

  it.each(['requirements.txt', 'requirements-build.txt', 'cdk/requirements.txt'])(
    'from the Python Package Index is locked with its hashes: %s',
    async (file) => {
      const lines = (await readFile(file, 'utf8')).replaceAll('\\\n', '').trim().split('\n');
      const requirements = lines.filter((line) => !line.startsWith('#'));

      expect(requirements.length).toBeGreaterThan(1);
      expect(
        requirements.filter((line) => !/^[\w.-]+==\S+( +--hash=sha256:[0-9a-f]{64})+$/.test(line)),
      ).toEqual([]);
      expect(await readFile('Makefile', 'utf8')).toMatch(
        new RegExp(`PIP_INSTALL\\) .*-r ${file}$`, 'm'),
      );
    },
  );

  it('by pip is refused without a matching hash', async () => {
    const makefile = await readFile('Makefile', 'utf8');

    expect(makefile).toMatch(/^PIP_INSTALL := .*pip install .*--require-hashes/m);
    expect(makefile.match(/pip install/g)).toHaveLength(1);
  });

  it('as an action of CI is a commit, which no tag can move', async () => {
    const workflows = await Array.fromAsync(glob('.github/workflows/*.yml'));
    const texts = await Promise.all(workflows.map((file) => readFile(file, 'utf8')));
    const actions = texts.flatMap((workflow) => workflow.match(/uses: .*/g) ?? []);

    expect(actions.length).toBeGreaterThan(2);
    expect(
      actions.filter((action) => !/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action)),
    ).toEqual([]);
  });
});

async function lockOf(project: string): Promise<Lock> {
  return JSON.parse(await readFile(path.join(project, 'package-lock.json'), 'utf8')) as Lock;
}
