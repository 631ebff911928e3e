import { createInterface } from 'node:readline/promises';
import { openLocalAccount, openProfileAccount, type Account } from './account.ts';
import { life, type Step } from './life.ts';
import { migrationOf } from './migration.ts';
import { toOptions, USAGE, UsageError, type Options } from './options.ts';
import { Stage } from './stage.ts';
import { play } from './task-list.ts';

const EXIT_INTERRUPTED = 130;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      interruption.abort(new Error('interrupted'));
    });
  }
  const exitStatus = await run(args, interruption.signal).catch((error: unknown) => {
    if (!interruption.signal.aborted) {
      console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    }
    return error instanceof UsageError ? 2 : 1;
  });
  return interruption.signal.aborted ? EXIT_INTERRUPTED : exitStatus;
}

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = toOptions(args);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const isLocal = !process.env.AWS_PROFILE || options.user === undefined;
  const account = await (isLocal ? openLocalAccount() : openProfileAccount());
  try {
    return await demonstrate(account, options, signal);
  } finally {
    await account.stop();
  }
}

async function demonstrate(
  account: Account,
  { user: userName = 'ci-bot', folder, yes, migrate }: Options,
  signal: AbortSignal,
): Promise<number> {
  const stage = await Stage.open(account, { userName, folder, signal });
  try {
    if (account.isLocal) announce(account, userName);
    else if (!(await isAllowed(stage, yes, signal))) return 1;
    return await (migrate
      ? perform(migrationOf(stage), 'A whole migration', stage, signal)
      : perform(life, 'A whole life', stage, signal));
  } finally {
    await stage.lambda.stop();
  }
}

function announce({ endpoint }: Account, userName: string): void {
  const unused = process.env.AWS_PROFILE ? '; AWS_PROFILE counts with --user only' : '';
  console.log(`Local AWS at ${String(endpoint)}, user ${userName}${unused}\n`);
}

async function isAllowed(stage: Stage, yes: boolean, signal: AbortSignal): Promise<boolean> {
  const { accountId, region } = stage.account;
  const ids = Object.keys(await stage.keys());
  if (ids.length > 0) {
    throw new Error(
      `user ${stage.userName} of account ${accountId} has access keys already (${ids.join(', ')}); ` +
        'name a user who has none, so that no key in use is at risk',
    );
  }
  const intention = `This will create and delete access keys of user ${stage.userName} and the secret ${stage.secret.name} in account ${accountId}, region ${region}.`;
  if (yes) {
    console.log(`${intention}\n`);
    return true;
  }
  if (!process.stdin.isTTY)
    throw new Error(`${intention} Without a terminal to ask at, it needs --yes`);
  // A terminal interface would keep Ctrl-C to itself.
  const prompt = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: false,
  });
  try {
    return /^y(es)?$/i.test(await prompt.question(`${intention} Continue? [y/N] `, { signal }));
  } finally {
    prompt.close();
  }
}

async function perform(
  steps: readonly Step[],
  name: string,
  stage: Stage,
  signal: AbortSignal,
): Promise<number> {
  // In an account, what the function is at must come to its end, or nobody knows what it made.
  if (stage.account.isLocal) signal.addEventListener('abort', () => void stage.lambda.kill());
  const startedAt = performance.now();
  const calls = await play(steps, stage, signal).catch(() => undefined);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);

  if (calls !== undefined) {
    console.log(`\n${name}: ${steps.length} steps, ${calls} AWS calls, ${seconds} s`);
    return 0;
  }
  console.error(
    signal.aborted ? '\nInterrupted; cleaning up' : '\nNot as it should be; cleaning up',
  );
  const left = await stage.cleanUp().catch((error: unknown) => {
    throw new Error(
      `cleaning up: ${String(error)}; keys made in this run, delete those that are still there: ` +
        (stage.made.join(', ') || 'none'),
    );
  });
  if (left.length > 0) console.error(`Left behind, look whose it is: ${left.join(', ')}`);
  else if (!stage.account.isLocal) console.error('Nothing is left behind');
  return 1;
}
