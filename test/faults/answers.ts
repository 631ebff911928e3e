import { permissionDenied, type Recorded } from '../support/recorded-answers.ts';
import { formatOf, type Call } from './calls.ts';

/** A whole HTTP answer, or what is done to the connection in its place. */
export type Answer = Message | 'close' | 'reset';

export interface Message {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** An error answer in the form of the service that is called. */
export function errorAnswer(
  call: Call,
  statusCode: number,
  code: string,
  message: string,
): Message {
  if (formatOf(call) === 'json') {
    return {
      statusCode,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'fault' },
      body: JSON.stringify({ __type: code, message }),
    };
  }
  const type = statusCode < 500 ? 'Sender' : 'Receiver';
  return {
    statusCode,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>fault</RequestId></ErrorResponse>`,
  };
}

export function throttled(call: Call): Message {
  const code = formatOf(call) === 'json' ? 'ThrottlingException' : 'Throttling';
  return errorAnswer(call, 400, code, 'Rate exceeded');
}

export function denied(call: Call): Message {
  return recordedAnswer(call, permissionDenied(call));
}

export function recordedAnswer(call: Call, { status, code, message }: Recorded): Message {
  return errorAnswer(call, status, code, message);
}

export function failed(call: Call): Message {
  const codes: Readonly<Record<string, string>> = {
    iam: 'ServiceFailure',
    secretsmanager: 'InternalServiceError',
    ssm: 'InternalServerError',
  };
  const code = codes[call.service] ?? 'InternalFailure';
  return errorAnswer(call, 500, code, 'An internal error occurred.');
}

/** The status is 200 and the body ends in the middle: inside a secret, where it holds one. */
export function cut(message: Message): Message {
  const { body } = message;
  const secret = /<SecretAccessKey>|secretAccessKey\\?":\\?"/.exec(body);
  const end = secret ? secret.index + secret[0].length + 20 : Math.floor(body.length / 2);
  return { ...message, statusCode: 200, body: body.slice(0, Math.max(end, 1)) };
}
