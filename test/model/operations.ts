import fc from 'fast-check';
import type { Outcome, Properties } from '../../local/cloudformation.ts';
import { modelOf, type Account, type Key, type Status, type User } from './account.ts';
import { Step } from './step.ts';
import type { Fault, World } from './world.ts';

export const status = fc.constantFrom<Status>('Active', 'Inactive');
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

const create = fc
  .record({ index, serial, status, sesRegion, isShouted: fc.boolean(), fault: faultOfCreate })
  .map(({ index, serial, status, sesRegion, isShouted, fault }) => {
    const spell = ({ name }: User): string => (isShouted ? name.toUpperCase() : name);
    return new Step(
      (account) =>
        `create a key for ${spell(account.user(index))}, ${status}, Serial ${String(serial)}, ` +
        `SesRegion ${String(sesRegion)}`,
      async (account, world) => {
        const user = account.user(index);
        const logicalId = `Key${account.keys.length}`;
        const properties = {
          UserName: spell(user),
          Status: status,
          Serial: serial,
          SesRegion: sesRegion,
        };
        await createKey(account, world, user, logicalId, properties, fault);
      },
      { needsKey: false },
    );
  });

const read = fc.record({ index, status, byIdAlone: fc.boolean(), fault }).map(
  ({ index, status, byIdAlone, fault }) =>
    new Step(
      (account) => `read ${account.key(index).name}${byIdAlone ? ' by its id alone' : ''}`,
      async (account, world) => {
        const key = account.key(index);
        // The status in the request may be any: what counts is the key's.
        const model = byIdAlone ? key.id : { Id: key.id, UserName: key.userName, Status: status };
        const outcome = await world.operate((stack) => stack.read(model), fault);
        expectModel(outcome, key, byIdAlone ? undefined : key.userName);
      },
    ),
);

const update = fc.record({ index, status, fault }).map(
  ({ index, status, fault }) =>
    new Step(
      (account) => `update ${account.key(index).name} to ${status}`,
      async (account, world) => {
        const key = account.key(index);
        const { userName: UserName, serial: Serial, sesRegion: SesRegion } = key;
        const properties = { UserName, Serial, SesRegion };
        const previous = { ...properties, Id: key.id, Status: key.declared };
        const outcome = await world.operate(
          (stack) => stack.update(previous, { ...properties, Status: status }),
          fault,
        );
        // What somebody switched off by hand stays off while the template says Active as before.
        const isLeft = status === 'Active' && key.declared === 'Active';
        if (key.exists) {
          if (!isLeft) key.status = status;
          key.declared = status;
        }
        expectModel(outcome, key, key.userName);
      },
    ),
);

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

const rotate = fc
  .record({ index, higher: fc.nat({ max: 1 }), sesRegion, faultOfCreate, fault })
  .map(
    ({ index, higher, sesRegion, faultOfCreate, fault }) =>
      new Step(
        (account) =>
          `rotate ${account.key(index).name}, whose Serial is ${String(account.key(index).serial)}, ` +
          `with Serial ${(account.key(index).serial ?? 0) + higher}, SesRegion ${String(sesRegion)}`,
        async (account, world) => {
          const old = account.key(index);
          const serial = (old.serial ?? 0) + higher;
          const properties = {
            UserName: old.owner.name,
            Status: old.status,
            Serial: serial,
            SesRegion: sesRegion,
          };
          const made = await createKey(
            account,
            world,
            old.owner,
            old.logicalId,
            properties,
            faultOfCreate,
          );
          if (!made) return;
          expect(await world.holdings()).toEqual(account.holdings());
          await deleteKey(world, old, { Id: old.id, UserName: old.userName }, fault);
        },
      ),
  );

const remove = fc.record({ index, byIdAlone: fc.boolean(), fault: faultOfDelete }).map(
  ({ index, byIdAlone, fault }) =>
    new Step(
      (account) => `delete ${account.key(index).name}${byIdAlone ? ' by its id alone' : ''}`,
      async (account, world) => {
        const key = account.key(index);
        const model = { Id: key.id, ...(!byIdAlone && { UserName: key.userName }) };
        await deleteKey(world, key, model, fault);
      },
    ),
);

/** Deletes every key, as CloudFormation does with a stack. */
export async function deleteStack(account: Account, world: World): Promise<void> {
  for (const key of account.keys) {
    world.script.push(`delete ${key.name} with its stack`);
    await deleteKey(world, key, { Id: key.id }, undefined);
  }
  expect(await world.holdings()).toEqual({ keys: [], parameters: [] });
}

/** What CloudFormation asks the type to do. */
export const OPERATIONS = [create, read, update, list, listOfUser, rotate, remove];

/** @returns whether a key was made. */
async function createKey(
  account: Account,
  world: World,
  user: User,
  logicalId: string,
  properties: {
    UserName: string;
    Status: Status;
    Serial: number | undefined;
    SesRegion: string | undefined;
  },
  fault: Fault | undefined,
): Promise<boolean> {
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
    return false;
  }
  if (account.isFull(user)) {
    expectFailure(outcome, 'ServiceLimitExceeded');
    return false;
  }
  const id = String(outcome.resourceModel?.Id);
  const key: Key = {
    id,
    secret: world.secretOf(id),
    name: `key ${account.keys.length}`,
    logicalId,
    serial: properties.Serial,
    sesRegion: properties.SesRegion,
    userName: properties.UserName,
    owner: user,
    exists: true,
    status: properties.Status,
    declared: properties.Status,
    record: 'kept',
  };
  account.keys.push(key);
  expectModel(outcome, key);
  return true;
}

async function deleteKey(
  world: World,
  key: Key,
  model: Properties,
  fault: Fault | undefined,
): Promise<void> {
  const outcome = await world.operate((stack) => stack.delete(model), fault);
  const { struck } = world;
  if (key.exists || key.record !== 'none') {
    expect(outcome).toMatchObject({ status: 'SUCCESS' });
    expect(outcome.resourceModel).toBeUndefined();
  } else if (outcome.status === 'SUCCESS') {
    // Whether the try that got no answer had deleted the key, nobody can tell.
    expect(struck).toMatchObject({ action: 'DeleteAccessKey' });
    expect(struck?.kind).not.toBe('throttled twice');
  } else {
    expectFailure(outcome, 'NotFound');
  }
  Object.assign(key, { exists: false, record: 'none' });
}

function expectModel(outcome: Outcome, key: Key, spelling?: string): void {
  if (!key.exists) {
    expectFailure(outcome, 'NotFound');
    return;
  }
  expect(outcome).toMatchObject({ status: 'SUCCESS' });
  expect(outcome.resourceModel).toEqual(modelOf(key, spelling));
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
