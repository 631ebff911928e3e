import type { Outcome, Properties } from '../../local/cloudformation.ts';
import type { Holdings } from './aws.ts';
import type { Arranged, Operation } from './operations.ts';
import { judgeModel } from './model-verdict.ts';
import { judgeSecrets, pendingVersionsOf } from './secret-verdict.ts';
import { PREFIX, type Stage } from './stage.ts';

export const RETRIED = ['NetworkFailure', 'ResourceConflict', 'ServiceInternalError', 'Throttling'];

const MOST_MS = { CREATE: 60_000, READ: 30_000, UPDATE: 60_000, DELETE: 60_000, LIST: 30_000 };

/** So many characters of a secret are enough to call it leaked. */
const TELLTALE = 12;

/** What was there, what was asked for and what was answered. */
export interface Deed {
  readonly stage: Stage;
  readonly operation: Operation;
  readonly arranged: Arranged;
  readonly before: Holdings;
  readonly outcome: Outcome;
}

export function codeOf({ status, errorCode }: Pick<Outcome, 'status' | 'errorCode'>): string {
  return status === 'SUCCESS' ? status : String(errorCode);
}

/** @returns what is wrong, in sentences; nothing where all is as promised. */
export async function judge(deed: Deed): Promise<string[]> {
  const after = await deed.stage.aws.holdings();
  const byKind = {
    CREATE: judgeCreate,
    READ: judgeRead,
    UPDATE: judgeUpdate,
    DELETE: judgeDelete,
    LIST: judgeList,
  }[deed.operation.kind];
  const bystander = after.keys.get(deed.arranged.bystander);
  return [
    ...judgeManners(deed),
    ...judgeSecrets(after, deed.outcome.message ?? ''),
    ...(bystander?.status === 'Active' ? [] : ["another's key was deleted or changed"]),
    ...byKind(deed, after),
  ];
}

/** What holds for every answer. */
function judgeManners({ stage, operation, outcome }: Deed): string[] {
  const problems: string[] = [];
  const { status, errorCode, message, events, logs, milliseconds } = outcome;
  const slowest = Math.max(...milliseconds);
  if (slowest > MOST_MS[operation.kind]) problems.push(`an invocation took ${slowest} ms`);
  if (status === 'FAILED' && !errorCode) problems.push('FAILED without an error code');
  if (status === 'FAILED' && !message) problems.push('FAILED without a message');
  if (errorCode === 'InternalFailure') problems.push('InternalFailure');
  for (const event of events) {
    if (event.status === 'IN_PROGRESS' && event.resourceModel?.Id === undefined)
      problems.push('IN_PROGRESS without the primary identifier');
    if (event.status === 'IN_PROGRESS' && 'SecretAccessKey' in (event.resourceModel ?? {}))
      problems.push('IN_PROGRESS with the secret');
  }
  const told = JSON.stringify([
    logs,
    events.map((event) => [event.message, event.callbackContext]),
  ]);
  for (const secret of stage.proxy.secrets.values()) {
    if (told.includes(secret.slice(0, TELLTALE))) problems.push('a secret was told');
  }
  return problems;
}

