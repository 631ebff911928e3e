import { CreateUserCommand, IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMoto } from '../../local/moto-server.ts';

function iamAt(endpoint: string): IAMClient {
  return new IAMClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}

async function isAnswering(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}

describe('local AWS', () => {
  it('runs several at once, each with its own state, and forgets it when told', async () => {
    const [one, other] = await Promise.all([startMoto(), startMoto()]);
    const iam = iamAt(one.endpoint);
    const otherIam = iamAt(other.endpoint);

    await iam.send(new CreateUserCommand({ UserName: 'ci-bot' }));
    const before = (await iam.send(new ListUsersCommand({}))).Users;
    const elsewhere = (await otherIam.send(new ListUsersCommand({}))).Users;
    await one.reset();
    const after = (await iam.send(new ListUsersCommand({}))).Users;
    await Promise.all([one.stop(), other.stop()]);

    expect(before?.map(({ UserName }) => UserName)).toEqual(['ci-bot']);
    expect(elsewhere).toEqual([]);
    expect(after).toEqual([]);
    expect(await isAnswering(one.endpoint)).toBe(false);
  });

  it('enforces IAM policies until the next reset', async () => {
    const aws = await startMoto();
    const iam = iamAt(aws.endpoint);

    await aws.enforceIam();
    await expect(iam.send(new ListUsersCommand({}))).rejects.toThrow('security token');
    await aws.reset();
    await expect(iam.send(new ListUsersCommand({}))).resolves.toMatchObject({ Users: [] });

    await aws.stop();
  });

  it('ends when the process that started it is killed', async () => {
    const starter = spawn(
      path.join(process.cwd(), 'node_modules/.bin/node'),
      [
        '--input-type=module',
        '--eval',
        `const { startMoto } = await import(${JSON.stringify(path.resolve('local/moto-server.ts'))});
         console.log((await startMoto()).endpoint);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [endpoint] = (await once(createInterface(starter.stdout), 'line')) as [string];
    expect(await isAnswering(endpoint)).toBe(true);

    starter.kill('SIGKILL');

    for (let tries = 0; tries < 100 && (await isAnswering(endpoint)); tries += 1) {
      await sleep(50);
    }
    expect(await isAnswering(endpoint)).toBe(false);
  });
});
