import * as iam from '@aws-sdk/client-iam';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import { HttpResponse } from '@smithy/core/protocols';
import { Readable } from 'node:stream';
import { callAws, isOutcomeUnknown, UnreadableAnswer, wasRetried } from '../../src/aws/errors.ts';
import { HandlerError, hasErrorCode, isTransient } from '../../src/runtime/progress-event.ts';
import { earlierErrors, failedAction } from '../../src/runtime/session.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

function refusal(status: number) {
  return { message: 'as AWS says', $metadata: { httpStatusCode: status, attempts: 1 } };
}
const REFUSED = refusal(400);

/** Errors that the SDK has no class for come as the service's own, under the code that AWS gave. */
function unmodelled(name: string, status = 400): Error {
  return new iam.IAMServiceException({ ...refusal(status), name, $fault: 'client' });
}

async function failureOf(error: unknown, activity = 'reading thing'): Promise<HandlerError> {
  try {
    await callAws(activity, () => Promise.reject(error as Error));
  } catch (failure) {
    expect(failure).toBeInstanceOf(HandlerError);
    return failure as HandlerError;
  }
  throw new Error('nothing was thrown');
}

describe('errors of AWS', () => {
  const refusals: [Error, string][] = [
    [new iam.NoSuchEntityException(REFUSED), 'NotFound'],
    [new iam.LimitExceededException(REFUSED), 'ServiceLimitExceeded'],
    [new iam.ConcurrentModificationException(REFUSED), 'ResourceConflict'],
    [new iam.EntityTemporarilyUnmodifiableException(REFUSED), 'ResourceConflict'],
    [new iam.InvalidInputException(REFUSED), 'InvalidRequest'],
    [new iam.ServiceFailureException(refusal(500)), 'ServiceInternalError'],
    [new ssm.ParameterNotFound(REFUSED), 'NotFound'],
    [new ssm.ParameterAlreadyExists(REFUSED), 'AlreadyExists'],
    [new ssm.ParameterLimitExceeded(REFUSED), 'ServiceLimitExceeded'],
    [new ssm.TooManyUpdates(REFUSED), 'ResourceConflict'],
    [new ssm.InvalidKeyId(REFUSED), 'InvalidTypeConfiguration'],
    [new ssm.InternalServerError(refusal(500)), 'ServiceInternalError'],
    [new sts.ExpiredTokenException(REFUSED), 'InvalidCredentials'],
    [unmodelled('AccessDenied', 403), 'AccessDenied'],
    [unmodelled('AccessDeniedException'), 'AccessDenied'],
    [unmodelled('ExpiredToken', 403), 'InvalidCredentials'],
    [unmodelled('InvalidClientTokenId', 403), 'InvalidCredentials'],
    [unmodelled('UnrecognizedClientException'), 'InvalidCredentials'],
    [unmodelled('SignatureDoesNotMatch', 403), 'InvalidCredentials'],
    [unmodelled('InvalidSignatureException'), 'InvalidCredentials'],
    [unmodelled('IncompleteSignature'), 'InvalidCredentials'],
    [unmodelled('MissingAuthenticationToken', 403), 'InvalidCredentials'],
    [unmodelled('Throttling'), 'Throttling'],
    [unmodelled('ThrottlingException'), 'Throttling'],
    [unmodelled('RequestLimitExceeded', 503), 'Throttling'],
    [unmodelled('TooManyRequestsException', 429), 'Throttling'],
    [unmodelled('ValidationError'), 'InvalidRequest'],
    [unmodelled('ValidationException'), 'InvalidRequest'],
    [unmodelled('NeverHeardOf'), 'GeneralServiceException'],
    [unmodelled('NeverHeardOf', 403), 'AccessDenied'],
    [unmodelled('NeverHeardOf', 500), 'ServiceInternalError'],
    [unmodelled('ServiceUnavailable', 503), 'ServiceInternalError'],
  ];

  it.each(refusals.map(([error, errorCode]) => ({ error, errorCode, name: error.name })))(
    '$name is $errorCode, and its message is passed on',
    async ({ error, errorCode }) => {
      const failure = await failureOf(error, 'reading parameter /a/b');

      expect(failure.errorCode).toBe(errorCode);
      expect(failure.message).toBe(`reading parameter /a/b: as AWS says (${error.name})`);
      expect(failure.cause).toBe(error);
    },
  );

  it.each([
    ['ECONNRESET', { code: 'ECONNRESET' }],
    ['ECONNREFUSED', { code: 'ECONNREFUSED' }],
    ['ENOTFOUND', { code: 'ENOTFOUND' }],
    ['no answer in time', { name: 'TimeoutError' }],
  ])('%s is a NetworkFailure', async (cause, error) => {
    const failure = await failureOf(Object.assign(new Error('message'), error));

    expect(failure.errorCode).toBe('NetworkFailure');
    expect(failure.message).toBe(`reading thing: ${cause}`);
  });

  it('names the permission that is missing', async () => {
    const error = Object.assign(unmodelled('AccessDenied', 403), {
      [failedAction]: 'iam:CreateAccessKey',
    });

    const failure = await failureOf(error, 'creating access key for user ci-bot');

    expect(failure.message).toBe(
      'creating access key for user ci-bot, which needs the permission iam:CreateAccessKey: ' +
        'as AWS says (AccessDenied)',
    );
  });

  it('names no permission where none is missing', async () => {
    const error = Object.assign(unmodelled('ValidationError'), { [failedAction]: 'iam:ListUsers' });

    expect((await failureOf(error)).message).not.toContain('iam:ListUsers');
  });

  it('passes on what the call returns', async () => {
    await expect(callAws('reading thing', () => Promise.resolve('value'))).resolves.toBe('value');
  });

  it('passes on only HandlerErrors, with their code to go by', async () => {
    const failure = await failureOf(new iam.NoSuchEntityException(REFUSED));

    expect(hasErrorCode(failure, 'NotFound')).toBe(true);
    expect(hasErrorCode(failure, 'AccessDenied', 'Throttling')).toBe(false);
    expect(hasErrorCode(new iam.NoSuchEntityException(REFUSED), 'NotFound')).toBe(false);
  });
});

