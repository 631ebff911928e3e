import type { CloudFormation, Outcome, Properties } from '../../local/cloudformation.ts';
import type { KmsFault } from '../support/recorded-answers.ts';
import type { Aws } from './aws.ts';
import { nameOf, type CallPoint } from './calls.ts';
import { ANSWER_LOST, DENIED_ONCE, type Fault } from './faults.ts';
import { PREFIX, SECRET, USER, type Stage } from './stage.ts';

export type Kind = 'CREATE' | 'READ' | 'UPDATE' | 'DELETE' | 'LIST';

/** What an operation acts on, made before it. */
export interface Arranged {
  /** A key of the same user that nobody else may touch. */
  readonly bystander: string;
  /** The model of the key that the operation is about; undefined where CREATE makes it. */
  readonly model?: Properties;
  readonly token: string;
  /** The key before, which CloudFormation has given up. */
  readonly previous?: string;
}

export interface Operation {
  readonly name: string;
  readonly kind: Kind;
  /** How it ends when there is no fault. */
  readonly ends: 'SUCCESS' | 'NotFound' | 'InvalidTypeConfiguration';
  /** What else it may end with, by the call whose answer is lost. */
  readonly endsUnknown: Readonly<Record<string, readonly string[]>>;
  /** The invocation that the faults are aimed at, from one on. */
  readonly invocation: number;
  /** Whether faults strike at a call; some stand for others like them. */
  isStruck(call: CallPoint): boolean;
  /** Which faults that call is spared. */
  spares(call: CallPoint, fault: Fault): boolean;
  readonly delivers: boolean;
  /** Whether DELETE lets the key live on, Inactive. */
  readonly supersedes: boolean;
  readonly desired: Properties;
  readonly typeConfiguration: Properties;
  /** Makes the user's other key. */
  makeBystander(stage: Stage): Promise<string>;
  arrange(stage: Stage, bystander: string): Promise<Omit<Arranged, 'bystander'>>;
  /** Sets the scene for the invocations before the one that faults are aimed at, then ends it. */
  before(stage: Stage): void;
  after(stage: Stage): void;
  act(cloudFormation: CloudFormation, arranged: Arranged, desired: Properties): Promise<Outcome>;
}

const ACTIVE = { UserName: USER, Status: 'Active', Serial: 1 };
const INACTIVE = { UserName: USER, Status: 'Inactive', Serial: 1 };
const DESCRIBED = { ...ACTIVE, Description: 'for the nightly build' };
const SecretKeys = { SesSmtpPassword: 'password', UserName: 'owner' };
const DELIVERED = { ...ACTIVE, Serial: 2, SecretId: SECRET, SecretKeys, SesRegion: 'eu-west-1' };
/** Of a key that lets the one before it live. */
const OVERLAPPING = { ...ACTIVE, Serial: 2, PreviousKey: 'Inactive' };
const TOKEN = 'the-same-token-in-every-retry';
const ANOTHER_TOKEN = 'the-token-of-another-operation';
const NEXT_INTENT = 'ssm:PutParameter #2';
const NOTHING = (): void => undefined;

type Given = Pick<Operation, 'name' | 'kind' | 'act'> & Partial<Operation>;

function operation(given: Given): Operation {
  return {
    ends: 'SUCCESS',
    endsUnknown: {},
    invocation: 1,
    isStruck: () => true,
    spares: () => false,
    delivers: false,
    supersedes: false,
    desired: ACTIVE,
    typeConfiguration: {},
    makeBystander: ({ aws }) => aws.createKey(USER),
    arrange: () => Promise.resolve({ token: TOKEN }),
    before: NOTHING,
    after: NOTHING,
    ...given,
  };
}

const create: Operation['act'] = (cloudFormation, { token }, desired) =>
  cloudFormation.create(desired, { token });
const read: Operation['act'] = (cloudFormation, { model }) =>
  cloudFormation.read(String(model?.Id));
const update: Operation['act'] = (cloudFormation, { model = {} }, desired) =>
  cloudFormation.update(model, desired);
const remove: Operation['act'] = (cloudFormation, { model = {} }) => cloudFormation.delete(model);
const removeById: Operation['act'] = (cloudFormation, { model }) =>
  cloudFormation.delete(String(model?.Id));

