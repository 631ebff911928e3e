import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { crowd } from './aws-answers/crowd.ts';
import { actionOf, breakKms, deny } from './support/behaviours.ts';
import { refuse, type Behaviour } from './support/aws-proxy.ts';
import { ACCOUNT_ID, PREFIX, useLocalType } from './support/local-type.ts';
import { deployed, past, runReport, use, versionArn, type Stack } from './support/report.ts';

interface Json {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
  readonly leftovers: readonly Readonly<Record<string, unknown>>[];
  readonly unread: readonly Readonly<Record<string, unknown>>[];
  readonly totals: Readonly<Record<string, number>>;
}

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const TWO_DAYS = 2 * DAY_MS;
const LOGICAL_ID = 'AccessKey';

const type = useLocalType();

beforeEach(async () => {
  await type.aws.reset();
  type.use(deployed({ stacks: {} }));
});
afterEach(async () => {
  for (const name of await type.parameters()) await type.deleteParameter(name);
});

async function reportAsJson(...args: string[]): Promise<Json> {
  const { stdout, stderr } = await runReport(type, ['--format', 'json', ...args]);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Json;
}

/** A key of the type, in a stack. */
async function createKey(properties: Readonly<Record<string, unknown>>) {
  const { stackId } = type.newStack();
  const created = await type
    .cloudFormation({ stackId })
    .create(properties, { logicalId: LOGICAL_ID });
  return { stackId, id: String(created.resourceModel?.Id) };
}

/** The stacks that have these keys. */
function stacksOf(...keys: { stackId: string; id: string }[]): Record<string, Stack> {
  return Object.fromEntries(
    keys.map(({ stackId, id }) => [
      stackId,
      { status: 'UPDATE_COMPLETE', resources: { [LOGICAL_ID]: id } },
    ]),
  );
}

async function put(Name: string, value: object): Promise<string> {
  const Value = JSON.stringify(value);
  await type.ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString' }));
  return Name;
}

/** What a CREATE writes before it makes a key. */
async function putIntent(userName: string, more: object = {}): Promise<string> {
  const name = `${PREFIX}/pending/${Buffer.from(userName).toString('hex').padEnd(64, '0')}`;
  return put(name, { attemptId: 'attempt', userName, accessKeyIds: [], ...more });
}

async function putPending(SecretId: string, accessKeyId: string): Promise<void> {
  await type.secretsManager.send(
    new PutSecretValueCommand({
      SecretId,
      ClientRequestToken: `org-iam-access-key-${accessKeyId}`,
      SecretString: '{}',
      VersionStages: ['AWSPENDING'],
    }),
  );
}