describe('an answer that cannot be parsed', () => {
  const clientThatGets = <C>(
    client: new (config: never) => C,
    status: number,
    contentType: string,
    body: string,
  ): C => {
    const headers = { 'content-type': contentType };
    const requestHandler = {
      handle: () =>
        Promise.resolve({
          response: new HttpResponse({ statusCode: status, headers, body: Readable.from([body]) }),
        }),
    };
    const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
    return new client({
      region: 'us-east-1',
      credentials,
      requestHandler,
      maxAttempts: 1,
    } as never);
  };
  const truncatedXml = `<CreateAccessKeyResponse><CreateAccessKeyResult><SecretAccessKey>${SECRET}</Secret`;
  const truncatedJson = `{"Parameters":[{"Value":"${SECRET}`;

  it.each([
    ['XML', 200, truncatedXml],
    ['XML', 500, truncatedXml],
    ['no XML at all', 200, SECRET],
    ['no XML at all', 403, SECRET],
  ])('never shows in a message, with %s and status %d of IAM', async (_, status, body) => {
    const client = clientThatGets(iam.IAMClient, status, 'text/xml', body);

    const failure = await failureOf(
      await client.send(new iam.CreateAccessKeyCommand({ UserName: 'ci-bot' })).then(
        ({ AccessKey }) => (AccessKey ? undefined : new UnreadableAnswer()),
        (error: unknown) => error,
      ),
    );

    expect(failure.message).not.toContain(SECRET);
    expect(failure.message).not.toContain(SECRET.slice(0, 8));
  });

  it.each([
    ['JSON that ends too early', 200, truncatedJson],
    ['JSON that ends too early', 400, truncatedJson],
    ['no JSON at all', 200, SECRET],
    ['no JSON at all', 500, SECRET],
    ['XML', 403, `<Error><Code>AccessDenied</Code><Message>${SECRET}</Message></Error>`],
  ])('never shows in a message, with %s and status %d of SSM', async (_, status, body) => {
    const client = clientThatGets(ssm.SSMClient, status, 'application/x-amz-json-1.1', body);
    const command = new ssm.GetParametersCommand({ Names: ['/a'], WithDecryption: true });

    const error = await client.send(command).catch((reason: unknown) => reason);
    const failure = await failureOf(error);

    expect(error).toBeInstanceOf(SyntaxError);
    expect(failure.message).toMatch(/^reading thing.*: the answer could not be read$/);
  });

  it('of status 403 is a denial', async () => {
    const client = clientThatGets(ssm.SSMClient, 403, 'text/xml', '<Error/>');

    const error = await client
      .send(new ssm.GetParametersCommand({ Names: ['/a'] }))
      .catch((reason: unknown) => reason);

    expect((await failureOf(error)).errorCode).toBe('AccessDenied');
  });
});

describe('what an error says about its call', () => {
  it.each(
    [
      ['an answer that refuses', new iam.LimitExceededException(REFUSED), false],
      ['a throttle', unmodelled('Throttling', 429), false],
      ['a connection refused', Object.assign(new Error(), { code: 'ECONNREFUSED' }), false],
      ['a name not found', Object.assign(new Error(), { code: 'ENOTFOUND' }), false],
      ['a connection reset', Object.assign(new Error(), { code: 'ECONNRESET' }), true],
      ['no answer in time', Object.assign(new Error(), { name: 'TimeoutError' }), true],
      ['an error of the server', new iam.ServiceFailureException(refusal(500)), true],
      ['an answer that lacks what it must have', new UnreadableAnswer(), true],
    ].map(([what, error, isUnknown]) => ({ what, error, isUnknown })),
  )('after $what the call may have taken effect: $isUnknown', async ({ error, isUnknown }) => {
    expect(isOutcomeUnknown(await failureOf(error))).toBe(isUnknown);
  });

  it.each([
    ['Throttling', true],
    ['ServiceInternalError', true],
    ['NetworkFailure', true],
    ['ResourceConflict', true],
    ['NotFound', false],
    ['AccessDenied', false],
    ['InvalidRequest', false],
    ['InternalFailure', false],
  ] as const)('%s may pass by itself: %s', (errorCode, passes) => {
    expect(isTransient(new HandlerError(errorCode, 'message'))).toBe(passes);
  });

  it('takes no other error for one that passes, or for a lost answer', () => {
    expect(isTransient(new TypeError('a bug'))).toBe(false);
    expect(isOutcomeUnknown(new TypeError('a bug'))).toBe(false);
  });

  it('tells a failure whose earlier try may have taken effect', async () => {
    const after = (...earlier: Error[]) =>
      Object.assign(new iam.NoSuchEntityException(REFUSED), { [earlierErrors]: earlier });
    const lost = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const throttled = Object.assign(new Error('slow down'), refusal(400));

    expect(wasRetried(await failureOf(after(lost)))).toBe(true);
    expect(wasRetried(await failureOf(after(throttled, lost)))).toBe(true);
    expect(wasRetried(await failureOf(after(throttled)))).toBe(false);
    expect(wasRetried(await failureOf(after()))).toBe(false);
  });
});
