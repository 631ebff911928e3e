import { IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import pMap from 'p-map';
import type { LastUse } from '../src/aws/access-key-owner.ts';
import type { AccessKey } from '../src/aws/access-keys.ts';
import { callAws, present } from '../src/aws/errors.ts';
import { ifFound } from '../src/runtime/progress-event.ts';
import type { Aws, Unread } from './aws.ts';
import type { Options } from './options.ts';
import { toMade, type Made, type ParameterNames } from './records.ts';
import { findWhyInNoStack } from './stacks.ts';

export type Mark = 'old' | 'unused';

/** An access key, and where the type made it. */
export interface KeyRow {
  readonly accessKey: AccessKey;
  readonly ageDays: number;
  /** Undefined where it could not be read. */
  readonly lastUse: LastUse | undefined;
  /** Undefined for a key that the type did not make, or of which it cannot be told. */
  readonly made: Made | undefined;
  readonly position: 'current' | 'previous' | 'in no stack' | undefined;
  readonly marks: readonly Mark[];
  readonly note: string | undefined;
}

export interface Page {
  readonly users: number;
  readonly rows: readonly KeyRow[];
}

/** What a gap may be about. */
export const USERS = 'users';
export const KEYS = 'the keys of a user';
export const LAST_USE = 'when a key was last used';

const USERS_A_PAGE = 100;
const USERS_AT_ONCE = 8;
const STACKS_AT_ONCE = 4;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Walks over all users, a page of them at a time: no more than that is held.
 *
 * @param names of the type's parameters, from which the records of the keys that are met are taken
 *   out; undefined where they could not be listed.
 */
export async function* walkKeys(
  aws: Aws,
  unread: Unread,
  options: Options,
  names: ParameterNames | undefined,
  say: (users: number) => void,
): AsyncGenerator<Page> {
  const startedAt = new Date();
  let marker: string | undefined;
  let users = 0;
  do {
    const page = await unread.allow(USERS, listUsers(aws, options.userPath, marker));
    if (!page) return;
    const lists = await pMap(
      page.userNames,
      async (userName) => {
        const keys = aws.at('iam', (_, { accessKeys }) => ifFound(accessKeys.list(userName)));
        const listed = await unread.allow(KEYS, keys);
        users += 1;
        say(users);
        return listed ?? [];
      },
      { concurrency: USERS_AT_ONCE },
    );
    const accessKeys = lists.flat();
    const mayHaveRecord = ({ accessKeyId, createDate }: AccessKey): boolean =>
      !names || names.records.has(accessKeyId) || createDate > startedAt;
    const made = await readRecords(aws, unread, accessKeys.filter(mayHaveRecord));
    for (const { accessKeyId } of accessKeys) names?.records.delete(accessKeyId);
    const used = await pMap(
      accessKeys,
      async (accessKey) => ({ accessKey, lastUse: await readLastUse(aws, unread, accessKey) }),
      { concurrency: USERS_AT_ONCE },
    );
    const rows = await pMap(
      used.filter(({ lastUse }) => lastUse !== 'gone'),
      async ({ accessKey, lastUse }) =>
        toRow(
          accessKey,
          lastUse as LastUse | undefined,
          await place(aws, unread, accessKey, made.get(accessKey.accessKeyId)),
          options,
          startedAt,
        ),
      { concurrency: STACKS_AT_ONCE },
    );
    yield { users: page.userNames.length, rows };
    marker = page.marker;
  } while (marker);
}

async function listUsers(
  aws: Aws,
  PathPrefix: string,
  Marker: string | undefined,
): Promise<{ userNames: string[]; marker: string | undefined }> {
  return aws.at('iam', (session) =>
    callAws('listing users', async () => {
      const command = new ListUsersCommand({ PathPrefix, Marker, MaxItems: USERS_A_PAGE });
      const answer = await session.client(IAMClient).send(command);
      const userNames = present(answer.Users).map(({ UserName }) => present(UserName));
      return { userNames, marker: answer.IsTruncated ? answer.Marker : undefined };
    }),
  );
}

async function readLastUse(
  aws: Aws,
  unread: Unread,
  { accessKeyId }: AccessKey,
): Promise<LastUse | 'gone' | undefined> {
  const asking = aws.at('iam', async (_, { accessKeyOwner }) => {
    return (await accessKeyOwner.findLastUse(accessKeyId)) ?? 'gone';
  });
  return unread.allow(LAST_USE, asking);
}

type Record = Made | 'unreadable';

async function readRecords(
  aws: Aws,
  unread: Unread,
  accessKeys: readonly AccessKey[],
): Promise<Map<string, Record>> {
  const what = 'the record of a key';
  const reading = aws.at('ssm', (_, { records, parameters }) =>
    parameters.get(accessKeys.map(({ accessKeyId }) => records.nameOf(accessKeyId))),
  );
  const found = await unread.allow(what, reading, accessKeys.length);
  const read = new Map<string, Record>();
  for (const { accessKeyId } of accessKeys) {
    const parameter = found?.get(`${aws.prefix}/${accessKeyId}`);
    if (parameter?.kmsFailure) unread.note(what, parameter.kmsFailure);
    if (parameter) {
      const isReadable = parameter.value !== undefined;
      read.set(accessKeyId, isReadable ? toMade(parameter, aws) : 'unreadable');
    }
  }
  return read;
}

type Place = Pick<KeyRow, 'made' | 'position' | 'note'>;

async function place(
  aws: Aws,
  unread: Unread,
  { accessKeyId }: AccessKey,
  record: Record | undefined,
): Promise<Place> {
  const nowhere = { made: undefined, position: undefined };
  if (record === undefined) return { ...nowhere, note: undefined };
  if (record === 'unreadable') return { ...nowhere, note: 'its record cannot be decrypted' };
  if (!record.isWhole) return { ...nowhere, note: 'its record is not as the type writes it' };
  const looking = findWhyInNoStack(aws, accessKeyId, record).then((why) => ({ why }));
  const found = await unread.allow('the stack of a key', looking);
  if (found?.why !== undefined) return { made: record, position: 'in no stack', note: found.why };
  const position = record.isSuperseded ? 'previous' : 'current';
  return { made: record, position: found ? position : undefined, note: undefined };
}

function toRow(
  accessKey: AccessKey,
  lastUse: LastUse | undefined,
  placed: Place,
  { maxAge = Infinity, unused = Infinity }: Options,
  now: Date,
): KeyRow {
  const daysSince = (date: Date): number =>
    Math.max(0, Math.floor((now.getTime() - date.getTime()) / DAY_MS));
  const ageDays = daysSince(accessKey.createDate);
  const marks: Mark[] = [];
  if (accessKey.status === 'Active') {
    if (ageDays > maxAge) marks.push('old');
    if (lastUse && daysSince(lastUse.date ?? accessKey.createDate) > unused) marks.push('unused');
  }
  return { accessKey, ageDays, lastUse, marks, ...placed };
}