/** A key that the type made. */
async function makeKey(stage: Stage, desired: Properties, token = TOKEN): Promise<Properties> {
  const made = await stage.cloudFormation().create(desired, { token });
  if (!made.resourceModel) throw new Error(`arranging a key: ${JSON.stringify(made.events)}`);
  return { ...made.resourceModel, Serial: desired.Serial };
}

const own =
  (desired: Properties = ACTIVE): Operation['arrange'] =>
  async (stage) => ({ token: TOKEN, model: await makeKey(stage, desired) });

/** A key that a rotation replaces: the secret's readers get it. */
async function makeKeyInSecret(stage: Stage): Promise<string> {
  await stage.aws.createSecret(SECRET);
  const { Id } = await makeKey(stage, { ...DELIVERED, Serial: 1 }, ANOTHER_TOKEN);
  return String(Id);
}

/** The key that a rotation replaces. */
async function makeOldKey(stage: Stage): Promise<string> {
  return String((await makeKey(stage, DESCRIBED, ANOTHER_TOKEN)).Id);
}

/** A key, and the one before it, which CloudFormation has given up. */
async function overlap(stage: Stage): Promise<{ previous: string; model: Properties }> {
  const previous = await makeOldKey(stage);
  const model = await makeKey(stage, OVERLAPPING, 'the-token-of-the-new-key');
  await stage.cloudFormation().delete(previous);
  return { previous, model };
}

async function otherKey(aws: Aws, accessKeyId: string): Promise<string> {
  const { keys } = await aws.holdings();
  return [...keys.keys()].find((id) => id !== accessKeyId) ?? '';
}

/** Another user's, as this one can have no third key. */
async function makeKeyOfOther({ aws }: Stage): Promise<string> {
  await aws.createUser('other-bot');
  return aws.createKey('other-bot');
}

const overlapping: Operation['arrange'] = async (stage) => ({
  token: TOKEN,
  ...(await overlap(stage)),
});

/** A key that was there before the type, as resource import finds it. */
async function importedKey(stage: Stage): Promise<{ token: string; model: Properties }> {
  const Id = await stage.aws.createKey(USER);
  stage.proxy.lags.oldKeys = [...stage.proxy.lags.oldKeys, Id];
  return { token: TOKEN, model: { Id, UserName: USER, Status: 'Active' } };
}

/** An id of which nothing is left. */
async function goneKey(stage: Stage): Promise<{ token: string; model: Properties }> {
  const arranged = await importedKey(stage);
  await stage.aws.deleteKey(USER, String(arranged.model.Id));
  return arranged;
}

/** A key whose record's KMS key cannot be used. */
const sealedKey =
  (kmsFault: KmsFault): Operation['arrange'] =>
  async (stage) => {
    const model = await makeKey(stage, ACTIVE);
    seal(stage, model.Id, kmsFault);
    return { token: TOKEN, model };
  };

function seal({ proxy }: Stage, accessKeyId: unknown, kmsFault: KmsFault): void {
  Object.assign(proxy.lags, { undecryptable: [`${PREFIX}/${String(accessKeyId)}`], kmsFault });
}

