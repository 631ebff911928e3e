import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = promisify(execFile);
const WARNING = /may make access keys for every user\b[^]*\n {2}make register USER_PATH=\/ci\/ /;

describe('submit', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'submit-'));
    const cli = path.join(folder, 'cfn');
    await writeFile(cli, `#!/bin/sh\necho "$@" > ${folder}/submitted\necho submitting\nexit 3\n`);
    await chmod(cli, 0o755);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('says that its role is wide, what to run instead, and does nothing without a yes', async () => {
    const { exitCode, stdout, stderr } = await submit();

    expect(stdout).toMatch(WARNING);
    expect(stderr).toContain('needs ARGS="--yes"');
    expect(stderr).toContain('Nothing is registered.');
    expect(exitCode).toBe(1);
    expect(await submitted()).toBeUndefined();
  });

  it.each([
    ['--yes', ['--region', 'eu-west-1', '--yes'], {}],
    ['the variable CI', ['--region', 'eu-west-1'], { CI: 'true' }],
  ])('goes on with %s, and says so all the same before it acts', async (_, args, env) => {
    const { exitCode, stdout } = await submit(args, env);

    expect(await submitted()).toBe('submit --set-default --region eu-west-1\n');
    const [warning = '', rest] = stdout.split('submitting\n');
    expect(warning).toMatch(WARNING);
    expect(rest).toBe('');
    // The CLI's own.
    expect(exitCode).toBe(3);
  });

  it('has nothing to say of a role that is given', async () => {
    const { stdout } = await submit(['--role-arn', 'arn:aws:iam::123456789012:role/narrow']);

    expect(stdout).toBe('submitting\n');
    expect(await submitted()).toMatch(/^submit --set-default --role-arn \S+role\/narrow\n$/);
  });

  it.each([
    ['y', 'submit --set-default\n'],
    ['n', undefined],
    ['', undefined],
  ])('asks at a terminal, and takes %j', async (answer, expected) => {
    // Python's own pseudo-terminal: the answer is what somebody types.
    const type = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.executable, [sys.executable, "tools/submit.py"])
os.write(terminal, b"${answer}\\n")
try:
    while os.read(terminal, 1024):
        pass
except OSError:
    pass
os.waitpid(pid, 0)`;

    await execute(['-c', type]);

    expect(await submitted()).toBe(expected);
  });

  it('is what make submit runs', async () => {
    const args = ['--dry-run', '--old-file=setup', 'submit', 'ARGS=--region eu-west-1'];
    const { stdout } = await run('make', args);

    expect(stdout).toContain('python tools/submit.py --region eu-west-1;');
    expect(stdout).not.toContain('cfn submit');
  });

  const submit = (args: readonly string[] = [], env = {}): Promise<Run> =>
    execute(['tools/submit.py', ...args], env);

  async function execute(args: readonly string[], env: object = {}): Promise<Run> {
    const options = { env: { PATH: `${folder}:${process.env.PATH ?? ''}`, ...env } };
    return run(path.resolve('.venv/bin/python'), args, options).then(
      ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
      (error: unknown) => {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { exitCode: code, stdout, stderr };
      },
    );
  }

  /** What the CLI was called with, if it was. */
  async function submitted(): Promise<string | undefined> {
    return readFile(path.join(folder, 'submitted'), 'utf8').catch(() => undefined);
  }
});
