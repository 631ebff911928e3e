import { refuse, type Answer, type Behaviour, type Call } from '../support/aws-proxy.ts';

/** A way in which AWS, or what lies between, answers with more than it should. */
export interface LeakyAnswer {
  readonly name: string;
  /** The services that can answer so; all without it. */
  readonly services?: readonly string[];
  /** @param token the session token that signed the call. */
  readonly answer: (call: Call, real: Answer, token: string) => Answer;
}

export const LEAKY_ANSWERS: readonly LeakyAnswer[] = [
  {
    name: 'a validation error that quotes the request',
    answer: (call) => {
      const code = isXml(call) ? 'ValidationError' : 'ValidationException';
      return refuse(
        call,
        400,
        code,
        escapeXml(`Value '${quote(call)}' failed to satisfy constraint`),
      );
    },
  },
  {
    name: 'a signature error that quotes the signed headers',
    answer: (call, _, token) => {
      const code = isXml(call) ? 'SignatureDoesNotMatch' : 'InvalidSignatureException';
      const canonical = `POST / content-type:text x-amz-security-token:${token} ${encodeURIComponent(token)}`;
      return refuse(call, 403, code, `The Canonical String should have been '${canonical}'`);
    },
  },
  {
    name: 'an error whose code quotes a signed header',
    answer: (call, _, token) => refuse(call, 400, token, 'see the code'),
  },
  {
    name: 'an error of KMS that quotes the request',
    services: ['ssm', 'secretsmanager'],
    answer: (call) =>
      refuse(call, 400, 'InvalidKeyId', `Alias not found (Service: AWSKMS): ${quote(call)}`),
  },
  {
    name: 'an answer that ends in the middle',
    answer: (_, real) => ({ ...real, body: real.body.trimEnd().slice(0, -2) }),
  },
  {
    // The parser's error message quotes the first characters of what is not JSON.
    name: 'an answer that is a secret and nothing else',
    answer: (_, real, token) => {
      const [, secret = token] = /secretAccessKey\\":\\"([^\\]+)/.exec(real.body) ?? [];
      return { ...real, body: secret };
    },
  },
  {
    name: 'a server error with the answer in it',
    answer: (_, real) => ({ ...real, status: 500 }),
  },
  {
    name: 'a page of a gateway that shows all it has',
    answer: (call, real, token) => ({
      status: 502,
      headers: { 'content-type': 'text/html' },
      body: `<html><pre>${token} ${quote(call)} ${real.body}</pre></html>`,
    }),
  },
];

/**
 * Lets the nth and the following calls with this action be answered so, as many as the SDK makes of
 * one. Their real effect they have all the same.
 */
export function leakFrom(
  nth: number,
  action: string,
  token: string,
  { answer }: LeakyAnswer,
): Behaviour {
  let seen = 0;
  // CREATE waits for seconds after each lost answer of CreateAccessKey.
  const times = action === 'CreateAccessKey' ? 1 : 3;
  return async (call, next) => {
    const real = await next(call);
    if (call.action !== action) return real;
    seen += 1;
    return seen >= nth && seen < nth + times ? answer(call, real, token) : real;
  };
}

function quote({ parameters }: Call): string {
  const text = JSON.stringify(parameters);
  const value = String(parameters.Value ?? parameters.SecretString);
  return `${text} ${value} ${encodeURIComponent(text)}`;
}

function isXml({ service }: Call): boolean {
  return service === 'iam' || service === 'sts';
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
