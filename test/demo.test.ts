import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListAccessKeysCommand,
} from '@aws-sdk/client-iam';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { life } from '../demo/life.ts';
import { startMoto, type LocalAws } from '../local/moto-server.ts';
import { startAwsProxy } from './support/aws-proxy.ts';
import { LIKE_A_SECRET, runDemo, writePackage, type Run } from './support/demo.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'demo-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('demo on a local AWS', () => {
  let wholeRun: Run;

  beforeAll(async () => {
    wholeRun = await runDemo([]);
  });

  it('takes a key through every step, and shows no secret', () => {
    const { exitCode, output } = wholeRun;

    expect(output).toContain('A whole life');
    for (const { title } of life) {
      expect(output).toContain(`✔ ${title} [`);
    }
    for (const stages of [
      'while key 2 is tried: AWSCURRENT key 1, AWSPENDING key 2\n',
      'then: AWSCURRENT key 2, AWSPREVIOUS key 1;',
      'before: AWSCURRENT key 3, AWSPREVIOUS key 2\n',
      'after: AWSCURRENT key 2, AWSPREVIOUS key 3;',
    ]) {
      expect(output).toContain(stages);
    }
    expect(output).toMatch(/\d+ AWS calls: .*iam:CreateAccessKey/);
    expect(output).not.toMatch(LIKE_A_SECRET);
    expect(exitCode).toBe(0);
  });

  it('is what guides/demo.svg shows; if not, make recording', async () => {
    const recorded = await readFile('guides/demo.svg', 'utf8');

    const drawn = await draw(wholeRun.output);

    expect(shownIn(recorded).length).toBeGreaterThan(life.length);
    expect(shownIn(recorded)).toEqual(shownIn(drawn));
    expect(shownIn(recorded).filter((line) => !linesOf(wholeRun.output).includes(line))).toEqual([
      '$ make demo',
    ]);
  });

  it('has a picture that GitHub shows, without an id, a secret, or anything from elsewhere', async () => {
    const recorded = await readFile('guides/demo.svg', 'utf8');

    expect(Buffer.byteLength(recorded)).toBeLessThan(40_000);
    expect(recorded.match(/AKIA\w*/g)).toEqual(['AKIAIOSFODNN7EXAMPLE']);
    expect(textsOf(recorded).join('\n')).not.toMatch(LIKE_A_SECRET);
    expect(recorded).not.toMatch(/<script|<image|<foreignObject|@font-face|@import|href|\bon\w+=/);
    expect(recorded.match(/url\((?!#)/g)).toBeNull();
  });

  it('is not drawn with what may be a secret', async () => {
    const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCY'.padEnd(40, 'x');

    await expect(draw(`${wholeRun.output}\n${secret}\n`)).rejects.toThrow('may be a secret');
  });

  it('fails when the function does', async () => {
    const broken = await writePackage(
      path.join(folder, 'failing'),
      `return { status: 'FAILED', errorCode: 'InternalFailure', message: 'broken on purpose' };`,
    );

    const { exitCode, output } = await runDemo(['--function', broken]);

    expect(output).toContain('CREATE answers FAILED InternalFailure: broken on purpose');
    expect(exitCode).toBe(1);
  });

  it('fails when READ lacks the secret', async () => {
    const broken = await writePackage(
      path.join(folder, 'forgetful'),
      `const progress = await packaged.entrypoint(event, context);
       if (progress.resourceModel) delete progress.resourceModel.SecretAccessKey;
       return progress;`,
    );

    const { exitCode, output } = await runDemo(['--function', broken]);

    expect(output).toContain('READ by the id alone does not give SecretAccessKey');
    expect(exitCode).toBe(1);
  });

  it('fails when a roll-back does not give readers the old key back', async () => {
    const broken = await writePackage(
      path.join(folder, 'hasty'),
      `return event.rollback ? { status: 'SUCCESS' } : packaged.entrypoint(event, context);`,
    );

    const { exitCode, output } = await runDemo(['--function', broken]);

    expect(output).toContain('✔ Clean-up of the rotation');
    expect(output).toMatch(
      /FAILED: IAM lists AKIA\w+ Active and AKIA\w+ Active .* instead of AKIA/,
    );
    expect(exitCode).toBe(1);
  });

  async function draw(output: string): Promise<string> {
    const [text, picture] = [path.join(folder, 'demo.txt'), path.join(folder, 'demo.svg')];
    await writeFile(text, output);
    await promisify(execFile)('.venv/bin/python', ['tools/recording.py', text, picture]);
    return readFile(picture, 'utf8');
  }

  it('explains itself, and refuses what it does not know', async () => {
    const [help, unknown] = await Promise.all([runDemo(['--help']), runDemo(['--all'])]);

    expect(help).toMatchObject({ exitCode: 0, output: expect.stringContaining('--user NAME') });
    expect(unknown).toMatchObject({ exitCode: 2, output: expect.stringContaining('--all') });
  });
});

describe('demo in the account of a profile', () => {
  const UserName = 'somebody';
  let moto: LocalAws;
  let iam: IAMClient;
  let env: Record<string, string>;

  beforeAll(async () => {
    moto = await startMoto();
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    iam = new IAMClient({ endpoint: moto.endpoint, region: 'eu-west-1', credentials });
    const profiles = path.join(folder, 'profiles');
    await writeFile(
      profiles,
      '[sandbox]\nregion = eu-west-1\naws_access_key_id = own\naws_secret_access_key = own\n',
    );
    env = {
      AWS_PROFILE: 'sandbox',
      AWS_SHARED_CREDENTIALS_FILE: profiles,
      AWS_CONFIG_FILE: path.join(folder, 'none'),
      AWS_ENDPOINT_URL: moto.endpoint,
    };
  });

  beforeEach(async () => {
    await moto.reset();
    await iam.send(new CreateUserCommand({ UserName }));
  });

  afterAll(async () => {
    await moto.stop();
  });

  async function whatIsThere(): Promise<Record<'keys' | 'parameters' | 'secrets', number>> {
    const { endpoint } = moto;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const ssm = new SSMClient({ endpoint, region: 'eu-west-1', credentials });
    const secretsManager = new SecretsManagerClient({ endpoint, region: 'eu-west-1', credentials });
    const { SecretList = [] } = await secretsManager.send(
      new ListSecretsCommand({ IncludePlannedDeletion: true }),
    );
    const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
    const { Parameters = [] } = await ssm.send(new DescribeParametersCommand({}));
    return {
      keys: AccessKeyMetadata.length,
      parameters: Parameters.length,
      secrets: SecretList.length,
    };
  }

  it('leaves the user as it was, and shows none of the secrets that there were', async () => {
    const proxy = await startAwsProxy(moto.endpoint);
    const secrets = new Set<string>();
    proxy.use(async (call, next) => {
      const answer = await next(call);
      const [, secret] = /<SecretAccessKey>([^<]+)</.exec(answer.body) ?? [];
      if (call.action === 'CreateAccessKey' && secret) secrets.add(secret);
      return answer;
    });

    const { exitCode, output } = await runDemo(['--user', UserName, '--yes'], {
      ...env,
      AWS_ENDPOINT_URL: proxy.endpoint,
    });
    await proxy.stop();

    expect(output).toMatch(
      /^This will create and delete access keys of user somebody and the secret ci\/somebody-demo-\w{8} in account 123456789012, region eu-west-1\.$/m,
    );
    expect(output).toContain('A whole life');
    expect(exitCode).toBe(0);
    expect(await whatIsThere()).toEqual({ keys: 0, parameters: 0, secrets: 0 });
    expect(secrets.size).toBe(6);
    for (const secret of secrets) expect(output.includes(secret)).toBe(false);
  });

  it('takes back what an interrupted CREATE made', async () => {
    const interrupting = await writePackage(
      path.join(folder, 'interrupting'),
      `const progress = await packaged.entrypoint(event, context);
       // As Ctrl-C does: to every process of the group.
       process.kill(0, 'SIGINT');
       return progress;`,
    );

    const { exitCode, output } = await runDemo(
      ['--user', UserName, '--yes', '--function', interrupting],
      env,
    );

    expect(output).toContain('Interrupted; cleaning up\nNothing is left behind');
    expect(exitCode).toBe(130);
    expect(await whatIsThere()).toEqual({ keys: 0, parameters: 0, secrets: 0 });
  });

  it('does nothing without a yes', async () => {
    const { exitCode, output } = await runDemo(['--user', UserName], env);

    expect(output).toContain('needs --yes');
    expect(exitCode).toBe(1);
    expect(await whatIsThere()).toEqual({ keys: 0, parameters: 0, secrets: 0 });
  });

  it('does nothing to a user who has a key', async () => {
    await iam.send(new CreateAccessKeyCommand({ UserName }));

    const { exitCode, output } = await runDemo(['--user', UserName, '--yes'], env);

    expect(output).toContain('has access keys already');
    expect(exitCode).toBe(1);
    expect(await whatIsThere()).toEqual({ keys: 1, parameters: 0, secrets: 0 });
  });
});

/** The lines of a picture, but for what each run has anew. */
function shownIn(picture: string): string[] {
  return textsOf(picture).map(withoutChance);
}

function linesOf(output: string): string[] {
  return output.split('\n').map((line) => withoutChance(line.replace(/^(?=› )/, '  ')));
}

function withoutChance(line: string): string {
  return line
    .replace(/\bAKIA\w+/, 'ID')
    .replace(/127\.0\.0\.1:\d+/, 'ADDRESS')
    .replace(/\d+ AWS calls/, 'CALLS')
    .replace(/\d+\.\d+ s\b/, 'TIME');
}

/** What stands at one height is one line. */
function textsOf(picture: string): string[] {
  const lines = new Map<string, string>();
  const texts = picture.matchAll(/<text [^>]*\by="([\d.]+)"[^>]*>([^<]*)<\/text>/g);
  for (const [, y = '', text = ''] of texts) lines.set(y, (lines.get(y) ?? '') + text);
  return [...lines.values()].map((line) =>
    line.replaceAll('&#160;', ' ').replaceAll('&quot;', '"').replaceAll('&#x27;', "'").trimEnd(),
  );
}
