import { keyUnknown, kmsFailed, userUnknown, type KmsFault } from '../support/recorded-answers.ts';
import { errorAnswer, recordedAnswer, type Message } from './answers.ts';
import type { Call } from './calls.ts';

/** For how many milliseconds AWS goes on showing what was before; Infinity is for ever. */
export interface Lags {
  /** A new key is not listed. */
  newKey: number;
  /** A deleted key is listed. */
  deletedKey: number;
  /** A key is listed with the status that it had. */
  status: number;
  /** A parameter that was written is not found. */
  parameter: number;
  /** A new key is not accepted by STS. */
  acceptance: number;
  /** A user is unknown, from the first call about it on. */
  newUser: number;
  /** A new key is unknown to whoever changes or deletes it, and its user to whoever tags it. */
  newKeyToChange: number;
  /** These keys are listed as ones that were made years ago. */
  oldKeys: readonly string[];
  /** Every key and every parameter is shown as one that was made so much earlier. */
  ageing: number;
  /** These parameters cannot be decrypted, nor anything that is asked for along with them. */
  undecryptable: readonly string[];
  /** Why not. */
  kmsFault: KmsFault;
  /** IAM lists users and keys in pages of no more than so many. */
  pageSize: number;
}

export const NO_LAGS: Readonly<Lags> = {
  newKey: 0,
  deletedKey: 0,
  status: 0,
  parameter: 0,
  acceptance: 0,
  newUser: 0,
  newKeyToChange: 0,
  oldKeys: [],
  ageing: 0,
  undecryptable: [],
  kmsFault: 'pending deletion',
  pageSize: Infinity,
};

const KNOW_USERS = ['ListAccessKeys', 'CreateAccessKey', 'GetUser'];
const CHANGE_KEYS = ['UpdateAccessKey', 'DeleteAccessKey', 'TagUser'];
const YEARS_MS = 5 * 365 * 24 * 60 * 60_000;

interface Known {
  createdAt?: number;
  deletedAt?: number;
  changedAt?: number;
  userName: string;
  status: string;
  formerStatus: string;
}

interface Parameter {
  readonly Name: string;
  /** In seconds since 1970. */
  readonly LastModifiedDate: number;
}

/** Makes AWS eventually consistent: answers are changed to what they would have been a while ago. */
export class LaggingView {
  lags: Lags = { ...NO_LAGS };
  readonly #keys = new Map<string, Known>();
  readonly #users = new Map<unknown, number>();
  readonly #writtenAt = new Map<string, number>();

  /** Remembers what a call that took effect has changed. */
  learn({ action, parameters }: Call, { statusCode, body }: Message): void {
    if (statusCode !== 200) return;
    const now = Date.now();
    const key = this.#keys.get(String(parameters.AccessKeyId));
    switch (action) {
      case 'CreateAccessKey': {
        const userName = valueOf(body, 'UserName');
        const known = { createdAt: now, userName, status: 'Active', formerStatus: 'Active' };
        this.#keys.set(valueOf(body, 'AccessKeyId'), known);
        break;
      }
      case 'UpdateAccessKey':
        if (!key || key.status === parameters.Status) break;
        Object.assign(key, { changedAt: now, formerStatus: key.status, status: parameters.Status });
        break;
      case 'DeleteAccessKey':
        if (key) key.deletedAt = now;
        break;
      case 'PutParameter':
        this.#writtenAt.set(String(parameters.Name), now);
        break;
    }
  }

  /** The answer to a call that AWS turns down, for not knowing yet what it is about. */
  refuse(call: Call): Message | undefined {
    const { action, parameters } = call;
    const { UserName, AccessKeyId } = parameters;
    if (this.lags.newUser > 0 && KNOW_USERS.includes(action)) {
      const since = this.#users.get(UserName) ?? Date.now();
      this.#users.set(UserName, since);
      if (isWithin(this.lags.newUser, since)) return recordedAnswer(call, userUnknown(UserName));
    }
    if (!CHANGE_KEYS.includes(action)) return undefined;
    const isNew = [...this.#keys].some(
      ([id, { userName, createdAt }]) =>
        (AccessKeyId === undefined ? userName === UserName : id === AccessKeyId) &&
        isWithin(this.lags.newKeyToChange, createdAt),
    );
    if (!isNew) return undefined;
    return recordedAnswer(call, AccessKeyId ? keyUnknown(AccessKeyId) : userUnknown(UserName));
  }

