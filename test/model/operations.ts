import fc from 'fast-check';
import type { Outcome, Properties } from '../../local/cloudformation.ts';
import { mark, takeAway } from './account.ts';
import type { Account, Declared, Key, PreviousKey, Status, User } from './account.ts';
import { isSuperseded, modelOf, replace, setPreviousKey, supersede } from './previous-key.ts';
import { Step } from './step.ts';
import type { Fault, World } from './world.ts';

export const status = fc.constantFrom<Status>('Active', 'Inactive');
const previousKey = fc.constantFrom<PreviousKey>('Active', 'Inactive', 'Deleted');
export const index = fc.nat({ max: 11 });
const serial = fc.option(fc.nat({ max: 3 }), { nil: undefined });
const sesRegion = fc.constantFrom(undefined, 'eu-west-1');

/** Most calls succeed at once, for the waiting between tries is what a run spends its time on. */
const fault = fc.oneof(
  { weight: 7, arbitrary: fc.constant(undefined) },
  {
    weight: 3,
    arbitrary: fc.record<Fault>({
      kind: fc.constantFrom('throttled twice', '503 before', 'answer lost'),
      call: fc.nat({ max: 6 }),
    }),
  },
);
/** Half of the time, and at the calls that are not simply made again. */
const faultOfDelete = fc.option(
  fc.record<Fault>({
    kind: fc.constantFrom('throttled twice', '503 before', 'answer lost'),
    call: fc.nat({ max: 3 }),
  }),
  { nil: undefined, freq: 2 },
);
/** Rarely a lost key, which costs many seconds. */
const faultOfCreate = fc.oneof(
  { weight: 30, arbitrary: fault },
  { weight: 1, arbitrary: fc.constant<Fault>({ kind: 'mint lost', call: 0 }) },
);

interface Creation {
  readonly index: number;
  readonly serial: number | undefined;
  readonly sesRegion?: string | undefined;
  readonly status: Status;
  readonly previousKey: PreviousKey;
  readonly isShouted: boolean;
  readonly fault?: Fault | undefined;
}

const create = fc
  .record<Creation>({
    index,
    serial,
    sesRegion,
    status,
    previousKey,
    isShouted: fc.boolean(),
    fault: faultOfCreate,
  })
  .map(toCreation);

function toCreation(creation: Creation): Step {
  const { index, serial, sesRegion, status, previousKey, isShouted, fault } = creation;
  const spell = ({ name }: User): string => (isShouted ? name.toUpperCase() : name);
  return new Step(
    (account) =>
      `create a key for ${spell(account.user(index))}, ${status}, Serial ${String(serial)}, ` +
      `SesRegion ${String(sesRegion)}, PreviousKey ${previousKey}`,
    async (account, world) => {
      const user = account.user(index);
      const logicalId = `Key${account.keys.length}`;
      const properties = {
        UserName: spell(user),
        Status: status,
        Serial: serial,
        SesRegion: sesRegion,
        PreviousKey: previousKey,
      };
      await createKey(account, world, user, logicalId, properties, fault);
    },
    { needsKey: false },
  );
}

const read = fc.record({ index, status, previousKey, byIdAlone: fc.boolean(), fault }).map(
  ({ index, status, previousKey, byIdAlone, fault }) =>
    new Step(
      (account) => `read ${account.key(index).name}${byIdAlone ? ' by its id alone' : ''}`,
      async (account, world) => {
        const key = account.key(index);
        // The status in the request may be any: what counts is the key's.
        const known = { UserName: key.userName, Status: status, PreviousKey: previousKey };
        const model = { Id: key.id, ...(!byIdAlone && known) };
        const outcome = await world.operate((stack) => stack.read(model), fault);
        expectModel(outcome, account, key, model);
      },
    ),
);

const update = fc
  .record({ index, ofAll: fc.boolean(), status, previousKey, fault })
  .map(({ index, ofAll, status, previousKey, fault }) => {
    const pick = (account: Account): Key => (ofAll ? account.key(index) : account.current(index));
    return new Step(
      (account) => `update ${pick(account).name} to ${status}, PreviousKey ${previousKey}`,
      async (account, world) => {
        const key = pick(account);
        const { declared, userName: UserName, serial: Serial, sesRegion: SesRegion } = key;
        const properties = { UserName, Serial, SesRegion };
        const before = { ...properties, Id: key.id, ...toProperties(declared) };
        const after = { ...properties, ...toProperties({ status, previousKey }) };
        const outcome = await world.operate((stack) => stack.update(before, after), fault);
        if (key.exists && !isSuperseded(account, key)) {
          // What somebody switched off by hand stays off while the template says Active as before.
          const isLeft = status === 'Active' && declared.status === 'Active';
          if (!isLeft) key.status = status;
          setPreviousKey(key, previousKey);
          key.declared = { status, previousKey };
        }
        expectModel(outcome, account, key, after);
      },
    );
  });

