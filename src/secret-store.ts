import { createHash } from 'node:crypto';
import {
  DeleteParameterCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { isYoung, type AccessKey } from './access-keys.ts';
import { attempt, present, UnreadableAnswer } from './errors.ts';
import type { TypeConfiguration } from './model.ts';
import { HandlerError, hasErrorCode } from './runtime/progress-event.ts';
import { asJson } from './runtime/request.ts';
import type { Session } from './runtime/session.ts';
import { poll, RECORD_PATIENCE_MS } from './stabilization.ts';

/** What the type keeps of an access key that it made. */
interface KeyRecord {
  /** Absent for a key with a secret of its own in Secrets Manager. */
  readonly secretAccessKey?: string | undefined;
  readonly secretId?: string | undefined;
  /** As the template spells it. */
  readonly userName: string;
  readonly serial?: number | undefined;
  readonly clientRequestToken: string;
  readonly stackId?: string | undefined;
  readonly logicalResourceId?: string | undefined;
}

/** A record as it is found: somebody may have edited it. */
export type StoredRecord = { readonly [Field in keyof KeyRecord]?: KeyRecord[Field] | undefined };

/** Written before a key is made, so that whoever comes later knows what may have been made. */
export interface Intent {
  readonly attemptId: string;
  /** The keys that the user had by then. */
  readonly accessKeyIds: string[];
  /** In milliseconds since 1970. */
  readonly startedAt: number;
}

/** Who writes the next version of an intent, seeing this one, is the next to make a key. */
export interface StoredIntent extends Intent {
  readonly version: number;
}

interface Found {
  readonly value: string;
  readonly version: number;
}

const FIRST_VERSION = 1;
const NAMES_A_CALL = 10;
const INTENT_PATIENCE_MS = 15_000;

/** One SecureString per access key in SSM Parameter Store. Every method throws HandlerError only. */
export class SecretStore {
  readonly #session: Session;
  readonly #ssm: SSMClient;
  readonly #prefix: string;
  readonly #kmsKeyId: string | undefined;

  constructor(session: Session, { parameterPrefix, kmsKeyId }: TypeConfiguration) {
    this.#session = session;
    this.#ssm = session.client(SSMClient);
    this.#prefix = parameterPrefix;
    this.#kmsKeyId = kmsKeyId;
  }

  /** The name of the parameter that holds the key's record. */
  nameOf(accessKeyId: string): string {
    return `${this.#prefix}/${accessKeyId}`;
  }

  nameOfIntent(clientRequestToken: string): string {
    const hash = createHash('sha256').update(clientRequestToken).digest('hex');
    return `${this.#prefix}/pending/${hash}`;
  }

  async find(accessKeyId: string): Promise<StoredRecord | undefined> {
    return (await this.findAll([accessKeyId])).records.get(accessKeyId);
  }

  /** What `find` missed of a key so young that Parameter Store may not show its record yet. */
  async findLate(accessKey: AccessKey): Promise<StoredRecord | undefined> {
    if (!isYoung(accessKey)) return undefined;
    return poll(RECORD_PATIENCE_MS, () => this.find(accessKey.accessKeyId));
  }

  /** The records of those of the keys that have one and, with a token, its intent: in one call. */
  async findAll(
    accessKeyIds: readonly string[],
    clientRequestToken?: string,
  ): Promise<{ records: Map<string, StoredRecord>; intent: StoredIntent | undefined }> {
    const intentName =
      clientRequestToken === undefined ? [] : [this.nameOfIntent(clientRequestToken)];
    const recordNames = accessKeyIds.map((accessKeyId) => this.nameOf(accessKeyId));
    const values = await this.#getParameters([...recordNames, ...intentName]);
    const records = accessKeyIds.flatMap((accessKeyId): [string, StoredRecord][] => {
      const found = values.get(this.nameOf(accessKeyId));
      return found ? [[accessKeyId, this.#toRecord(found.value)]] : [];
    });
    const intent = intentName.map((name) => values.get(name))[0];
    return { records: new Map(records), intent: intent && toIntent(intent) };
  }

  /** A record that is there already was written by this very call, whose answer was lost. */
  async put(accessKeyId: string, record: KeyRecord): Promise<void> {
    await this.#putParameter(this.nameOf(accessKeyId), record);
  }

  /**
   * Writes the intent where there is none.
   *
   * @returns what stands there then: this intent, or that of another attempt with this token.
   */
  async putIntent(clientRequestToken: string, intent: Intent): Promise<StoredIntent> {
    const name = this.nameOfIntent(clientRequestToken);
    const found = await poll(INTENT_PATIENCE_MS, async () => {
      const version = await this.#putParameter(name, intent);
      if (version !== undefined) return { ...intent, version };
      return (await this.findAll([], clientRequestToken)).intent;
    });
    if (found) return found;
    throw new HandlerError(
      'ResourceConflict',
      `reading parameter ${name}: it exists and is not found yet`,
    );
  }

  /** @returns the version that it is now: the next one, unless others have written it as well. */
  async overwriteIntent(clientRequestToken: string, intent: Intent): Promise<number> {
    const name = this.nameOfIntent(clientRequestToken);
    return (await this.#putParameter(name, intent, true)) ?? FIRST_VERSION;
  }

  async delete(accessKeyId: string): Promise<void> {
    await this.#deleteParameter(this.nameOf(accessKeyId));
  }

  async deleteIntent(clientRequestToken: string): Promise<void> {
    await this.#deleteParameter(this.nameOfIntent(clientRequestToken));
  }

  async #getParameters(names: readonly string[]): Promise<Map<string, Found>> {
    const values = new Map<string, Found>();
    for (let start = 0; start < names.length; start += NAMES_A_CALL) {
      const Names = names.slice(start, start + NAMES_A_CALL);
      await attempt(`reading parameter ${Names.join(', ')}`, async () => {
        const command = new GetParametersCommand({ Names, WithDecryption: true });
        const { Parameters = [], InvalidParameters = [] } = await this.#ssm.send(command);
        for (const parameter of Parameters) {
          const { Name, Value, Version = FIRST_VERSION } = present(parameter);
          if (Name === undefined || Value === undefined) continue;
          values.set(Name, { value: Value, version: Version });
        }
        const isAnswered = (name: string) => values.has(name) || InvalidParameters.includes(name);
        if (!Names.every(isAnswered)) throw new UnreadableAnswer();
      });
    }
    return values;
  }

  /** @returns the version written; without `overwrite`, undefined where there is one already. */
  async #putParameter(
    Name: string,
    value: KeyRecord | Intent,
    overwrite = false,
  ): Promise<number | undefined> {
    try {
      const { Version = FIRST_VERSION } = await attempt(`writing parameter ${Name}`, () =>
        this.#ssm.send(
          new PutParameterCommand({
            Name,
            Value: JSON.stringify(value),
            Type: 'SecureString',
            Tier: 'Standard',
            KeyId: this.#kmsKeyId,
            Overwrite: overwrite,
            Description: 'Written and deleted by the CloudFormation type Org::IAM::AccessKey',
          }),
        ),
      );
      return Version;
    } catch (error) {
      if (hasErrorCode(error, 'AlreadyExists')) return undefined;
      throw error;
    }
  }

  async #deleteParameter(Name: string): Promise<void> {
    try {
      await attempt(`deleting parameter ${Name}`, () =>
        this.#ssm.send(new DeleteParameterCommand({ Name })),
      );
    } catch (error) {
      if (!hasErrorCode(error, 'NotFound')) throw error;
    }
  }

  #toRecord(value: string): StoredRecord {
    const {
      secretAccessKey,
      secretId,
      userName,
      serial,
      clientRequestToken,
      stackId,
      logicalResourceId,
    } = parse(value);
    const record = {
      secretAccessKey: text(secretAccessKey),
      secretId: text(secretId),
      userName: text(userName),
      serial: typeof serial === 'number' ? serial : undefined,
      clientRequestToken: text(clientRequestToken),
      stackId: text(stackId),
      logicalResourceId: text(logicalResourceId),
    };
    this.#session.log.conceal(record.secretAccessKey);
    return record;
  }
}

function toIntent({ value, version }: Found): StoredIntent {
  const { attemptId, accessKeyIds, startedAt } = parse(value);
  return {
    version,
    attemptId: text(attemptId) ?? '',
    accessKeyIds: Array.isArray(accessKeyIds) ? accessKeyIds.map(String) : [],
    startedAt: typeof startedAt === 'number' ? startedAt : 0,
  };
}

/** A value that somebody else wrote over is no object: it has none of the fields. */
function parse(value: string): Readonly<Record<string, unknown>> {
  try {
    return asJson(JSON.parse(value)) ?? {};
  } catch {
    return {};
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
