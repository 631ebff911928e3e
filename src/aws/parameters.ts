import {
  DeleteParameterCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
  type Parameter,
} from '@aws-sdk/client-ssm';
import { hasErrorCode, ifFound, type HandlerError } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { TypeConfiguration } from '../schema.ts';
import { getDecrypted } from './decryption.ts';
import { callAws, present, UnreadableAnswer } from './errors.ts';

/** Where the parameters are, and how they are encrypted. */
export type Keeping = Pick<TypeConfiguration, 'parameterPrefix' | 'kmsKeyId'>;

/** A parameter as it is found: somebody may have edited it. */
export interface StoredParameter {
  /** Undefined where the KMS key that encrypted it cannot be used. */
  readonly value: string | undefined;
  readonly version: number;
  /** When its last version was written, by AWS's clock. */
  readonly lastModified: Date;
  /** Why there is no value. */
  readonly kmsFailure?: HandlerError;
}

export const FIRST_VERSION = 1;
const NAMES_A_CALL = 10;

/** The type's SecureStrings in SSM Parameter Store. Every method throws HandlerError only. */
export class Parameters {
  readonly prefix: string;
  readonly #ssm: SSMClient;
  readonly #kmsKeyId: string | undefined;

  constructor(session: Session, { parameterPrefix, kmsKeyId }: Keeping) {
    this.prefix = parameterPrefix;
    this.#ssm = session.client(SSMClient);
    this.#kmsKeyId = kmsKeyId;
  }

  /** @returns those that are there, by name: one with a version, `name:1`, by its name alone. */
  async get(names: readonly string[]): Promise<Map<string, StoredParameter>> {
    const found = new Map<string, StoredParameter>();
    for (let start = 0; start < names.length; start += NAMES_A_CALL) {
      const some = names.slice(start, start + NAMES_A_CALL);
      const parameters = await getDecrypted(some, (...asked) => this.#get(...asked));
      for (const [name, parameter] of parameters) found.set(name, parameter);
    }
    return found;
  }

  /** @returns the first versions of those whose first version Parameter Store still has, by name. */
  async getFirst(names: readonly string[]): Promise<Map<string, StoredParameter>> {
    return this.get(names.map(firstOf));
  }

  /** @returns the version written; undefined where there is one already, which stays. */
  async put(name: string, value: object): Promise<number | undefined> {
    try {
      return await this.#put(name, value, false);
    } catch (error) {
      if (hasErrorCode(error, 'AlreadyExists')) return undefined;
      throw error;
    }
  }

  /** @returns the version written: the next one, unless others have written it as well. */
  async overwrite(name: string, value: object): Promise<number> {
    return this.#put(name, value, true);
  }

  async delete(name: string): Promise<void> {
    const command = new DeleteParameterCommand({ Name: name });
    await ifFound(callAws(`deleting parameter ${name}`, () => this.#ssm.send(command)));
  }

  async #put(name: string, value: object, overwrite: boolean): Promise<number> {
    return callAws(`writing parameter ${name}`, async () => {
      const { Version = FIRST_VERSION } = await this.#ssm.send(
        new PutParameterCommand({
          Name: name,
          Value: JSON.stringify(value),
          Type: 'SecureString',
          Tier: 'Standard',
          KeyId: this.#kmsKeyId,
          Overwrite: overwrite,
          Description: 'Written and deleted by the CloudFormation type Org::IAM::AccessKey',
        }),
      );
      return Version;
    });
  }

  async #get(
    Names: readonly string[],
    WithDecryption: boolean,
  ): Promise<[string, StoredParameter][]> {
    return callAws(`reading parameter ${Names.join(', ')}`, async () => {
      const command = new GetParametersCommand({ Names: [...Names], WithDecryption });
      const { Parameters = [], InvalidParameters = [] } = await this.#ssm.send(command);
      const found = Parameters.flatMap((parameter) => toStored(present(parameter)));
      const isAnswered = (name: string) =>
        InvalidParameters.includes(name) ||
        found.some(([foundName]) => [foundName, firstOf(foundName)].includes(name));
      if (!Names.every(isAnswered)) throw new UnreadableAnswer();
      return found;
    });
  }
}

function firstOf(name: string): string {
  return `${name}:${FIRST_VERSION}`;
}

function toStored({
  Name,
  Value,
  Version = FIRST_VERSION,
  LastModifiedDate = new Date(0),
}: Parameter): [string, StoredParameter][] {
  if (Name === undefined || Value === undefined) return [];
  return [[Name, { value: Value, version: Version, lastModified: LastModifiedDate }]];
}