const list = fc.record({ fault }).map(
  ({ fault }) =>
    new Step(
      () => 'list all keys',
      async (account, world) => {
        const outcome = await world.operate((stack) => stack.list(), fault);
        expectListed(
          outcome,
          account.keys.filter(({ exists }) => exists),
        );
      },
      { needsKey: false },
    ),
);

const listOfUser = fc.record({ index, fault }).map(
  ({ index, fault }) =>
    new Step(
      (account) => `list the keys of ${account.user(index).name}`,
      async (account, world) => {
        const user = account.user(index);
        const outcome = await world.operate((stack) => stack.list({ UserName: user.name }), fault);
        expectListed(outcome, account.keysOf(user));
      },
      { needsKey: false },
    ),
);

interface Rotation {
  readonly index: number;
  readonly higher: number;
  readonly sesRegion?: string | undefined;
  readonly previousKey: PreviousKey;
  readonly faultOfCreate?: Fault | undefined;
  readonly fault?: Fault | undefined;
  /** What follows on the making of the new key. */
  readonly sequel: 'clean up' | 'roll back' | 'retain';
}

const rotate = fc
  .record<Rotation>({
    index,
    higher: fc.nat({ max: 3 }),
    sesRegion,
    previousKey,
    faultOfCreate,
    fault,
    sequel: fc.oneof(
      { weight: 6, arbitrary: fc.constant('clean up') },
      { weight: 1, arbitrary: fc.constant('roll back') },
      { weight: 1, arbitrary: fc.constant('retain') },
    ),
  })
  .map(toRotation);

function toRotation(rotation: Rotation): Step {
  const { index, higher, sesRegion, previousKey, sequel } = rotation;
  const raise = ({ serial = 0 }: Key): number => serial + higher;
  return new Step(
    (account) => {
      const old = account.current(index);
      const to = `Serial ${raise(old)}, SesRegion ${String(sesRegion)}, PreviousKey ${previousKey}`;
      return `rotate ${old.name}, whose Serial is ${String(old.serial)}, to ${to}, and ${sequel}`;
    },
    async (account, world) => {
      const old = account.current(index);
      const properties = {
        UserName: old.owner.name,
        Status: old.status,
        Serial: raise(old),
        SesRegion: sesRegion,
        PreviousKey: previousKey,
      };
      const { owner, logicalId } = old;
      const { faultOfCreate, fault } = rotation;
      const made = await createKey(account, world, owner, logicalId, properties, faultOfCreate);
      if (!made || sequel === 'retain') return;
      expect(await world.holdings()).toEqual(account.holdings());
      const key = sequel === 'clean up' ? old : made;
      await deleteKey(account, world, key, { Id: key.id, UserName: key.userName }, fault);
    },
  );
}

/** A key whose previous one lives on. */
export const OVERLAP: readonly Step[] = [
  toCreation({ index: 0, serial: 1, status: 'Active', previousKey: 'Deleted', isShouted: false }),
  toRotation({ index: 0, higher: 1, previousKey: 'Active', sequel: 'clean up' }),
];

const remove = fc.record({ index, byIdAlone: fc.boolean(), fault: faultOfDelete }).map(
  ({ index, byIdAlone, fault }) =>
    new Step(
      (account) => `delete ${account.key(index).name}${byIdAlone ? ' by its id alone' : ''}`,
      async (account, world) => {
        const key = account.key(index);
        const model = { Id: key.id, ...(!byIdAlone && { UserName: key.userName }) };
        await deleteKey(account, world, key, model, fault);
      },
    ),
);

/**
 * Deletes every key that it has, as CloudFormation does with a stack. Then nothing is left but what
 * somebody took the records of, or of whose successor, which is deleted as by hand.
 */
export async function deleteStack(account: Account, world: World): Promise<void> {
  for (const key of account.keys.filter(({ isGone }) => !isGone)) {
    world.script.push(`delete ${key.name} with its stack`);
    await deleteKey(account, world, key, { Id: key.id }, undefined);
  }
  expect(await world.holdings()).toEqual(account.holdings());
  const left = account.keys.filter(({ exists, record }) => exists || record !== 'none');
  for (const key of left) {
    world.script.push(`delete ${key.name}, which its stack has left`);
    expect([key, key.marks.successor].some((each) => each?.isTamperedWith)).toBe(true);
    await deleteKey(account, world, key, { Id: key.id }, undefined);
  }
  expect(await world.holdings()).toEqual({ keys: [], parameters: [] });
}