function judgeCreate(deed: Deed, after: Holdings): string[] {
  const { arranged, operation, outcome } = deed;
  const { bystander, previous } = arranged;
  const before = outcome.status === 'SUCCESS' ? without(deed.before, previous) : deed.before;
  const areOwn = (names: Iterable<string>): string[] =>
    [...names].filter((name) => name !== bystander && name !== `${PREFIX}/${bystander}`);
  const keys = areOwn(after.keys.keys());
  const parameters = areOwn(after.parameters.keys());
  if (outcome.status === 'SUCCESS') {
    const id = String(outcome.resourceModel?.Id);
    return [
      ...differ('keys', keys, [id]),
      ...differ('parameters', parameters, [`${PREFIX}/${id}`]),
      ...differ('tags', tagsOf(after), tagsOf(before, id, operation.desired.Description)),
      ...(arranged.model && arranged.model.Id !== id ? ['it made a key of its own'] : []),
      ...judgeModel(deed, after),
    ];
  }
  const message = outcome.message ?? '';
  const there = namesOf(after);
  const news = there.filter((name) => !namesOf(before).includes(name));
  // What it had no time to find out, the retry does, by the intent.
  const isForRetry = RETRIED.includes(codeOf(outcome)) && message.includes('/pending/');
  const unnamed = news.filter(
    (name) => !message.includes(name) && !(isForRetry && after.keys.has(name)),
  );
  const versions = after.secrets.flatMap(({ stages }) => [...stages.keys()]);
  const missing = leftBehind(message).filter((name) => ![...there, ...versions].includes(name));
  const isKnown = (id: string): boolean =>
    message.includes(id) ||
    message.includes('/pending/') ||
    after.parameters.has(`${PREFIX}/${id}`);
  const forgotten = keys.filter((id) => before.keys.has(id) && !isKnown(id));
  return [
    ...forgotten.map((id) => `an earlier attempt's key is forgotten: ${id}; ${message}`),
    ...unnamed.map((name) => `left behind and not named: ${name}; the message is: ${message}`),
    ...missing.map((name) => `named and not there: ${name}; the message is: ${message}`),
  ];
}

function judgeRead(deed: Deed, after: Holdings): string[] {
  const { before, outcome } = deed;
  return [
    ...unchanged(before, after),
    ...(outcome.status === 'SUCCESS' ? judgeModel(deed, after) : []),
  ];
}

function judgeUpdate(deed: Deed, after: Holdings): string[] {
  const { arranged, operation, outcome } = deed;
  const id = String(arranged.model?.Id);
  const isPreviousGone = operation.desired.PreviousKey === 'Deleted' && arranged.previous;
  const isDone = outcome.status === 'SUCCESS';
  const [before, shown] =
    isPreviousGone === undefined || isPreviousGone === false
      ? [deed.before, after]
      : [without(deed.before, arranged.previous), without(after, isDone ? '' : arranged.previous)];
  const isRecordChanged = operation.desired.PreviousKey !== undefined;
  return [
    ...differ('keys', [...shown.keys.keys()], [...before.keys.keys()]),
    ...differ('parameters', [...shown.parameters.keys()], [...before.parameters.keys()]),
    ...(isRecordChanged ? [] : unchanged({ ...before, keys: shown.keys, tags: shown.tags }, shown)),
    ...differ("others' tags", tagsOf(shown, id), tagsOf(before, id)),
    ...(isDone
      ? [
          ...differ('tags', tagsOf(shown), tagsOf(before, id, operation.desired.Description)),
          ...judgeModel(deed, after),
        ]
      : []),
  ];
}

/** As if there were nothing of that key. */
function without(holdings: Holdings, accessKeyId = ''): Holdings {
  const { keys, parameters, tags, secrets } = holdings;
  const others = <T>(things: ReadonlyMap<string, T>): Map<string, T> =>
    new Map(
      [...things].filter(([name]) => ![accessKeyId, `${PREFIX}/${accessKeyId}`].includes(name)),
    );
  return { keys: others(keys), parameters: others(parameters), tags: others(tags), secrets };
}

function judgeDelete(deed: Deed, after: Holdings): string[] {
  if (deed.operation.supersedes) return judgeSuperseded(deed, after);
  const { arranged, outcome } = deed;
  const before = without(deed.before, outcome.status === 'SUCCESS' ? arranged.previous : '');
  const id = String(arranged.model?.Id);
  const gone = (names: Iterable<string>): string[] =>
    [...names].filter((name) => name !== id && name !== `${PREFIX}/${id}`);
  if (outcome.status === 'SUCCESS') {
    return [
      ...differ('keys', [...after.keys.keys()], gone(before.keys.keys())),
      ...differ('parameters', [...after.parameters.keys()], gone(before.parameters.keys())),
      ...differ('tags', tagsOf(after), tagsOf(before, id)),
      ...(outcome.resourceModel ? ['DELETE returned a model'] : []),
    ];
  }
  const record = `${PREFIX}/${id}`;
  const isRecordGone = before.parameters.has(record) && !after.parameters.has(record);
  const lost = isRecordGone && after.keys.has(id);
  return lost ? ['the key is there and its secret is gone'] : [];
}

