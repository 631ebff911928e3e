import { refuse, type Answer, type Behaviour, type Call } from './aws-proxy.ts';
import {
  keyExpired,
  keyUnknown,
  kmsFailed,
  permissionDenied,
  RATE_EXCEEDED,
  userUnknown,
  type KmsFault,
  type Recorded,
} from './recorded-answers.ts';
import { keyIdIn } from './strict-parameters.ts';

/** What AWS does now and then, or to some callers only, and moto never. */

/** Refuses one action as AWS does where the permission is missing. */
export function deny(action: string, which: (call: Call) => boolean = () => true): Behaviour {
  return (call, next) =>
    actionOf(call) === action && which(call) ? turnDown(call, permissionDenied(call)) : next(call);
}

/** IAM denies asking about a key that it does not know, in words that leave open why. */
export const denyInOpenWords: Behaviour = async (call, next) => {
  const answer = await next(call);
  return call.action === 'GetAccessKeyLastUsed' && answer.status !== 200
    ? refuse(call, 403, 'AccessDenied', 'User is not authorized')
    : answer;
};

/** What was given out is over: every call is refused. */
export const expire: Behaviour = (call) => {
  const message = 'The security token included in the request is expired';
  return isQuery(call)
    ? refuse(call, 403, 'ExpiredToken', message)
    : refuse(call, 400, 'ExpiredTokenException', message);
};

/** IAM made every key long ago. */
export const ageKeys: Behaviour = async (call, next) => {
  const answer = await next(call);
  if (call.action !== 'ListAccessKeys') return answer;
  const made = '<CreateDate>2020-02-03T04:05:06Z</CreateDate>';
  return { ...answer, body: answer.body.replaceAll(/<CreateDate>[^<]*<\/CreateDate>/g, made) };
};

/** Users who were made a moment ago: for so long IAM does not know any of them, in these actions. */
export function hideUsers(
  milliseconds: number,
  actions = ['ListAccessKeys', 'CreateAccessKey', 'GetUser'],
): Behaviour {
  const end = Date.now() + milliseconds;
  return (call, next) =>
    call.service === 'iam' && actions.includes(call.action) && Date.now() < end
      ? turnDown(call, userUnknown(call.parameters.UserName))
      : next(call);
}

/** For so long after a key was made IAM does not know it, or its user, where either is changed. */
export function forgetNewKeys(
  milliseconds: number,
  actions = ['UpdateAccessKey', 'DeleteAccessKey', 'TagUser'],
): Behaviour {
  const ends = new Map<unknown, number>();
  return async (call, next) => {
    const { UserName, AccessKeyId } = call.parameters;
    const end = ends.get(AccessKeyId ?? UserName) ?? 0;
    if (call.service === 'iam' && actions.includes(call.action) && Date.now() < end) {
      return turnDown(call, AccessKeyId ? keyUnknown(AccessKeyId) : userUnknown(UserName));
    }
    const answer = await next(call);
    const [, made] = /<AccessKeyId>([^<]+)</.exec(answer.body) ?? [];
    if (call.action === 'CreateAccessKey' && made !== undefined) {
      for (const id of [made, UserName]) ends.set(id, Date.now() + milliseconds);
    }
    return answer;
  };
}

/** These keys have expired: a status that only IAM sets, and that nobody takes away. */
export function expireKeys(...accessKeyIds: string[]): Behaviour {
  const isExpired = (id: unknown): boolean => accessKeyIds.some((expired) => expired === id);
  return async (call, next) => {
    if (isExpired(call.accessKeyId)) {
      return refuse(call, 403, 'InvalidClientTokenId', 'The security token is invalid.');
    }
    if (call.action === 'UpdateAccessKey' && isExpired(call.parameters.AccessKeyId)) {
      return turnDown(call, keyExpired(call.parameters.AccessKeyId));
    }
    const answer = await next(call);
    if (call.action !== 'ListAccessKeys') return answer;
    const body = answer.body.replaceAll(/<member>.*?<\/member>/gs, (member) => {
      const [, id] = /<AccessKeyId>([^<]+)</.exec(member) ?? [];
      return isExpired(id) ? member.replace(/<Status>.*?</, '<Status>Expired<') : member;
    });
    return { ...answer, body };
  };
}