/** What CloudFormation asks the type to do. */
export const OPERATIONS = [create, read, update, list, listOfUser, rotate, remove];

/** Of this, what concerns a key and the one before it. */
export const ROTATIONS = [read, update, rotate, rotate, remove];

/** @returns the key, if one was made. */
async function createKey(
  account: Account,
  world: World,
  user: User,
  logicalId: string,
  properties: {
    UserName: string;
    Serial: number | undefined;
    SesRegion: string | undefined;
    Status: Status;
    PreviousKey: PreviousKey;
  },
  fault: Fault | undefined,
): Promise<Key | undefined> {
  const outcome = await world.operate((stack) => stack.create(properties, { logicalId }), fault);
  const isTooLow = ({ serial, record, userName, sesRegion }: Key): boolean =>
    record === 'kept' &&
    userName === properties.UserName &&
    sesRegion === properties.SesRegion &&
    serial !== undefined &&
    (properties.Serial ?? -1) <= serial;
  const ofResource = account.keysOf(user).filter((key) => key.logicalId === logicalId);
  if (ofResource.some(isTooLow)) {
    expectFailure(outcome, 'InvalidRequest');
    return undefined;
  }
  const declared = { status: properties.Status, previousKey: properties.PreviousKey };
  const replaced = replace(account, user, logicalId);
  const kept = declared.previousKey === 'Deleted' ? undefined : replaced;
  if (account.isFull(user)) {
    expectFailure(outcome, 'ServiceLimitExceeded');
    return undefined;
  }
  const id = String(outcome.resourceModel?.Id);
  const key = account.add(
    {
      id,
      secret: world.secretOf(id),
      logicalId,
      serial: properties.Serial,
      sesRegion: properties.SesRegion,
      userName: properties.UserName,
      owner: user,
      record: 'kept',
    },
    declared,
    kept,
  );
  if (kept) {
    // CloudFormation does not delete it again.
    const isOver = kept.marks.isSuperseded && declared.previousKey === 'Inactive';
    if (isOver) kept.status = 'Inactive';
    mark(kept, { successor: key });
  }
  expectModel(outcome, account, key);
  return key;
}

async function deleteKey(
  account: Account,
  world: World,
  key: Key,
  model: Properties,
  fault: Fault | undefined,
): Promise<void> {
  const outcome = await world.operate((stack) => stack.delete(model), fault);
  const { struck } = world;
  const wasThere = key.exists || key.record !== 'none';
  const end = supersede(account, key);
  if (end === 'NotFound') {
    expectFailure(outcome, 'NotFound');
  } else if (wasThere) {
    expect(outcome).toMatchObject({ status: 'SUCCESS' });
    expect(outcome.resourceModel).toBeUndefined();
  } else if (outcome.status === 'SUCCESS') {
    // Whether the try that got no answer had deleted the key, nobody can tell.
    expect(struck).toMatchObject({ action: 'DeleteAccessKey' });
    expect(struck?.kind).not.toBe('throttled twice');
  } else {
    expectFailure(outcome, 'NotFound');
  }
  if (end === 'to be deleted') takeAway(key);
  key.isGone = true;
}

function toProperties({ status, previousKey }: Declared): Properties {
  return { Status: status, PreviousKey: previousKey };
}

function expectModel(outcome: Outcome, account: Account, key: Key, request?: Properties): void {
  if (!key.exists || isSuperseded(account, key)) {
    expectFailure(outcome, 'NotFound');
    return;
  }
  expect(outcome).toMatchObject({ status: 'SUCCESS' });
  expect(outcome.resourceModel).toEqual(modelOf(key, request));
}

function expectFailure(outcome: Outcome, errorCode: string): void {
  expect(outcome).toMatchObject({ status: 'FAILED', errorCode });
}

function expectListed(outcome: Outcome, keys: readonly Key[]): void {
  const expected = keys.map(({ id, owner, status }) => ({
    Id: id,
    UserName: owner.name,
    Status: status,
    CreateDate: expect.any(String),
  }));
  expect(outcome).toMatchObject({ status: 'SUCCESS' });
  expect([...(outcome.resourceModels ?? [])].sort(byId)).toEqual(expected.sort(byId));
}

function byId(one: Properties, other: Properties): number {
  return String(one.Id) < String(other.Id) ? -1 : 1;
}
