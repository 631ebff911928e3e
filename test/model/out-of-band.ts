import fc from 'fast-check';
import { PREFIX } from '../support/local-type.ts';
import { GARBAGE, loseRecord, mark, type Account, type Key } from './account.ts';
import { index } from './operations.ts';
import { modelOf } from './previous-key.ts';
import { Step } from './step.ts';
import type { World } from './world.ts';

const importKey = index.map(
  (index) =>
    new Step(
      (account) => `import a key that somebody made for ${account.user(index).name}`,
      async (account, world) => {
        const owner = account.user(index);
        if (account.isFull(owner)) return;
        const id = await world.type.createForeignKey(owner.name);
        world.age(id);
        const key = account.add(
          {
            id,
            secret: world.secretOf(id),
            logicalId: `Key${account.keys.length}`,
            serial: undefined,
            sesRegion: undefined,
            userName: owner.name,
            owner,
            record: 'none',
          },
          { status: 'Active', previousKey: 'Deleted' },
        );
        const outcome = await world.operate((stack) => stack.read(id));
        expect(outcome.resourceModel).toEqual(modelOf(key));
      },
      { needsKey: false },
    ),
);

const flipStatus = ofKey('somebody flips the status of', async (key, world) => {
  if (!key.exists) return;
  const status = key.status === 'Active' ? 'Inactive' : 'Active';
  await world.type.setStatus(key.owner.name, key.id, status);
  key.status = status;
});

const deleteKey = ofKey('somebody deletes', async (key, world) => {
  if (!key.exists) return;
  await world.type.deleteKey(key.owner.name, key.id);
  key.exists = false;
});

const deleteParameter = ofKey('somebody deletes the parameter of', async (key, world) => {
  if (key.record === 'none') return;
  await world.type.deleteParameter(`${PREFIX}/${key.id}`);
  // A missing parameter of a new key is waited for.
  world.age(key.id);
  loseRecord(key, 'none');
});

const overwriteParameter = ofKey('somebody overwrites the parameter of', async (key, world) => {
  await world.type.overwriteParameter(`${PREFIX}/${key.id}`, GARBAGE);
  loseRecord(key, 'garbage');
});

/** As somebody does who may write parameters, and would have the type delete another's key. */
const plantPrevious = fc.record({ index, other: index }).map(
  ({ index, other }) =>
    new Step(
      (account) =>
        `somebody writes ${account.key(other).name} into the record of ${account.key(index).name} ` +
        'as its previous key',
      async (account, world) => {
        const [key, previous] = [account.key(index), account.key(other)];
        if (key.record !== 'kept' || previous.record !== 'kept') return;
        await world.editRecord(key.id, { previousKey: 'Active', previousKeyId: previous.id });
        mark(key, { previousKey: 'Active', previous });
        await world.editRecord(previous.id, { isSuperseded: true, successorId: key.id });
        mark(previous, { isSuperseded: true, successor: key });
        for (const each of [key, previous]) each.isTamperedWith = true;
      },
    ),
);

const renameUser = fc.record({ index, isSucceeded: fc.boolean() }).map(
  ({ index, isSucceeded }) =>
    new Step(
      (account) =>
        `somebody renames ${account.user(index).name}` +
        (isSucceeded ? ' and makes another user with that name' : ''),
      async (account, world) => {
        const user = account.user(index);
        const { name } = user;
        user.name = `${nameOfOrigin(name)}-${account.users.length}${world.script.length}`;
        const ids = account.keysOf(user).map(({ id }) => id);
        await world.renameUser(name, user.name, ids);
        if (!isSucceeded) return;
        await world.type.createUser(name);
        account.users.push({ name });
      },
      { needsKey: false },
    ),
);

/** What happens to keys, parameters and users behind CloudFormation's back. */
export const OUT_OF_BAND = [
  importKey,
  flipStatus,
  deleteKey,
  deleteParameter,
  overwriteParameter,
  plantPrevious,
  renameUser,
];

function ofKey(
  what: string,
  act: (key: Key, world: World, account: Account) => Promise<void>,
): fc.Arbitrary<Step> {
  return index.map(
    (index) =>
      new Step(
        (account) => `${what} ${account.key(index).name}`,
        (account, world) => act(account.key(index), world, account),
      ),
  );
}

function nameOfOrigin(name: string): string {
  return name.replace(/-\d+$/, '');
}
