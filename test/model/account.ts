import type { Properties } from '../../local/cloudformation.ts';

export type Status = 'Active' | 'Inactive';
export type PreviousKey = Status | 'Deleted';

/** What became of the parameter that holds a key's record. */
export type RecordState = 'kept' | 'garbage' | 'none';

export interface Key {
  readonly id: string;
  readonly secret: string;
  /** How scripts call it. */
  readonly name: string;
  readonly logicalId: string;
  readonly serial: number | undefined;
  readonly sesRegion: string | undefined;
  /** As the template spells it. */
  readonly userName: string;
  /** The key before, as its record said at first. */
  readonly firstPrevious: Key | undefined;
  owner: User;
  exists: boolean;
  /** As IAM has it. */
  status: Status;
  /** As the template has it. */
  declared: Declared;
  record: RecordState;
  /** What its record says, while it is kept. */
  marks: Marks;
  /** Whether CloudFormation has deleted it. */
  isGone: boolean;
  /** Whether somebody else has deleted or changed its record. */
  isTamperedWith: boolean;
}

export interface Declared {
  readonly status: Status;
  readonly previousKey: PreviousKey;
}

export interface Marks {
  readonly previousKey: PreviousKey;
  readonly previous: Key | undefined;
  readonly successor: Key | undefined;
  readonly isSuperseded: boolean;
}

export interface User {
  name: string;
}

/** The garbage that people write over a parameter. */
export const GARBAGE = '{"secretAccessKey":7,"serial":"1"';

const NO_MARKS: Marks = {
  previousKey: 'Deleted',
  previous: undefined,
  successor: undefined,
  isSuperseded: false,
};

/** The plain model: the users, keys and parameters that there should be. */
export class Account {
  readonly users: User[] = [];
  readonly keys: Key[] = [];

  user(index: number): User {
    return this.users[index % this.users.length] as User;
  }

  /** One of all the keys that ever were. */
  key(index: number): Key {
    return this.keys[index % this.keys.length] as Key;
  }

  /** One of those that CloudFormation has, if it has any. */
  current(index: number): Key {
    const current = this.keys.filter(({ isGone }) => !isGone);
    return current[index % current.length] ?? this.key(index);
  }

  add(
    key: Pick<
      Key,
      'id' | 'secret' | 'logicalId' | 'serial' | 'sesRegion' | 'userName' | 'owner' | 'record'
    >,
    declared: Declared,
    previous?: Key,
  ): Key {
    const added: Key = {
      ...key,
      name: `key ${this.keys.length}`,
      firstPrevious: previous,
      exists: true,
      status: declared.status,
      declared,
      marks: { ...NO_MARKS, previousKey: declared.previousKey, previous },
      isGone: false,
      isTamperedWith: false,
    };
    this.keys.push(added);
    return added;
  }

  keysOf(user: User): Key[] {
    return this.keys.filter(({ owner, exists }) => exists && owner === user);
  }

  isFull(user: User): boolean {
    return this.keysOf(user).length >= 2;
  }

  /** What there should be, in the form of World.holdings. */
  holdings(): { keys: string[]; parameters: string[] } {
    const keys = this.keys
      .filter(({ exists }) => exists)
      .map(({ id, owner, status }) => `${owner.name} ${id} ${status}`);
    const parameters = this.keys.filter(({ record }) => record !== 'none').map(toParameter);
    return { keys: keys.sort(), parameters: parameters.sort() };
  }
}

/** What a record says, for those who compare. */
export function toLine(
  id: string,
  { secretAccessKey, previousKey = 'Deleted', ...record }: Properties,
): string {
  const { previousKeyId, successorId, isSuperseded = false } = record;
  return [id, secretAccessKey, previousKey, previousKeyId, successorId, isSuperseded].join(' ');
}

function toParameter({ id, record, secret, marks }: Key): string {
  if (record === 'garbage') return `${id} ${GARBAGE}`;
  const { previousKey, previous, successor, isSuperseded } = marks;
  return toLine(id, {
    secretAccessKey: secret,
    previousKey,
    previousKeyId: previous?.id,
    successorId: successor?.id,
    isSuperseded,
  });
}

export function loseRecord(key: Key, record: 'garbage' | 'none'): void {
  Object.assign(key, { record, marks: NO_MARKS, isTamperedWith: true });
}

export function takeAway(key: Key | undefined): void {
  if (key) Object.assign(key, { exists: false, record: 'none', marks: NO_MARKS });
}

export function mark(key: Key, marks: Partial<Marks>): void {
  key.marks = { ...key.marks, ...marks };
}