describe('report of the keys', () => {
  it('shows every key, its last use, and where the type made it', async () => {
    const [bot, partner] = [await type.createUser('bot'), await type.createUser('partner')];
    const secret = await type.createSecret();
    const delivered = await createKey({ UserName: bot, Serial: 3, SecretId: secret.name });
    const kept = await createKey({ UserName: partner, Status: 'Inactive' });
    const foreign = await type.createForeignKey(bot);
    const usedAt = new Date('2026-01-02T03:04:05Z');
    type.use(past(100 * DAY_MS));
    type.use(use(usedAt, foreign));
    type.use(deployed({ stacks: stacksOf(delivered, kept) }));

    const { keys, leftovers, unread, totals } = await reportAsJson();

    expect(keys).toHaveLength(3);
    expect(keys.find(({ accessKeyId }) => accessKeyId === delivered.id)).toMatchObject({
      user: bot,
      status: 'Active',
      ageDays: 100,
      lastUsedService: 'sts',
      stackId: delivered.stackId,
      logicalId: LOGICAL_ID,
      serial: 3,
      secret: secret.name,
      position: 'current',
    });
    expect(keys.find(({ accessKeyId }) => accessKeyId === kept.id)).toEqual({
      user: partner,
      accessKeyId: kept.id,
      status: 'Inactive',
      created: expect.stringMatching(/^20/),
      ageDays: 100,
      lastUsed: 'never',
      stackId: kept.stackId,
      logicalId: LOGICAL_ID,
      secret: 'parameter',
      position: 'current',
      marks: [],
    });
    expect(keys.find(({ accessKeyId }) => accessKeyId === foreign)).toEqual({
      user: bot,
      accessKeyId: foreign,
      status: 'Active',
      created: expect.stringMatching(/^20/),
      ageDays: 100,
      lastUsed: usedAt.toISOString(),
      lastUsedService: 's3',
      lastUsedRegion: 'eu-west-1',
      marks: [],
    });
    expect({ leftovers, unread }).toEqual({ leftovers: [], unread: [] });
    expect(totals).toMatchObject({ users: 2, keys: 3, ofType: 2, inNoStack: 0, leftovers: 0 });
  });

  it('says the same as a table, with a chart, and as CSV', async () => {
    const bot = await type.createUser('bot');
    const formula = await type.createUser('=1+1,A1');
    const key = await createKey({ UserName: bot, Serial: 3 });
    const foreign = await type.createForeignKey(formula);
    const other = await put(`${PREFIX}/other`, {});
    type.use(past(400 * DAY_MS, (id) => id === key.id));
    type.use(deployed({ stacks: stacksOf(key) }));

    const table = await runReport(type);
    const csv = await runReport(type, ['--format', 'csv']);

    expect(table.stdout).toMatch(
      new RegExp(`^bot +${key.id} +Active +400 .* app/${LOGICAL_ID}, serial 3, .*current$`, 'm'),
    );
    expect(table.stdout).toMatch(new RegExp(`^=1\\+1,A1 +${foreign} +Active +0 +never$`, 'm'));
    expect(table.stdout).toMatch(/^ +366-730 +1 █+$/m);
    expect(table.stdout).toMatch(/^2 keys of 2 users: 0 old, 0 unused, 1 of the type, 0 /m);
    const rows = await parseCsv(csv.stdout);
    expect(
      rows.map(({ kind, user, accessKeyId, name }) => [kind, user, accessKeyId, name]),
    ).toEqual([
      ['key', "'=1+1,A1", foreign, ''],
      ['key', bot, key.id, ''],
      ['parameter', '', '', other],
    ]);
    expect(rows[1]).toMatchObject({ serial: '3', secret: 'parameter', position: 'current' });
    expect([table.stderr, csv.stderr]).toEqual(['', '']);
  });

  it('marks what is too old or unused, by the exit status, too; keys that are off never', async () => {
    const [bot, off] = [await type.createUser('bot'), await type.createUser('off')];
    const ids = [await type.createForeignKey(bot), await type.createForeignKey(bot)];
    const inactive = await type.createForeignKey(off);
    await type.setStatus(off, inactive, 'Inactive');
    type.use(past(100 * DAY_MS));
    type.use(use(new Date(Date.now() - 50 * DAY_MS), ids[0] ?? ''));
    const marksFor = async (...args: string[]) => {
      const { stdout, exitCode } = await runReport(type, ['--format', 'json', ...args]);
      const { keys } = JSON.parse(stdout) as Json;
      const marks = Object.fromEntries(keys.map((key) => [String(key.accessKeyId), key.marks]));
      return { exitCode, marks: [...ids, inactive].map((id) => marks[id]) };
    };

    expect(await marksFor()).toEqual({ exitCode: 0, marks: [[], [], []] });
    expect(await marksFor('--max-age', '100', '--unused', '100')).toEqual({
      exitCode: 0,
      marks: [[], [], []],
    });
    expect(await marksFor('--max-age', '99')).toEqual({
      exitCode: 1,
      marks: [['old'], ['old'], []],
    });
    expect(await marksFor('--max-age', '200', '--unused', '50')).toEqual({
      exitCode: 1,
      marks: [[], ['unused'], []],
    });
  });

  it('goes through every page of users, or through those of one path', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      await type.createUser(name, { Path: name < 'c' ? '/ci/' : '/' });
      await type.createForeignKey(name);
    }
    type.pageSizes.users = 1;

    const all = await reportAsJson();
    const some = await reportAsJson('--user-path', '/ci/');

    expect(all.keys.map(({ user }) => user)).toEqual(['a', 'b', 'c', 'd']);
    expect(some.keys.map(({ user }) => user)).toEqual(['a', 'b']);
  });

  it.each<[string, string, (key: string) => Stack | undefined]>([
    ['stack app is gone', 'in no stack', () => undefined],
    [
      'stack app is gone',
      'in no stack',
      (key) => ({
        status: 'DELETE_COMPLETE',
        resources: { [LOGICAL_ID]: [key, 'DELETE_SKIPPED'] },
      }),
    ],
    [
      `stack app has no ${LOGICAL_ID}`,
      'in no stack',
      () => ({ status: 'UPDATE_COMPLETE', resources: {} }),
    ],
    [
      `${LOGICAL_ID} of stack app is another key`,
      'in no stack',
      () => ({ status: 'UPDATE_COMPLETE', resources: { [LOGICAL_ID]: 'AKIAIOSFODNN7EXAMPLE' } }),
    ],
    [
      'nothing of a stack that is being changed',
      'current',
      () => ({
        status: 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
        resources: { [LOGICAL_ID]: 'AKIAIOSFODNN7EXAMPLE' },
      }),
    ],
  ])('says of a key that no stack has: %s (%#)', async (note, position, stack) => {
    const key = await createKey({ UserName: await type.createUser() });
    const found = stack(key.id);
    type.use(deployed({ stacks: found ? { [key.stackId]: found } : {} }));

    const { keys, leftovers } = await reportAsJson();

    expect(keys).toMatchObject([{ accessKeyId: key.id, position }]);
    expect(keys[0]?.note).toBe(position === 'current' ? undefined : note);
    expect(leftovers).toEqual([]);
  });

  it('counts a key that a rotation keeps among the resource of its successor', async () => {
    const { stackId } = type.newStack();
    const cloudFormation = type.cloudFormation({ stackId });
    const rotated = { UserName: await type.createUser(), PreviousKey: 'Inactive' };
    const ids: string[] = [];
    for (const Serial of [1, 2]) {
      const created = await cloudFormation.create(
        { ...rotated, Serial },
        { logicalId: LOGICAL_ID },
      );
      ids.push(String(created.resourceModel?.Id));
    }
    const [id = '', successorId = ''] = ids;
    await cloudFormation.delete(id, { logicalId: LOGICAL_ID });
    const positions = async () => {
      const { keys } = await reportAsJson();
      return new Map(keys.map(({ accessKeyId, position }) => [accessKeyId, position]));
    };
    type.use(deployed({ stacks: stacksOf({ stackId, id: successorId }) }));
    const whileItHasASuccessor = await positions();
    type.use(deployed({ stacks: stacksOf({ stackId, id }) }));
    const otherwise = await positions();

    expect([...whileItHasASuccessor].sort()).toEqual(
      [
        [id, 'previous'],
        [successorId, 'current'],
      ].sort(),
    );
    expect([...otherwise.values()]).toEqual(['in no stack', 'in no stack']);
  });

  it('believes no record that somebody else wrote, and shows no odd text of it', async () => {
    const userName = await type.createUser();
    const [half, odd] = [
      await type.createForeignKey(userName),
      await type.createForeignKey(userName),
    ];
    await put(`${PREFIX}/${half}`, { userName, stackId: 'arn:aws:cloudformation' });
    await put(`${PREFIX}/${odd}`, {
      userName,
      secretAccessKey: 'planted',
      clientRequestToken: 'token',
      stackId: `arn:aws:cloudformation:eu-west-1:${ACCOUNT_ID}:stack/app/\u001b[31m`,
      logicalResourceId: 'Two\nlines',
      serial: '\u001b[0m',
    });

    const { stdout } = await runReport(type);
    const { keys } = await reportAsJson();

    expect(stdout).not.toMatch(/\u001b|^lines|planted/m);
    expect(keys.find(({ accessKeyId }) => accessKeyId === half)).toMatchObject({
      note: 'its record is not as the type writes it',
    });
    expect(keys.find(({ accessKeyId }) => accessKeyId === odd)).not.toHaveProperty('stackId');
  });

  it('goes at the pace that IAM takes', async () => {
    for (const name of ['a', 'b', 'c']) await type.createForeignKey(await type.createUser(name));
    let refused = 0;
    type.use((call, next) => {
      if (call.action !== 'ListAccessKeys' || refused >= 2) return next(call);
      refused += 1;
      return refuse(call, 400, 'Throttling', 'Rate exceeded');
    });

    const { keys, unread } = await reportAsJson();

    expect(refused).toBe(2);
    expect([keys.length, unread]).toEqual([3, []]);
  });

  it('shows its progress on a terminal only', async () => {
    await type.createForeignKey(await type.createUser());

    const piped = await runReport(type, ['--format', 'csv']);
    const shown = await runReport(type, ['--format', 'csv'], { typed: '' });

    expect(piped.stderr).toBe('');
    expect(piped.stdout).not.toContain('\u001b');
    expect(shown.stdout).toContain('\r\u001b[Kparameters, ');
  });
});