export const OPERATIONS: readonly Operation[] = [
  operation({ name: 'CREATE an active key', kind: 'CREATE', act: create }),
  operation({
    name: 'CREATE an inactive key',
    kind: 'CREATE',
    desired: INACTIVE,
    // Up to there it does what it does for an active key.
    isStruck: ({ action, nth }) =>
      nth > 1 || !['GetParameters', 'ListAccessKeys', 'PutParameter'].includes(action),
    act: create,
  }),
  operation({
    name: 'CREATE beside a new key that has no record',
    kind: 'CREATE',
    // What it repeats until the other's record shows.
    isStruck: ({ action, nth }) => action === 'GetParameters' && (nth === 2 || nth === 3),
    arrange: (stage) => {
      stage.proxy.lags.oldKeys = [];
      return Promise.resolve({ token: TOKEN });
    },
    act: create,
  }),
  operation({
    name: 'CREATE again after it was finished',
    kind: 'CREATE',
    arrange: own(),
    act: create,
  }),
  operation({
    name: 'CREATE again after a key was made without an answer',
    kind: 'CREATE',
    // One of those that it repeats until time is up, and nothing that its first attempt does, too.
    isStruck: ({ action, nth }) =>
      nth === 1 ? action !== 'GetCallerIdentity' : nth === 2 && /^(List|Get|Put)/.test(action),
    // An intent that is written over so late is left, see faults.md.
    spares: (call, { isLate = false }) => isLate && nameOf(call) === NEXT_INTENT,
    endsUnknown: {
      // One invocation has the time to clear up after one lost answer.
      'iam:CreateAccessKey #1': ['NetworkFailure', 'ServiceInternalError', 'Throttling'],
      // Its own next version looks like another attempt's: that one goes on.
      [NEXT_INTENT]: ['ResourceConflict'],
    },
    arrange: async (stage, bystander) => {
      const { proxy, aws } = stage;
      // As if the process had ended there: it can neither find out what was made nor undo it.
      proxy.inject(ANSWER_LOST, { service: 'iam', action: 'CreateAccessKey', nth: 1 });
      const made = proxy.hold('before', ({ action }) => action === 'CreateAccessKey');
      const ended = stage.cloudFormation().create(ACTIVE, { token: TOKEN });
      await Promise.race([made.reached(), ended]);
      const denied = { ...DENIED_ONCE, times: Infinity };
      proxy.inject(denied, { service: 'iam', action: 'ListAccessKeys', nth: 1 });
      made.release();
      await ended;
      proxy.forgive();
      const { keys, parameters } = await aws.holdings();
      const isArranged = keys.size === 2 && keys.has(bystander) && parameters.size === 1;
      if (!isArranged) throw new Error('arranging a key without an answer: it is not there');
      return { token: TOKEN };
    },
    act: create,
  }),
  operation({
    name: 'CREATE, called back',
    kind: 'CREATE',
    invocation: 2,
    before: ({ proxy }) => (proxy.lags.newKey = Infinity),
    after: ({ proxy }) => (proxy.lags.newKey = 0),
    act: create,
  }),
  operation({
    name: 'CREATE with a description',
    kind: 'CREATE',
    desired: DESCRIBED,
    isStruck: ({ action }) => /tag/i.test(action),
    act: create,
  }),
  operation({
    name: 'CREATE into a secret, a rotation',
    kind: 'CREATE',
    desired: DELIVERED,
    makeBystander: makeKeyInSecret,
    // Up to there it does what it does without a secret.
    isStruck: ({ action, nth }) =>
      nth > 1 || !['GetParameters', 'ListAccessKeys', 'PutParameter'].includes(action),
    act: create,
  }),
  operation({
    name: 'CREATE into a secret again after it was finished',
    kind: 'CREATE',
    desired: DELIVERED,
    makeBystander: makeKeyInSecret,
    arrange: own(DELIVERED),
    // Its secret is not at hand to try it with: the time that takes is let pass.
    isStruck: ({ action, nth }) => nth === 2 || /^(Delete|Describe)/.test(action),
    act: create,
  }),
  operation({
    name: 'CREATE into a secret, described, for a user in scope',
    kind: 'CREATE',
    desired: { ...DELIVERED, ...DESCRIBED, Serial: 2 },
    typeConfiguration: { AllowedUserNames: ['ci-*'] },
    makeBystander: makeKeyInSecret,
    isStruck: ({ action }) => /User|PutSecretValue|Stage/.test(action),
    act: create,
  }),
  operation({ name: 'READ', kind: 'READ', arrange: own(DESCRIBED), act: read }),
  operation({
    name: 'READ a key in a secret',
    kind: 'READ',
    makeBystander: makeKeyInSecret,
    arrange: own(DELIVERED),
    isStruck: ({ action }) => action === 'GetParameters',
    act: read,
  }),
  operation({ name: 'READ an imported key', kind: 'READ', arrange: importedKey, act: read }),
  operation({
    name: 'READ a key that is gone',
    kind: 'READ',
    ends: 'NotFound',
    arrange: goneKey,
    act: read,
  }),
  operation({
    name: 'UPDATE',
    kind: 'UPDATE',
    desired: { ...INACTIVE, Description: 'for nothing any more' },
    arrange: own(DESCRIBED),
    act: update,
  }),
  operation({
    name: 'UPDATE that takes the description away',
    kind: 'UPDATE',
    arrange: own(DESCRIBED),
    isStruck: ({ action }) => action === 'UntagUser',
    act: update,
  }),
  operation({
    name: 'UPDATE, called back',
    kind: 'UPDATE',
    desired: INACTIVE,
    invocation: 2,
    arrange: own(),
    before: ({ proxy }) => (proxy.lags.status = Infinity),
    after: ({ proxy }) => (proxy.lags.status = 0),
    act: update,
  }),
  operation({ name: 'DELETE', kind: 'DELETE', arrange: own(DESCRIBED), act: remove }),
  operation({
    name: 'DELETE of the newer of two keys in a secret',
    kind: 'DELETE',
    desired: DELIVERED,
    makeBystander: makeKeyInSecret,
    arrange: own(DELIVERED),
    act: remove,
  }),
  operation({
    name: 'DELETE an imported key by its id alone',
    kind: 'DELETE',
    arrange: importedKey,
    act: removeById,
  }),
  operation({
    name: 'DELETE what a DELETE left half done',
    kind: 'DELETE',
    arrange: async (stage) => {
      const model = await makeKey(stage, DESCRIBED);
      await stage.aws.deleteKey(USER, String(model.Id));
      return { token: TOKEN, model };
    },
    act: remove,
  }),
  operation({
    name: 'DELETE a key that is gone',
    kind: 'DELETE',
    ends: 'NotFound',
    arrange: goneKey,
    act: removeById,
  }),
  operation({
    name: 'DELETE, called back',
    kind: 'DELETE',
    invocation: 2,
    arrange: own(),
    before: ({ proxy }) => (proxy.lags.deletedKey = Infinity),
    after: ({ proxy }) => (proxy.lags.deletedKey = 0),
    act: remove,
  }),
  operation({
    name: 'CREATE, a rotation that keeps the key before',
    kind: 'CREATE',
    desired: OVERLAPPING,
    makeBystander: makeOldKey,
    // Up to there it does what it does without the key before.
    isStruck: ({ action, nth }) => nth > 1 && /Parameter/.test(action),
    act: create,
  }),
  operation({
    name: 'CREATE, a rotation that takes the place of the key before the one it keeps',
    kind: 'CREATE',
    desired: { ...OVERLAPPING, Serial: 3 },
    makeBystander: async (stage) => String((await overlap(stage)).model.Id),
    arrange: async ({ aws }, bystander) => ({
      token: TOKEN,
      previous: await otherKey(aws, bystander),
    }),
    isStruck: ({ action, nth }) =>
      action === 'DeleteAccessKey' ||
      action === 'UntagUser' ||
      (nth === 2 && action === 'GetParameters') ||
      (nth === 1 && action === 'DeleteParameter'),
    act: create,
  }),
  operation({
    name: 'READ a key and the one before it',
    kind: 'READ',
    makeBystander: makeKeyOfOther,
    arrange: overlapping,
    isStruck: ({ nth }) => nth > 1,
    act: read,
  }),
  operation({
    name: 'READ the key before',
    kind: 'READ',
    ends: 'NotFound',
    makeBystander: makeKeyOfOther,
    arrange: async (stage) => ({ token: TOKEN, model: { Id: (await overlap(stage)).previous } }),
    act: read,
  }),
  operation({
    name: 'UPDATE that switches the key before on',
    kind: 'UPDATE',
    desired: { ...OVERLAPPING, PreviousKey: 'Active' },
    makeBystander: makeKeyOfOther,
    arrange: overlapping,
    isStruck: ({ action, nth }) => nth > 1 || action === 'UpdateAccessKey',
    act: update,
  }),
  operation({
    name: 'UPDATE that deletes the key before',
    kind: 'UPDATE',
    desired: { ...OVERLAPPING, PreviousKey: 'Deleted' },
    makeBystander: makeKeyOfOther,
    arrange: overlapping,
    isStruck: ({ action, nth }) => nth > 1 || /Delete|Untag/.test(action),
    act: update,
  }),
  operation({
    name: 'UPDATE of PreviousKey where there is no key before',
    kind: 'UPDATE',
    desired: { ...ACTIVE, PreviousKey: 'Inactive' },
    arrange: own(),
    isStruck: ({ action }) => action === 'PutParameter',
    act: update,
  }),
  operation({
    name: 'DELETE that lets the key live on',
    kind: 'DELETE',
    supersedes: true,
    makeBystander: async (stage) => {
      await makeOldKey(stage);
      return String((await makeKey(stage, OVERLAPPING)).Id);
    },
    arrange: async ({ aws }, bystander) => ({
      token: TOKEN,
      model: { ...DESCRIBED, Id: await otherKey(aws, bystander) },
    }),
    act: remove,
  }),
  operation({
    name: 'DELETE of a key and the one before it',
    kind: 'DELETE',
    makeBystander: makeKeyOfOther,
    arrange: overlapping,
    act: remove,
  }),
  operation({
    name: 'LIST, two pages of users',
    kind: 'LIST',
    arrange: async (stage) => {
      for (const userName of ['other-bot', 'third-bot']) {
        await stage.aws.createUser(userName);
        await stage.aws.createKey(userName);
      }
      stage.proxy.lags.pageSize = 2;
      return { token: TOKEN };
    },
    act: (cloudFormation) => cloudFormation.list(),
  }),
  operation({
    name: 'LIST one user, two pages of keys',
    kind: 'LIST',
    arrange: async (stage) => {
      await stage.aws.createKey(USER);
      stage.proxy.lags.pageSize = 1;
      return { token: TOKEN };
    },
    act: (cloudFormation) => cloudFormation.list({ UserName: USER }),
  }),
  operation({
    name: 'READ with a log group',
    kind: 'READ',
    delivers: true,
    isStruck: ({ service }) => service === 'logs' || service === 'monitoring',
    arrange: own(),
    act: read,
  }),

  // As AWS was recorded to answer.
  operation({
    name: 'CREATE for a user who was made a moment ago',
    kind: 'CREATE',
    typeConfiguration: { AllowedUserNames: ['ci-*'] },
    before: ({ proxy }) => (proxy.lags.newUser = 1),
    // What it repeats until the user is known.
    isStruck: ({ action, nth }) =>
      action === 'CreateAccessKey' || (nth === 2 && ['GetUser', 'ListAccessKeys'].includes(action)),
    act: create,
  }),
  operation({
    name: 'CREATE of a key that IAM does not know yet when it is changed',
    kind: 'CREATE',
    desired: { ...INACTIVE, Description: DESCRIBED.Description },
    before: ({ proxy }) => (proxy.lags.newKeyToChange = 1),
    // What it repeats until the key is known; so does the undo, with DeleteAccessKey.
    isStruck: ({ action }) => ['UpdateAccessKey', 'TagUser'].includes(action),
    act: create,
  }),
  operation({
    name: 'CREATE whose record is throttled four times',
    kind: 'CREATE',
    before: ({ proxy }) => (proxy.lags.busyRecord = 4),
    // One more of the tries, which are more than any other call has, and the one that gets through.
    isStruck: ({ action, nth }) => action === 'PutParameter' && (nth === 4 || nth === 6),
    act: create,
  }),
  operation({
    name: 'CREATE beside a record that cannot be decrypted',
    kind: 'CREATE',
    makeBystander: async (stage) =>
      String((await makeKey(stage, { ...ACTIVE, Serial: 0 }, ANOTHER_TOKEN)).Id),
    arrange: (stage, bystander) => {
      seal(stage, bystander, 'disabled');
      return Promise.resolve({ token: TOKEN });
    },
    // The records one by one, then what there is of the one that cannot be read.
    isStruck: ({ action, nth }) => action === 'GetParameters' && nth > 1 && nth < 5,
    act: create,
  }),
  operation({
    name: 'READ a record that cannot be decrypted',
    kind: 'READ',
    ends: 'InvalidTypeConfiguration',
    arrange: sealedKey('pending deletion'),
    isStruck: ({ action }) => action === 'GetParameters',
    act: read,
  }),
  operation({
    name: 'UPDATE with a record that cannot be decrypted',
    kind: 'UPDATE',
    desired: INACTIVE,
    arrange: sealedKey('hidden'),
    isStruck: ({ action }) => action === 'GetParameters',
    act: update,
  }),
  operation({
    name: 'DELETE by the id alone with a record that cannot be decrypted',
    kind: 'DELETE',
    arrange: sealedKey('denied'),
    isStruck: ({ action }) => action === 'GetParameters',
    act: removeById,
  }),
  operation({
    name: 'UPDATE of an expired key',
    kind: 'UPDATE',
    desired: { ...INACTIVE, Description: 'for nothing any more' },
    arrange: async (stage) => {
      const model = await makeKey(stage, { ...INACTIVE, Description: DESCRIBED.Description });
      stage.proxy.lags.expiredKeys = [String(model.Id)];
      return { token: TOKEN, model: { ...model, Status: 'Active' } };
    },
    // What is repeated goes by the list, which shows a status that nobody can set.
    isStruck: ({ action }) => ['ListAccessKeys', 'TagUser'].includes(action),
    act: update,
  }),
];