/** One parameter, or what would be one, and the KMS key that encrypts it. */
export interface Encrypted {
  readonly name: string;
  readonly keyId: string;
}

/**
 * The KMS keys of some parameters cannot be used: neither they nor what is asked for along with them
 * can be decrypted, and nothing can be written with such a key.
 */
export function breakKms(fault: KmsFault, isBroken: (parameter: Encrypted) => boolean): Behaviour {
  return async (call, next) => {
    const { Name, KeyId = 'alias/aws/ssm', Type, WithDecryption } = call.parameters;
    if (actionOf(call) === 'ssm:PutParameter' && Type === 'SecureString') {
      const keyId = String(KeyId);
      if (isBroken({ name: String(Name), keyId }))
        return turnDown(call, kmsFailed(fault, keyId, false));
    }
    if (actionOf(call) !== 'ssm:GetParameters' || WithDecryption !== true) return next(call);
    const sealed = await next({
      ...call,
      parameters: { ...call.parameters, WithDecryption: false },
    });
    if (sealed.status !== 200) return sealed;
    const { Parameters = [] } = JSON.parse(sealed.body) as {
      Parameters?: { Name: string; Type: string; Value: string }[];
    };
    const broken = Parameters.filter(({ Type }) => Type === 'SecureString')
      .map(({ Name, Value }) => ({ name: Name, keyId: keyIdIn(Value) }))
      .find(isBroken);
    return broken ? turnDown(call, kmsFailed(fault, broken.keyId, true)) : next(call);
  };
}

/** PutParameter has a rate of its own: a token bucket. */
export function limitPutParameter({ perSecond = 3, burst = 20 } = {}): Behaviour {
  let tokens = burst;
  let filledAt = Date.now();
  return (call, next) => {
    if (actionOf(call) !== 'ssm:PutParameter') return next(call);
    const now = Date.now();
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * perSecond);
    filledAt = now;
    if (tokens < 1) return turnDown(call, RATE_EXCEEDED);
    tokens -= 1;
    return next(call);
  };
}

/** Parameter Store misses every parameter the first `times` times that it is asked. */
export function hideParameters(times: number): Behaviour {
  return firstTimes(times, 'ssm:GetParameters', (call) => ({
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ Parameters: [], InvalidParameters: call.parameters.Names }),
  }));
}

/** Gives the first `times` calls of one action another answer; all of those that `which` picks. */
export function firstTimes(
  times: number,
  action: string,
  answer: (call: Call) => Answer,
): Behaviour {
  let answered = 0;
  return (call, next) => {
    if (actionOf(call) !== action || answered >= times) return next(call);
    answered += 1;
    return answer(call);
  };
}

/** The first `times` calls of one action take effect, and their answers get lost on the way. */
export function loseAnswers(times: number, action: string): Behaviour {
  return spoilAnswers(times, action, () => {
    throw new Error('the answer is lost');
  });
}

/** The first `times` calls of one action take effect, and their answers begin and never end. */
export function hangAnswers(times: number, action: string): Behaviour {
  return spoilAnswers(times, action, (answer) => ({ ...answer, hangs: true }));
}

function spoilAnswers(times: number, action: string, spoil: (answer: Answer) => Answer): Behaviour {
  let spoilt = 0;
  return async (call, next) => {
    const answer = await next(call);
    if (actionOf(call) !== action || spoilt >= times) return answer;
    spoilt += 1;
    return spoil(answer);
  };
}

/** Answers the first call of `action` that follows a call of `cause` as it would have been before it. */
export function staleOnce(action: string, cause: string): Behaviour {
  let before: Answer | undefined;
  let isCaused = false;
  let isDone = false;
  return async (call, next) => {
    if (actionOf(call) === cause) isCaused = true;
    const answer = await next(call);
    if (actionOf(call) !== action || isDone) return answer;
    if (!isCaused) before = answer;
    isDone = isCaused;
    return isCaused && before ? before : answer;
  };
}

function turnDown(call: Call, { status, code, message }: Recorded): Answer {
  return refuse(call, status, code, message);
}

export function actionOf({ service, action }: Call): string {
  return `${service}:${action}`;
}

function isQuery({ service }: Call): boolean {
  return service === 'iam' || service === 'sts';
}
