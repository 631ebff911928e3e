import type { Properties } from '../../local/cloudformation.ts';
import { toSesSmtpPassword } from '../../src/aws/ses-smtp.ts';
import { REGION } from '../support/local-type.ts';

export type Status = 'Active' | 'Inactive';

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
  owner: User;
  exists: boolean;
  /** As IAM has it. */
  status: Status;
  /** As the template has it. */
  declared: Status;
  record: RecordState;
}

export interface User {
  name: string;
}

/** The garbage that people write over a parameter. */
export const GARBAGE = '{"secretAccessKey":7,"serial":"1"';

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
    const parameters = this.keys
      .filter(({ record }) => record !== 'none')
      .map(({ id, record, secret }) => `${id} ${record === 'kept' ? secret : GARBAGE}`);
    return { keys: keys.sort(), parameters: parameters.sort() };
  }
}

/** What READ should return of a key. @param spelling the user's name in the request, if it has one. */
export function modelOf(key: Key, spelling?: string): Properties {
  const { owner, record, secret, sesRegion } = key;
  const spelled = record === 'kept' ? key.userName : spelling;
  const isSameName = spelled?.toLowerCase() === owner.name.toLowerCase();
  return {
    UserName: isSameName ? spelled : owner.name,
    Status: key.status,
    Id: key.id,
    CreateDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    ...(record === 'kept' && {
      SecretAccessKey: secret,
      SesSmtpEndpoint: `email-smtp.${sesRegion ?? REGION}.amazonaws.com`,
      SesSmtpPassword: toSesSmtpPassword(secret, sesRegion ?? REGION),
      ...(sesRegion && { SesRegion: sesRegion }),
    }),
  };
}
