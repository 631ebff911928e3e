import { refuse, type Answer, type Behaviour, type Call } from './aws-proxy.ts';

/** What AWS does now and then, or to some callers only, and moto never. */

/** Refuses one action as AWS does where the permission is missing. */
export function deny(action: string, which: (call: Call) => boolean = () => true): Behaviour {
  return (call, next) => {
    if (actionOf(call) !== action || !which(call)) return next(call);
    const message = `User is not authorized to perform: ${action}`;
    return isQuery(call)
      ? refuse(call, 403, 'AccessDenied', message)
      : refuse(call, 400, 'AccessDeniedException', message);
  };
}

/** IAM may deny asking about a key that it does not know, whoever asks. */
export const denyUnknownKeys: Behaviour = async (call, next) => {
  const answer = await next(call);
  return call.action === 'GetAccessKeyLastUsed' && answer.status === 404
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

export function actionOf({ service, action }: Call): string {
  return `${service}:${action}`;
}

function isQuery({ service }: Call): boolean {
  return service === 'iam' || service === 'sts';
}
