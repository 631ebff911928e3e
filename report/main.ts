import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Aws, Unread } from './aws.ts';
import { FORMAT_OF, type Totals } from './formats.ts';
import { KEYS, LAST_USE, USERS, walkKeys } from './keys.ts';
import { Leftovers, type Leftover } from './leftovers.ts';
import { toOptions, USAGE, type Options } from './options.ts';
import { Progress } from './progress.ts';
import { listParameters } from './records.ts';

const EXIT = { clean: 0, marked: 1, failed: 2 } as const;

/** Whoever reads the report may have seen enough, as `head` does. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.failed);
});

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof Error)) throw error;
  console.error(`report: ${error.message}`);
  return EXIT.failed;
});

async function main(args: string[]): Promise<number> {
  const options = toOptions(args);
  if (options.help) {
    console.log(USAGE);
    return EXIT.clean;
  }
  const progress = new Progress();
  const unread = new Unread();
  try {
    const aws = await Aws.open(options.prefix);
    const { totals, removable } = await report(aws, unread, options, progress);
    const isClean = !options.clean || (await clean(removable, options));
    return isClean ? toExitStatus(totals, unread, options) : EXIT.failed;
  } finally {
    progress.clear();
  }
}

/** Writes what is known as soon as it is known, and holds no more than a page of keys. */
async function report(
  aws: Aws,
  unread: Unread,
  options: Options,
  progress: Progress,
): Promise<{ totals: Totals; removable: Leftover[] }> {
  const totals = { users: 0, keys: 0, old: 0, unused: 0, ofType: 0, inNoStack: 0, leftovers: 0 };
  const removable: Leftover[] = [];
  const format = FORMAT_OF[options.format]();
  const write = async (text: string): Promise<void> => {
    progress.clear();
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
  };

  await write(format.begin(aws, new Date()));
  progress.say('parameters');
  const names = await unread.allow('parameters', listParameters(aws));
  const say = (users: number): void => {
    progress.say(`${users} users`);
  };
  for await (const { users, rows } of walkKeys(aws, unread, options, names, say)) {
    totals.users += users;
    for (const { marks, made, position } of rows) {
      totals.keys += 1;
      totals.old += Number(marks.includes('old'));
      totals.unused += Number(marks.includes('unused'));
      totals.ofType += Number(made !== undefined);
      totals.inNoStack += Number(position === 'in no stack');
    }
    await write(format.keys(rows));
    progress.say(`${totals.users} users`);
  }
  progress.say('leftovers');
  for await (const leftover of new Leftovers(aws, unread, options.userPath).find(names)) {
    totals.leftovers += 1;
    if (leftover.removal) removable.push(leftover);
    await write(format.leftover(leftover));
    progress.say('leftovers');
  }
  await write(format.end(totals, unread.gaps));
  return { totals, removable };
}

/** @returns whether all that was to be removed is. */
async function clean(removable: readonly Leftover[], { yes }: Options): Promise<boolean> {
  const removals = removable.flatMap(({ removal }) => removal ?? []);
  if (removals.length === 0) {
    console.error('Nothing to remove');
    return true;
  }
  console.error(`To be removed:\n${removals.map(({ what }) => `  ${what}\n`).join('')}`);
  if (!yes && !process.stdin.isTTY) {
    console.error('Nothing is removed: without a terminal to ask at, it needs --yes');
    return true;
  }
  if (!yes && !(await ask('Remove all of this? [y/N] '))) {
    console.error('Nothing is removed');
    return true;
  }
  let isClean = true;
  for (const { what, run } of removals) {
    try {
      await run();
      console.error(`Removed ${what}`);
    } catch (error) {
      isClean = false;
      console.error(`Not removed: ${what}: ${(error as Error).message}`);
    }
  }
  return isClean;
}

async function ask(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    return /^y(es)?$/i.test(await prompt.question(question));
  } finally {
    prompt.close();
  }
}

/** Keys that could not be read must not look like none that is marked. */
function toExitStatus({ old, unused }: Totals, { gaps }: Unread, options: Options): number {
  if (old + unused > 0) return EXIT.marked;
  const needed = [USERS, KEYS, ...(options.unused === undefined ? [] : [LAST_USE])];
  return gaps.some(({ what }) => needed.includes(what)) ? EXIT.failed : EXIT.clean;
}