describe('report of 5,000 users', () => {
  const lastUses: Behaviour = (call, next) => {
    const { AccessKeyId } = call.parameters;
    if (call.action !== 'GetAccessKeyLastUsed' || !String(AccessKeyId).startsWith('AKIACROWD'))
      return next(call);
    const body =
      '<R><GetAccessKeyLastUsedResult><UserName>crowd</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed></GetAccessKeyLastUsedResult></R>';
    return { status: 200, headers: { 'content-type': 'text/xml' }, body };
  };

  /** Runs the report, which has to have written each page before it asks for the next. */
  async function reportOn(users: number, format: string): Promise<{ peakBytes: number }> {
    let written = '';
    const early: number[] = [];
    type.use(crowd(users));
    type.use(async (call, next) => {
      const asked = Number(call.parameters.Marker ?? 0);
      const isWritten = () => asked === 0 || written.includes(`crowd-${asked - 1}`);
      if (call.action !== 'ListUsers') return next(call);
      for (let wait = 0; wait < 500 && !isWritten(); wait += 1) await sleep(10);
      if (!isWritten() || call.parameters.MaxItems !== '100') early.push(asked);
      return next(call);
    });

    const { exitCode, stdout, stderr } = await runReport(
      type,
      ['--format', format, '--max-age', '90'],
      {
        nodeArguments: ['--expose-gc', '--import', `data:text/javascript,${WATCH_HEAP}`],
        onOutput: (text) => (written = (written + text).slice(-100_000)),
      },
    );

    expect(early).toEqual([]);
    expect(new Set(stdout.match(/AKIACROWD\d+/g)).size).toBe(users);
    expect(exitCode).toBe(1);
    return { peakBytes: Number(/PEAK (\d+)/.exec(stderr)?.[1]) };
  }

  const WATCH_HEAP = encodeURIComponent(`
    let peak = 0;
    setInterval(() => { gc(); peak = Math.max(peak, process.memoryUsage().heapUsed); }, 500).unref();
    process.on('exit', () => console.error('PEAK ' + peak));
  `);

  it('holds one page of them, and takes no more memory than one of 500', async () => {
    type.use(lastUses);

    const few = await reportOn(500, 'table');
    const many = await reportOn(5_000, 'table');

    // Rows that are held would take 600 bytes and more each.
    expect(many.peakBytes - few.peakBytes).toBeLessThan(4_500 * 400);
  });

  it.each(['json', 'csv'])('holds one page of them as %s, too', async (format) => {
    type.use(lastUses);

    const { peakBytes } = await reportOn(300, format);

    expect(peakBytes).toBeGreaterThan(0);
  });
});

