import { asJson, asText, isRegion, isText, parseJson } from '../runtime/json.ts';
import type { HandlerError } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { SecretKeys } from '../schema.ts';
import { isYoung, type AccessKey } from './access-keys.ts';
import { FIRST_VERSION, type Parameters, type StoredParameter } from './parameters.ts';
import { asLongAsThrottled } from './retries.ts';
import { PATIENCE, poll } from './waiting.ts';

/** What the type keeps of an access key that it made. */
export interface KeyRecord {
  /** Absent for a key with a secret of its own in Secrets Manager. */
  readonly secretAccessKey?: string | undefined;
  readonly secretId?: string | undefined;
  readonly secretKeys?: SecretKeys | undefined;
  readonly sesRegion?: string | undefined;
  /** As the template spells it. */
  readonly userName: string;
  readonly serial?: number | undefined;
  readonly clientRequestToken: string;
  readonly stackId?: string | undefined;
  readonly logicalResourceId?: string | undefined;
}

/** A record as it is found: somebody may have edited it. One that cannot be decrypted has no field. */
export type StoredRecord = {
  readonly [Field in keyof KeyRecord]?: KeyRecord[Field] | undefined;
} & {
  readonly kmsFailure?: HandlerError | undefined;
  /** The type writes a record once: of a later version, somebody else has. */
  readonly isOverwritten?: boolean;
};

/** One record per access key that the type made. Every method throws HandlerError only. */
export class Records {
  readonly #session: Session;
  readonly #parameters: Parameters;

  constructor(session: Session, parameters: Parameters) {
    this.#session = session;
    this.#parameters = parameters;
  }

  nameOf(accessKeyId: string): string {
    return `${this.#parameters.prefix}/${accessKeyId}`;
  }

  async find(accessKeyId: string): Promise<StoredRecord | undefined> {
    return (await this.findAll([accessKeyId])).get(accessKeyId);
  }

  /** What `find` missed of a key so young that Parameter Store may not show its record yet. */
  async findLate(accessKey: AccessKey): Promise<StoredRecord | undefined> {
    if (!isYoung(accessKey)) return undefined;
    return poll(PATIENCE.record, () => this.find(accessKey.accessKeyId));
  }

  /**
   * The records of those of the keys that have one, by access key id.
   *
   * @param others names of parameters that are read in the same call, to see that they can be.
   */
  async findAll(
    accessKeyIds: readonly string[],
    ...others: readonly string[]
  ): Promise<Map<string, StoredRecord>> {
    const names = accessKeyIds.map((accessKeyId) => this.nameOf(accessKeyId));
    const found = await this.#parameters.get([...names, ...others]);
    const records = new Map<string, StoredRecord>();
    for (const accessKeyId of accessKeyIds) {
      const parameter = found.get(this.nameOf(accessKeyId));
      if (parameter) records.set(accessKeyId, this.#toRecord(parameter));
    }
    return records;
  }

  /** A record that is there already was written by this very call, whose answer was lost. */
  async put(accessKeyId: string, record: KeyRecord): Promise<void> {
    const session = this.#session.with({ retryStrategy: asLongAsThrottled() });
    await session.run(() => this.#parameters.put(this.nameOf(accessKeyId), record));
  }

  async delete(accessKeyId: string): Promise<void> {
    await this.#parameters.delete(this.nameOf(accessKeyId));
  }

  #toRecord({ value, version, kmsFailure }: StoredParameter): StoredRecord {
    if (value === undefined) return { kmsFailure };
    const record = { ...toRecord(value), isOverwritten: version !== FIRST_VERSION };
    this.#session.log.conceal(record.secretAccessKey);
    return record;
  }
}

/** The type writes all of a record at once. What lacks a part, somebody else wrote: it proves nothing. */
export function isOfType(record: StoredRecord | undefined): boolean {
  if (!record) return false;
  const { userName, clientRequestToken, secretAccessKey, secretId, kmsFailure } = record;
  const parts = [userName, clientRequestToken, secretAccessKey ?? secretId];
  return kmsFailure !== undefined || !parts.includes(undefined);
}

function toRecord(value: string): StoredRecord {
  const { secretAccessKey, secretId, userName, serial, sesRegion, ...rest } = parseJson(value);
  return {
    secretAccessKey: asText(secretAccessKey),
    secretId: asText(secretId),
    secretKeys: toSecretKeys(rest.secretKeys),
    // It becomes part of a host's name.
    sesRegion: isRegion(sesRegion) ? sesRegion : undefined,
    userName: asText(userName),
    serial: typeof serial === 'number' ? serial : undefined,
    clientRequestToken: asText(rest.clientRequestToken),
    stackId: asText(rest.stackId),
    logicalResourceId: asText(rest.logicalResourceId),
  };
}

function toSecretKeys(value: unknown): SecretKeys | undefined {
  const names = asJson(value);
  return names && Object.fromEntries(Object.entries(names).filter(([, name]) => isText(name)));
}
