import { createHash } from 'node:crypto';
import { asText, parseJson } from '../runtime/json.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import { isAccessKeyId } from './access-key-id.ts';
import type { Parameters, StoredParameter } from './parameters.ts';

/** Written before a key is made, so that whoever comes later knows what may have been made. */
export interface Intent {
  /** Of the attempt that wrote it: one invocation of CREATE. */
  readonly attemptId: string;
  /** Whose it is. */
  readonly userName: string;
  readonly stackId: string | undefined;
  readonly logicalResourceId: string | undefined;
  readonly secretId: string | undefined;
  /** The keys that the user had by then. */
  readonly accessKeyIds: readonly string[];
  /** The key that is being taken away: whoever comes next finishes that. */
  readonly discarding?: string | undefined;
}

/** An intent as it is found. Who writes the next version, seeing this one, is the next to make a key. */
export type StoredIntent = Partial<Omit<Intent, 'accessKeyIds'>> & {
  readonly accessKeyIds: readonly string[];
  readonly version: number;
  /** When it was written, by AWS's clock. */
  readonly lastModified: Date;
};

/** One intent per client request token. Every method throws HandlerError only. */
export class Intents {
  readonly #parameters: Parameters;

  constructor(parameters: Parameters) {
    this.#parameters = parameters;
  }

  nameOf(clientRequestToken: string): string {
    const hash = createHash('sha256').update(clientRequestToken).digest('hex');
    return `${this.#parameters.prefix}/pending/${hash}`;
  }

  async find(clientRequestToken: string): Promise<StoredIntent | undefined> {
    const name = this.nameOf(clientRequestToken);
    const parameter = (await this.#parameters.get([name])).get(name);
    if (parameter?.kmsFailure) throw parameter.kmsFailure;
    return parameter && toIntent(parameter);
  }

  /** @returns whether there was none. */
  async put(clientRequestToken: string, intent: Intent): Promise<boolean> {
    const version = await this.#parameters.put(this.nameOf(clientRequestToken), intent);
    return version !== undefined;
  }

  /**
   * Of attempts with one token that overlap, the one that writes the version after the one that it
   * saw goes on.
   *
   * @throws HandlerError ResourceConflict for the others.
   */
  async putNext(clientRequestToken: string, seen: number, intent: Intent): Promise<void> {
    const name = this.nameOf(clientRequestToken);
    if ((await this.#parameters.overwrite(name, intent)) === seen + 1) return;
    throw new HandlerError(
      'ResourceConflict',
      `creating access key for user ${intent.userName}: another attempt of it is under way`,
    );
  }

  /** Writes over whatever stands. */
  async announce(clientRequestToken: string, intent: Intent): Promise<void> {
    await this.#parameters.overwrite(this.nameOf(clientRequestToken), intent);
  }

  async delete(clientRequestToken: string): Promise<void> {
    await this.#parameters.delete(this.nameOf(clientRequestToken));
  }
}

/** @param parameter as it is found: somebody may have edited it. */
export function toIntent({ value = '', version, lastModified }: StoredParameter): StoredIntent {
  const { accessKeyIds, ...rest } = parseJson(value);
  const discarding = asText(rest.discarding);
  return {
    attemptId: asText(rest.attemptId),
    userName: asText(rest.userName),
    stackId: asText(rest.stackId),
    logicalResourceId: asText(rest.logicalResourceId),
    secretId: asText(rest.secretId),
    discarding: discarding !== undefined && isAccessKeyId(discarding) ? discarding : undefined,
    accessKeyIds: Array.isArray(accessKeyIds) ? accessKeyIds.map(String) : [],
    version,
    lastModified,
  };
}
