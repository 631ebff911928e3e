import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FunctionExit,
  startFunction,
  UncaughtError,
  type LocalFunction,
} from '../../local/lambda-container.ts';
import { writeStandIn } from './stand-in-package.ts';

const CODE = `
let busy = 0;
exports.entrypoint = async (event, context) => {
  busy += 1;
  const overlapping = busy;
  for (const line of event.print ?? []) console.log(line);
  for (const line of event.warn ?? []) console.error(line);
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.fail) throw new RangeError(event.fail);
  await new Promise((resolve) => setTimeout(resolve, event.wait ?? 0));
  busy -= 1;
  if (event.show === 'environment') return process.env;
  if (event.show === 'context') return { ...context, remaining: context.getRemainingTimeInMillis() };
  return { overlapping, version: process.versions.node, absent: undefined, date: new Date(0) };
};
exports.testEntrypoint = async () => 'test';
`;

describe('local function', () => {
  let folder: string;
  let lambda: LocalFunction;

  beforeAll(async () => {
    folder = await writeStandIn(CODE);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    lambda = await startFunction({ folder, endpoint: 'http://127.0.0.1:1', env: { EXTRA: '1' } });
  });
  afterEach(async () => {
    await lambda.stop();
  });

  it('answers in JSON, from Node 22', async () => {
    const { answer } = await lambda.invoke({});

    expect(answer).toEqual({
      overlapping: 1,
      version: expect.stringMatching(/^22\./),
      date: '1970-01-01T00:00:00.000Z',
    });
  });

  it('gives each invocation its own log lines, in both streams', async () => {
    const first = await lambda.invoke({ print: ['one', 'two'], warn: ['three'] });
    const second = await lambda.invoke({ print: ['four'] });

    expect([...first.logs].sort()).toEqual(['one', 'three', 'two']);
    expect(second.logs).toEqual(['four']);
    expect(lambda.logs).toHaveLength(4);
  });

  it('runs one invocation at a time', async () => {
    const answers = await Promise.all([
      lambda.invoke<{ overlapping: number }>({ wait: 30 }),
      lambda.invoke<{ overlapping: number }>({ wait: 30 }),
    ]);

    expect(answers.map(({ answer }) => answer.overlapping)).toEqual([1, 1]);
    expect(answers[0].milliseconds).toBeGreaterThanOrEqual(29);
  });

  it('passes nothing of the environment of this process on', async () => {
    process.env.AWS_SECRET_ACCESS_KEY = 'of this process';
    process.env.AWS_PROFILE = 'of this process';
    const other = await startFunction({
      folder,
      endpoint: 'http://127.0.0.1:1',
      env: { EXTRA: '1' },
    });
    delete process.env.AWS_SECRET_ACCESS_KEY;
    delete process.env.AWS_PROFILE;

    const { answer } = await other.invoke<Record<string, string>>({ show: 'environment' });
    await other.stop();

    expect(answer).toMatchObject({ AWS_ENDPOINT_URL: 'http://127.0.0.1:1', EXTRA: '1' });
    expect(answer.HOME).not.toBe(process.env.HOME);
    expect(Object.keys(answer)).not.toContain('AWS_PROFILE');
    expect(JSON.stringify(answer)).not.toContain('of this process');
  });

  it('passes a context as Lambda does', async () => {
    const { answer } = await lambda.invoke<{ remaining: number }>({ show: 'context' });

    expect(answer).toMatchObject({
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      functionVersion: '$LATEST',
      memoryLimitInMB: '256',
    });
    expect(answer.remaining).toBeGreaterThan(59_000);
    expect(answer.remaining).toBeLessThanOrEqual(60_000);
  });

  it('rejects with the error that the code let out, and goes on', async () => {
    const failing = lambda.invoke({ fail: 'too far', print: ['on the way'] });

    await expect(failing).rejects.toThrow(UncaughtError);
    await expect(failing).rejects.toMatchObject({
      message: 'the function threw RangeError: too far',
      logs: ['on the way'],
    });
    await expect(lambda.invoke({})).resolves.toBeDefined();
  });

  it('rejects when the process ends in the middle, and from then on', async () => {
    const failing = lambda.invoke({ exit: 3, print: ['last words'] });

    await expect(failing).rejects.toThrow(FunctionExit);
    await expect(failing).rejects.toMatchObject({
      message: expect.stringContaining('before it answered (exit code 3)'),
    });
    await expect(lambda.invoke({})).rejects.toThrow(FunctionExit);
  });

  it('can be killed in the middle of an invocation', async () => {
    const failing = expect(lambda.invoke({ print: ['under way'], wait: 60_000 })).rejects.toThrow(
      '(SIGKILL)',
    );

    await until(() => lambda.logs.includes('under way'));
    await lambda.kill();

    await failing;
    expect(isRunning(lambda.pid)).toBe(false);
  });

  it('ends when the process that started it is killed', async () => {
    const starter = spawn(
      path.resolve('node_modules/.bin/node'),
      [
        '--input-type=module',
        '--eval',
        `const { startFunction } = await import(${JSON.stringify(path.resolve('local/lambda-container.ts'))});
         console.log((await startFunction({ folder: ${JSON.stringify(folder)} })).pid);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [pid] = (await once(createInterface(starter.stdout), 'line')) as [string];

    starter.kill('SIGKILL');

    await until(() => !isRunning(Number(pid)));
    expect(isRunning(Number(pid))).toBe(false);
  });

  it('runs the other entrypoint when told', async () => {
    const test = await startFunction({ folder, entrypoint: 'testEntrypoint' });

    const { answer } = await test.invoke({});
    await test.stop();

    expect(answer).toBe('test');
  });

  it('says why the code cannot be loaded', async () => {
    const broken = await writeStandIn('throw new Error("no such luck")');

    await expect(startFunction({ folder: broken })).rejects.toThrow(
      /while it loaded.*no such luck/s,
    );

    await rm(broken, { recursive: true });
  });
});

/** Waits as long as the test may. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