describe('report of what should not be there', () => {
  const TWO_HOURS = 2 * HOUR_MS;

  it('names it, and --clean removes what is proved to be left behind, nothing else', async () => {
    const secret = await type.createSecret('{}');
    const intents: Record<string, string> = {};
    const users = [
      'orphan',
      'nothing',
      'used',
      'several',
      'recorded',
      'earlier',
      'known',
      'undone',
    ];
    const earlier = await type.createForeignKey(await type.createUser('earlier'));
    const known = await type.createForeignKey(await type.createUser('known'));
    for (const user of users) {
      if (!['earlier', 'known'].includes(user)) await type.createUser(user);
      const more = {
        ...(user === 'orphan' && { secretId: secret.name }),
        ...(user === 'known' && { accessKeyIds: [known] }),
      };
      intents[user] = await putIntent(user, more);
    }
    intents.gone = await putIntent('gone');
    const keyOf = (user: string) => type.createForeignKey(user);
    const orphan = await keyOf('orphan');
    await putPending(secret.name, orphan);
    await type.tag('orphan', { [orphan]: 'What it is for', team: 'ci' });
    const used = await keyOf('used');
    const several = [await keyOf('several'), await keyOf('several')];
    const recorded = await keyOf('recorded');
    await put(`${PREFIX}/${recorded}`, {
      userName: 'recorded',
      secretAccessKey: 'planted',
      clientRequestToken: 'token',
    });
    const undone = await keyOf('undone');
    await type.overwriteParameter(
      intents.undone ?? '',
      JSON.stringify({ userName: 'undone', accessKeyIds: [], discarding: undone }),
    );
    const dead = 'AKIAIOSFODNN7EXAMPLE';
    const record = await put(`${PREFIX}/${dead}`, {
      userName: 'used',
      secretAccessKey: 'planted',
      clientRequestToken: 'token',
    });
    const other = await put(`${PREFIX}/other`, {});
    const otherSecret = await type.createSecret('{}');
    await putPending(otherSecret.name, dead);
    type.use(past(TWO_HOURS));
    type.use(past(HOUR_MS, (id) => id === earlier));
    type.use(use(new Date(), used));
    const roles = { '00000002': 'narrow', '00000001': 'wide', '00000003': 'narrow' };
    type.use(deployed({ stacks: {}, versions: roles }));

    const { leftovers } = await reportAsJson();
    const reading = new Set(type.calls.map(actionOf));
    const before = { keys: await type.allKeys(), parameters: await type.parameters() };
    const { stderr, exitCode } = await runReport(type, ['--clean', '--yes']);
    const cleaning = new Set(type.calls.map(actionOf)).difference(reading);

    const notes = Object.fromEntries(
      leftovers.map(({ name, note, removable }) => [name, `${String(note)}, ${String(removable)}`]),
    );
    expect(notes).toEqual({
      [intents.orphan ?? '']: 'nobody knows the secret of its key, true',
      [intents.nothing ?? '']: 'it made no key that lives, true',
      [intents.used ?? '']: 'the key that may be its own was used, false',
      [intents.several ?? '']: 'any of these keys may be its own, false',
      [intents.recorded ?? '']: 'it made no key that lives, true',
      [intents.earlier ?? '']: 'it made no key that lives, true',
      [intents.known ?? '']: 'it made no key that lives, true',
      [intents.undone ?? '']: 'an undo of its CREATE did not end, false',
      [intents.gone]: 'IAM knows no such user, false',
      [record]: 'its key is gone, true',
      [other]: 'the type did not write it, false',
      [`${secret.arn} org-iam-access-key-${orphan}`]: 'AWSPENDING; its key lives, false',
      [`${otherSecret.arn} org-iam-access-key-${dead}`]: 'AWSPENDING; its key is gone, true',
      [versionArn('00000001')]:
        'it has wide, the default version narrow: make deregister-old-versions, false',
    });
    expect(leftovers.find(({ name }) => name === intents.several)?.accessKeyIds).toEqual(
      expect.arrayContaining(several),
    );
    expect(before.keys).toHaveLength(8);
    expect(await type.allKeys()).toEqual(before.keys.filter((key) => !key.includes(orphan)));
    expect(await type.parameters()).toEqual(
      [
        intents.used,
        intents.several,
        intents.undone,
        intents.gone,
        `${PREFIX}/${recorded}`,
        other,
      ].sort(),
    );
    expect(await type.stagesOf(secret.name)).not.toHaveProperty('AWSPENDING');
    expect(await type.stagesOf(otherSecret.name)).not.toHaveProperty('AWSPENDING');
    expect(await type.tagsOf('orphan')).toEqual({ team: 'ci' });
    expect(stderr).toContain(`Removed access key ${orphan} of user orphan, parameter`);
    expect(exitCode).toBe(0);
    const guide = await readFile('guides/report.md', 'utf8');
    const [policy = '', rest = ''] = guide.split(/^## Permissions$/m)[1]?.split(/\n```\n/) ?? [];
    const actionsIn = (text: string) =>
      text.match(/\b(iam|cloudformation|secretsmanager|ssm):\w+/g)?.sort();
    const stack = ['cloudformation:DescribeStackResource', 'cloudformation:DescribeStacks'];
    expect([...reading.difference(new Set(['sts:GetCallerIdentity'])), ...stack].sort()).toEqual(
      actionsIn(policy.split('```json')[1] ?? ''),
    );
    expect([...cleaning].sort()).toEqual(actionsIn(rest));
  });

  it('leaves a CREATE alone that may be running, with what it has in hand', async () => {
    const secret = await type.createSecret('{}');
    const user = await type.createUser();
    const young = await putIntent(user);
    const key = await type.createForeignKey(user);
    const dead = 'AKIAIOSFODNN7EXAMPLE';
    const record = await put(`${PREFIX}/${dead}`, { userName: user });
    await putPending(secret.name, key);
    await putPending((await type.createSecret('{}')).name, dead);
    type.use(past(HOUR_MS - 60_000));

    const { leftovers } = await reportAsJson();
    const { stderr } = await runReport(type, ['--clean', '--yes']);

    expect(leftovers).toMatchObject([
      { kind: 'secret version', note: 'AWSPENDING; its key is not known', removable: false },
    ]);
    expect(await type.parameters()).toEqual([record, young].sort());
    expect(await type.allKeys()).toEqual([`${user} ${key}`]);
    expect(stderr).toBe('Nothing to remove\n');
  });

  it('asks at a terminal, and removes nothing without a yes', async () => {
    const user = await type.createUser();
    const intent = await putIntent(user);
    const orphan = await type.createForeignKey(user);
    type.use(past(TWO_HOURS));

    const piped = await runReport(type, ['--clean', '--format', 'json']);
    const refused = await runReport(type, ['--clean'], { typed: 'n\n' });
    const left = { keys: await type.keysOf(user), parameters: await type.parameters() };
    const accepted = await runReport(type, ['--clean'], { typed: 'y\n' });

    expect(JSON.parse(piped.stdout)).toMatchObject({ leftovers: [{ name: intent }] });
    expect(piped.stderr).toContain(`access key ${orphan} of user ${user}, parameter ${intent}`);
    expect(piped.stderr).toContain('needs --yes');
    expect(refused.stdout).toContain('Nothing is removed');
    expect(left).toMatchObject({ keys: [{ id: orphan }], parameters: [intent] });
    expect(accepted.stdout).toContain('Removed access key');
    expect([await type.keysOf(user), await type.parameters()]).toEqual([[], []]);
    expect([piped.exitCode, refused.exitCode, accepted.exitCode]).toEqual([0, 0, 0]);
  });

  it('does not remove what has changed since it was shown', async () => {
    const user = await type.createUser();
    await putIntent(user);
    const orphan = await type.createForeignKey(user);
    let looks = 0;
    type.use(past(TWO_HOURS));
    type.use((call, next) => {
      if (call.action !== 'GetAccessKeyLastUsed') return next(call);
      looks += 1;
      return looks > 2 ? use(new Date(), orphan)(call, next) : next(call);
    });

    const { stderr, exitCode } = await runReport(type, ['--clean', '--yes']);

    expect(stderr).toMatch(/^Not removed: .*no longer what was shown/m);
    expect(await type.keysOf(user)).toMatchObject([{ id: orphan }]);
    expect(await type.parameters()).toHaveLength(1);
    expect(exitCode).toBe(2);
  });

  it('keeps to the users below the path', async () => {
    const inside = await type.createUser('inside', { Path: '/ci/' });
    const outside = await type.createUser('outside');
    const intents = [await putIntent(inside), await putIntent(outside)];
    const orphans = [await type.createForeignKey(inside), await type.createForeignKey(outside)];
    const dead = await put(`${PREFIX}/AKIAIOSFODNN7EXAMPLE`, { userName: outside });
    const nobodys = await put(`${PREFIX}/AKIAIOSFODNN8EXAMPLE`, { userName: 'gone' });
    type.use(past(TWO_HOURS));

    const { leftovers } = await reportAsJson('--user-path', '/ci/');
    await runReport(type, ['--user-path', '/ci/', '--clean', '--yes']);

    expect(leftovers.map(({ name, removable }) => [name, removable])).toEqual([
      [intents[0], true],
      [nobodys, false],
    ]);
    expect(await type.allKeys()).toEqual([`outside ${String(orphans[1])}`]);
    expect(await type.parameters()).toEqual([intents[1], dead, nobodys].sort());
  });

  it('names what it could not remove', async () => {
    const user = await type.createUser();
    const intent = await putIntent(user);
    const orphan = await type.createForeignKey(user);
    type.use(past(TWO_HOURS));
    type.use(deny('iam:DeleteAccessKey'));

    const { stderr, exitCode } = await runReport(type, ['--clean', '--yes']);

    expect(stderr).toMatch(/^Not removed: .*needs the permission iam:DeleteAccessKey/m);
    expect(stderr).toContain(`left behind, delete it: access key ${orphan} of user ${user}`);
    expect(await type.parameters()).toEqual([intent]);
    expect(exitCode).toBe(2);
  });
});

describe('report for a caller who may not read everything', () => {
  it.each([
    ['iam:ListUsers', 'users', 2],
    ['iam:ListAccessKeys', 'the keys of a user', 2],
    ['iam:GetAccessKeyLastUsed', 'when a key was last used', 2],
    ['iam:GetUser', 'what an intent made', 0],
    ['ssm:GetParametersByPath', 'parameters', 0],
    ['ssm:GetParameters', 'the record of a key', 0],
    ['secretsmanager:ListSecrets', 'secrets', 0],
    ['secretsmanager:DescribeSecret', 'a secret', 0],
    ['cloudformation:DescribeStackResource', 'the stack of a key', 0],
    ['cloudformation:ListTypeVersions', "the type's versions", 0],
  ])('shows the rest without %s', async (permission, what, status) => {
    const user = await type.createUser();
    const secret = await type.createSecret('{}');
    const key = await createKey({ UserName: user });
    await putIntent(user);
    await putPending(secret.name, 'AKIAIOSFODNN7EXAMPLE');
    type.use(deployed({ stacks: stacksOf(key) }));
    type.use(past(TWO_DAYS));
    type.use(deny(permission));

    const { stdout, stderr, exitCode } = await runReport(type, [
      ...['--format', 'json', '--unused', '45', '--clean', '--yes'],
    ]);

    const { keys, unread } = JSON.parse(stdout) as Json;
    const isListed = !/:List(Users|AccessKeys)$/.test(permission);
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(isListed ? [key.id] : []);
    expect(unread).toContainEqual(expect.objectContaining({ what, permission, count: 1 }));
    expect(stderr).not.toContain('at ');
    expect(await type.allKeys()).toEqual([`${user} ${key.id}`]);
    expect(await type.parameters()).toContain(`${PREFIX}/${key.id}`);
    expect(exitCode).toBe(status);
  });

  it('says of a table and of CSV what is missing', async () => {
    type.use(deny('ssm:GetParametersByPath'));

    const table = await runReport(type);
    const csv = await runReport(type, ['--format', 'csv']);

    expect(table.stdout).toMatch(/^ +parameters: ssm:GetParametersByPath is missing$/m);
    expect(csv.stdout).toMatch(/^unread,.*parameters,,,ssm:GetParametersByPath is missing\r$/m);
  });

  it.each(['disabled', 'denied'] as const)(
    'leaves a record and an intent alone whose KMS key is %s',
    async (fault) => {
      const user = await type.createUser();
      const key = await createKey({ UserName: user });
      const intent = await putIntent(user);
      type.use(past(TWO_DAYS));
      type.use(breakKms(fault, () => true));

      const { keys, leftovers, unread } = await reportAsJson();

      const note = 'its record cannot be decrypted';
      expect(keys).toMatchObject([{ accessKeyId: key.id, note }]);
      expect(leftovers).toMatchObject([
        { name: intent, note: 'it could not be read', removable: false },
      ]);
      expect(unread.map(({ permission }) => permission)).toEqual(
        fault === 'denied' ? ['kms:Decrypt', 'kms:Decrypt'] : [undefined, undefined],
      );
    },
  );

  it('fails with one line where there is no account to look at', async () => {
    type.use(deny('sts:GetCallerIdentity'));

    const { stdout, stderr, exitCode } = await runReport(type);

    expect(stdout).toBe('');
    expect(stderr).toMatch(/^report: .*sts:GetCallerIdentity.*\n$/);
    expect(exitCode).toBe(2);
  });

  it.each([
    [['--all']],
    [['--format', 'xml']],
    [['--max-age', 'old']],
    [['--user-path', 'ci']],
    [['--prefix', 'org']],
    [['--yes']],
  ])('explains itself to whoever asks for %j', async (args) => {
    const { stderr, exitCode } = await runReport(type, args);

    expect(stderr).toContain('--user-path PATH');
    expect(exitCode).toBe(2);
  });
});

async function parseCsv(text: string): Promise<Record<string, string>[]> {
  const program = 'import csv, json, sys; print(json.dumps(list(csv.DictReader(sys.stdin))))';
  const parsing = promisify(execFile)('.venv/bin/python', ['-c', program]);
  parsing.child.stdin?.end(text);
  return JSON.parse((await parsing).stdout) as Record<string, string>[];
}
