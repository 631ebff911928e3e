import {
  keyExpired,
  keyUnknown,
  kmsFailed,
  RATE_EXCEEDED,
  userUnknown,
  type KmsFault,
  type Recorded,
} from '../support/recorded-answers.ts';
import { errorAnswer, recordedAnswer, type Message } from './answers.ts';
import type { Call } from './calls.ts';

/**
 * For how many milliseconds AWS goes on showing what was before, or in how many calls of each action, so
 * that an operation makes the same calls however fast it is; Infinity is for ever.
 */
export interface Lags {
  /** A new key is not listed. */
  newKey: number;
  /** A deleted key is listed. */
  deletedKey: number;
  /** A key is listed with the status that it had. */
  status: number;
  /** A parameter that was written is not found. */
  parameter: number;
  /** A parameter that was written over is found as it was. */
  change: number;
  /** A new key is not accepted by STS. */
  acceptance: number;
  /** In so many calls a user is unknown. */
  newUser: number;
  /** In so many calls a new key is unknown to whoever changes or deletes it, and its user to whoever tags it. */
  newKeyToChange: number;
  /** So many times each record is throttled: PutParameter has a rate of its own. */
  busyRecord: number;
  /** These keys are listed as ones that were made years ago. */
  oldKeys: readonly string[];
  /** These keys have expired. */
  expiredKeys: readonly string[];
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
  change: 0,
  acceptance: 0,
  newUser: 0,
  newKeyToChange: 0,
  busyRecord: 0,
  oldKeys: [],
  expiredKeys: [],
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

interface Written {
  readonly at: number;
  readonly value: unknown;
  /** What was there before. */
  readonly former: unknown;
}

interface Parameter {
  readonly Name: string;
  readonly Version: number;
  readonly Value: unknown;
  /** In seconds since 1970. */
  readonly LastModifiedDate: number;
}

/** Makes AWS eventually consistent: answers are changed to what they would have been a while ago. */
export class LaggingView {
  lags: Lags = { ...NO_LAGS };
  readonly #keys = new Map<string, Known>();
  readonly #refused = new Map<string, number>();
  readonly #written = new Map<string, Written>();

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
      case 'PutParameter': {
        const { Name, Value: value } = parameters;
        const former = this.#written.get(String(Name))?.value;
        this.#written.set(String(Name), { at: now, value, former });
        break;
      }
    }
  }

  /** The answer to a call that AWS turns down, mostly for not knowing yet what it is about. */
  refuse(call: Call): Message | undefined {
    const refusal = this.#findRefusal(call);
    return refusal && recordedAnswer(call, refusal);
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

  #findRefusal({ action, parameters }: Call): Recorded | undefined {
    const { UserName, AccessKeyId, Name } = parameters;
    const { newUser, newKeyToChange, busyRecord } = this.lags;
    if (KNOW_USERS.includes(action)) {
      return this.#isEarly(action, UserName, newUser) ? userUnknown(UserName) : undefined;
    }
    if (action === 'PutParameter' && !String(Name).includes('/pending/')) {
      return this.#isEarly(action, Name, busyRecord) ? RATE_EXCEEDED : undefined;
    }
    if (!CHANGE_KEYS.includes(action)) return undefined;
    const isOwn = [...this.#keys].some(([id, { userName }]) =>
      AccessKeyId === undefined ? userName === UserName : id === AccessKeyId,
    );
    if (isOwn && this.#isEarly(action, AccessKeyId ?? UserName, newKeyToChange)) {
      return AccessKeyId ? keyUnknown(AccessKeyId) : userUnknown(UserName);
    }
    const isExpired = this.lags.expiredKeys.includes(String(AccessKeyId));
    return action === 'UpdateAccessKey' && isExpired ? keyExpired(AccessKeyId) : undefined;
  }

  /** Whether fewer calls than that have been refused of this action, about this. */
  #isEarly(action: string, what: unknown, calls: number): boolean {
    const name = `${action} ${String(what)}`;
    const refused = this.#refused.get(name) ?? 0;
    if (refused >= calls) return false;
    this.#refused.set(name, refused + 1);
    return true;
  }

  #listed(userName: string, body: string): string {
    const members = (body.match(/<member>.*?<\/member>/gs) ?? []).flatMap((member) => {
      const id = valueOf(member, 'AccessKeyId');
      const key = this.#keys.get(id);
      if (isWithin(this.lags.newKey, key?.createdAt)) return [];
      if (this.lags.expiredKeys.includes(id))
        return [member.replace(/<Status>.*?</, '<Status>Expired<')];
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
      isWithin(this.lags.parameter, this.#written.get(Name)?.at);
    return JSON.stringify({
      Parameters: Parameters.filter((parameter) => !isMissing(parameter)).map((parameter) => ({
        ...this.#asItWas(parameter),
        LastModifiedDate: parameter.LastModifiedDate - this.lags.ageing / 1000,
      })),
      InvalidParameters: [
        ...InvalidParameters,
        ...Parameters.filter(isMissing).map(({ Name }) => Name),
      ],
    });
  }

  #asItWas(parameter: Parameter): Parameter {
    const { at, former } = this.#written.get(parameter.Name) ?? {};
    return isWithin(this.lags.change, at) && former !== undefined && parameter.Version > 1
      ? { ...parameter, Version: parameter.Version - 1, Value: former }
      : parameter;
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
