import type { Session } from '../runtime/session.ts';
import { AccessKeyOwner } from './access-key-owner.ts';
import { AccessKeys } from './access-keys.ts';
import { Descriptions } from './descriptions.ts';
import { Intents } from './intents.ts';
import { Parameters, type Keeping } from './parameters.ts';
import { Records } from './records.ts';
import { SecretVersions } from './secret-versions.ts';
import { Users } from './users.ts';

/** All that the type uses of AWS, for one request or the report. */
export class Services {
  readonly accessKeys: AccessKeys;
  readonly accessKeyOwner: AccessKeyOwner;
  readonly users: Users;
  readonly descriptions: Descriptions;
  readonly parameters: Parameters;
  readonly records: Records;
  readonly intents: Intents;
  readonly #session: Session;

  constructor({ typeConfiguration }: { typeConfiguration: Keeping }, session: Session) {
    this.#session = session;
    this.accessKeys = new AccessKeys(session);
    this.accessKeyOwner = new AccessKeyOwner(session);
    this.users = new Users(session);
    this.descriptions = new Descriptions(session);
    this.parameters = new Parameters(session, typeConfiguration);
    this.records = new Records(session, this.parameters);
    this.intents = new Intents(this.parameters);
  }

  secretVersions(secretId: string): SecretVersions {
    return new SecretVersions(this.#session, secretId);
  }
}
