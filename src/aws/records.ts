import { isDeepStrictEqual } from 'node:util';
import { asJson, asText, isRegion, isText, parseJson } from '../runtime/json.ts';
import type { HandlerError } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import { schema, type PreviousKey, type SecretKeys } from '../schema.ts';
import { isAccessKeyId } from './access-key-id.ts';
import { isYoung, type AccessKey } from './access-keys.ts';
import { FIRST_VERSION, type Parameters, type StoredParameter } from './parameters.ts';
import { asLongAsThrottled } from './retries.ts';
import { PATIENCE, poll } from './waiting.ts';

const PREVIOUS_KEYS = schema.properties.PreviousKey.enum as readonly PreviousKey[];

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
  /** What its PreviousKey said when it was made, or says now that there is no such key. */
  readonly previousKey?: PreviousKey | undefined;
  /** The key that it replaced and that was to live on. */
  readonly previousKeyId?: string | undefined;
  /** Who replaced it, and lets it live on. Where that one is gone, this says nothing. */
  readonly successorId?: string | undefined;
  /** Whether it is gone for CloudFormation, and is its successor's previous key. */
  readonly isSuperseded?: boolean | undefined;
}

/** A record as it is found: somebody may have edited it. One that cannot be decrypted has no field. */
export type StoredRecord = {
  readonly [Field in keyof KeyRecord]?: KeyRecord[Field] | undefined;
} & {
  readonly kmsFailure?: HandlerError | undefined;
  /** Whether somebody else has, or may have, changed what the type never changes. */
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

  /** The same, and of a record of a later version, whether it is what the type wrote at first. */
  async findAllProven(
    accessKeyIds: readonly string[],
    ...others: readonly string[]
  ): Promise<Map<string, StoredRecord>> {
    const records = await this.findAll(accessKeyIds, ...others);
    const doubtful = [...records].filter(([, { isOverwritten }]) => isOverwritten);
    if (doubtful.length === 0) return records;
    const names = doubtful.map(([accessKeyId]) => this.nameOf(accessKeyId));
    const firsts = await this.#parameters.getFirst(names);
    for (const [accessKeyId, record] of doubtful) {
      const first = toRecord(firsts.get(this.nameOf(accessKeyId))?.value ?? '');
      records.set(accessKeyId, { ...record, isOverwritten: !isFromFirst(record, first) });
    }
    return records;
  }

  /** A record that is there already was written by this very call, whose answer was lost. */
  async put(accessKeyId: string, record: KeyRecord): Promise<void> {
    const session = this.#session.with({ retryStrategy: asLongAsThrottled() });
    await session.run(() => this.#parameters.put(this.nameOf(accessKeyId), record));
  }

  /** Writes the record anew, with what has changed. */
  async change(
    accessKeyId: string,
    record: StoredRecord,
    change: Pick<KeyRecord, 'previousKey' | 'previousKeyId' | 'successorId' | 'isSuperseded'>,
  ): Promise<void> {
    const session = this.#session.with({ retryStrategy: asLongAsThrottled() });
    const name = this.nameOf(accessKeyId);
    const value = { ...record, ...change, isOverwritten: undefined };
    await session.run(() => this.#parameters.overwrite(name, value));
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
    previousKey: PREVIOUS_KEYS.find((previousKey) => previousKey === rest.previousKey),
    previousKeyId: asAccessKeyId(rest.previousKeyId),
    successorId: asAccessKeyId(rest.successorId),
    isSuperseded: rest.isSuperseded === true || undefined,
  };
}

function toSecretKeys(value: unknown): SecretKeys | undefined {
  const names = asJson(value);
  return names && Object.fromEntries(Object.entries(names).filter(([, name]) => isText(name)));
}

function asAccessKeyId(value: unknown): string | undefined {
  const text = asText(value);
  return text !== undefined && isAccessKeyId(text) ? text : undefined;
}

/** Whether the record still says what the type wrote at first, but for what the type itself changes. */
function isFromFirst(record: StoredRecord, first: StoredRecord): boolean {
  const unchanging = (stored: StoredRecord): StoredRecord => ({
    ...stored,
    previousKey: undefined,
    previousKeyId: undefined,
    successorId: undefined,
    isSuperseded: undefined,
    isOverwritten: undefined,
  });
  return (
    isDeepStrictEqual(unchanging(record), unchanging(first)) &&
    [undefined, first.previousKeyId].includes(record.previousKeyId)
  );
}