  /** The body of a call as it is sent on. */
  ask({ action }: Call, body: string): string {
    const { pageSize } = this.lags;
    if (pageSize === Infinity || !/^List(Users|AccessKeys)$/.test(action)) return body;
    const asked = new URLSearchParams(body);
    asked.set('MaxItems', String(pageSize));
    return asked.toString();
  }

  change(call: Call, answer: Message): Message {
    if (answer.statusCode !== 200) return answer;
    switch (call.action) {
      case 'ListAccessKeys':
        return { ...answer, body: this.#listed(String(call.parameters.UserName), answer.body) };
      case 'GetParameters':
        return this.#isSealed(call, answer.body)
          ? recordedAnswer(call, kmsFailed(this.lags.kmsFault, 'alias/aws/ssm', true))
          : { ...answer, body: this.#found(answer.body) };
      case 'GetCallerIdentity':
        return isWithin(this.lags.acceptance, this.#keys.get(call.signer)?.createdAt)
          ? errorAnswer(call, 403, 'InvalidClientTokenId', 'The security token is invalid.')
          : answer;
      default:
        return answer;
    }
  }

  #listed(userName: string, body: string): string {
    const members = (body.match(/<member>.*?<\/member>/gs) ?? []).flatMap((member) => {
      const key = this.#keys.get(valueOf(member, 'AccessKeyId'));
      if (isWithin(this.lags.newKey, key?.createdAt)) return [];
      if (!key || !isWithin(this.lags.status, key.changedAt)) return [member];
      return [member.replace(/<Status>.*?</, `<Status>${key.formerStatus}<`)];
    });
    for (const [accessKeyId, key] of this.#keys) {
      if (key.userName !== userName || !isWithin(this.lags.deletedKey, key.deletedAt)) continue;
      const date = new Date(key.createdAt ?? 0).toISOString();
      members.push(
        `<member><UserName>${userName}</UserName><AccessKeyId>${accessKeyId}</AccessKeyId><Status>${key.status}</Status><CreateDate>${date}</CreateDate></member>`,
      );
    }
    const aged = members.map((member) => {
      const isOld = this.lags.oldKeys.includes(valueOf(member, 'AccessKeyId'));
      return older(member, isOld ? YEARS_MS : this.lags.ageing);
    });
    return body.replace(
      /<AccessKeyMetadata\s*\/>|<AccessKeyMetadata>.*<\/AccessKeyMetadata>/s,
      `<AccessKeyMetadata>${aged.join('')}</AccessKeyMetadata>`,
    );
  }

  #isSealed({ parameters }: Call, body: string): boolean {
    if (parameters.WithDecryption !== true) return false;
    return parametersIn(body).Parameters.some(({ Name }) => this.lags.undecryptable.includes(Name));
  }

  #found(body: string): string {
    const { Parameters, InvalidParameters } = parametersIn(body);
    const isMissing = ({ Name }: Parameter): boolean =>
      isWithin(this.lags.parameter, this.#writtenAt.get(Name));
    return JSON.stringify({
      Parameters: Parameters.filter((parameter) => !isMissing(parameter)).map((parameter) => ({
        ...parameter,
        LastModifiedDate: parameter.LastModifiedDate - this.lags.ageing / 1000,
      })),
      InvalidParameters: [
        ...InvalidParameters,
        ...Parameters.filter(isMissing).map(({ Name }) => Name),
      ],
    });
  }
}

function parametersIn(body: string): { Parameters: Parameter[]; InvalidParameters: string[] } {
  return { Parameters: [], InvalidParameters: [], ...(JSON.parse(body) as object) };
}

function isWithin(lag: number, since: number | undefined): boolean {
  return since !== undefined && Date.now() - since < lag;
}

function older(member: string, milliseconds: number): string {
  if (milliseconds === 0) return member;
  const createDate = Date.parse(valueOf(member, 'CreateDate')) - milliseconds;
  return member.replace(
    /<CreateDate>.*?</,
    `<CreateDate>${new Date(createDate).toISOString().replace(/\.\d+/, '')}<`,
  );
}

function valueOf(xml: string, element: string): string {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1] ?? '';
}