/** Whatever happens, the key lives; in the end it is switched off. */
function judgeSuperseded({ arranged, outcome, before }: Deed, after: Holdings): string[] {
  const id = String(arranged.model?.Id);
  const record = after.parameters.get(`${PREFIX}/${id}`) ?? '{}';
  const { isSuperseded } = JSON.parse(record) as Properties;
  const isDone = outcome.status === 'SUCCESS' || outcome.errorCode === 'NotFound';
  return [
    ...differ('keys', [...after.keys.keys()], [...before.keys.keys()]),
    ...differ('parameters', [...after.parameters.keys()], [...before.parameters.keys()]),
    ...differ('tags', tagsOf(after), tagsOf(before)),
    ...(isDone && after.keys.get(id)?.status !== 'Inactive' ? ['the key is not Inactive'] : []),
    ...(isDone && isSuperseded !== true ? ["the key is not its successor's"] : []),
    ...(outcome.resourceModel ? ['DELETE returned a model'] : []),
  ];
}

function judgeList({ before, outcome }: Deed, after: Holdings): string[] {
  const { status, resourceModels } = outcome;
  if (status !== 'SUCCESS') return unchanged(before, after);
  const listed = (resourceModels ?? []).map(({ Id }) => String(Id));
  const { UserName } = (outcome.requests[0] as { requestData: { resourceProperties: Properties } })
    .requestData.resourceProperties;
  const there = [...after.keys].filter(
    ([, { userName }]) => UserName === undefined || userName === UserName,
  );
  return [
    ...unchanged(before, after),
    ...differ(
      'listed keys',
      listed,
      there.map(([id]) => id),
    ),
  ];
}

function unchanged(before: Holdings, after: Holdings): string[] {
  const [one, other] = [before, after].map(({ keys, parameters, tags, secrets }) =>
    JSON.stringify([
      [...keys],
      [...parameters],
      [...tags],
      secrets.map(({ stages, value }) => [[...stages], value]),
    ]),
  );
  return one === other ? [] : ['what there is has changed'];
}

/** Each tag with its value; the description of that key is this one, or is not there. */
function tagsOf({ tags }: Holdings, accessKeyId = '', description?: unknown): string[] {
  const others = [...tags].filter(([key]) => key !== accessKeyId);
  const own = typeof description === 'string' ? [[accessKeyId, description]] : [];
  return [...others, ...own].map((tag) => tag.join('='));
}

function differ(what: string, found: readonly string[], expected: readonly string[]): string[] {
  const [one, other] = [found, expected].map((names) => [...names].sort().join(', '));
  return one === other ? [] : [`${what}: ${one || 'none'} in place of ${other || 'none'}`];
}

/** As messages name it all. */
function namesOf({ keys, parameters, tags, secrets }: Holdings): string[] {
  const ofTags = [...tags.keys()].map((key) => `tag ${key}`);
  return [...keys.keys(), ...parameters.keys(), ...ofTags, ...pendingVersionsOf(secrets)];
}

/** What a message says to be there and left for the user to delete. */
function leftBehind(message: string): string[] {
  const [, list = ''] = message.split('left behind, delete it: ');
  return list
    .split('; ')
    .filter((item) => !/, if it (?:was written|is there)\b/.test(item))
    .flatMap((item) => /(?:access key|parameter|secret version|tag) \S+/.exec(item) ?? [])
    .map((item) => item.replace(/^(?:access key|parameter|secret version) /, ''));
}
