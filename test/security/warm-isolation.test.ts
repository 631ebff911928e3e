import { CreateUserCommand } from '@aws-sdk/client-iam';
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Credentials, Properties, ProgressEvent } from '../../local/cloudformation.ts';
import { startFunction, type LocalFunction } from '../../local/lambda-container.ts';
import type { Call } from '../support/aws-proxy.ts';
import { EnforcingAws, EVERYTHING } from './local-aws.ts';
import { ACCOUNT_ID, readRole, REGION, without } from './roles.ts';
import { HOLDINGS, writeWatchedPackage, type Holdings, type Watched } from './watched-package.ts';

const INVOCATIONS = 1_000;
const ROUND = 50;
/** Before this many the code is not warm yet. */
const WARM = 200;
const WINDOW = 200;
/** Eight users' keys are listed at a time; two calls deliver log and metrics. */
const SOCKETS_AT_ONCE = 10;

interface Caller {
  readonly name: string;
  readonly role: 'access-keys' | 'without-create' | 'without-keys';
  readonly session: Credentials;
  readonly provider: Credentials;
  /** The key that its last CREATE made. */
  id: string;
}

interface Ask {
  readonly caller: Caller;
  readonly action: string;
  readonly properties?: (caller: Caller) => Properties | null;
  readonly isAnonymous?: boolean;
  /** Whether its log and metrics go to CloudWatch. */
  readonly isDelivered?: boolean;
  /** SUCCESS, or the error code. */
  readonly ends: string;
}

interface Invocation {
  readonly ask: Ask;
  readonly answer: ProgressEvent;
  readonly calls: readonly Call[];
  readonly logs: readonly string[];
  readonly milliseconds: number;
  readonly cpuMicroseconds: number;
}

describe('one process for many callers', () => {
  const invocations: Invocation[] = [];
  const holdings: Holdings[] = [];
  let aws: EnforcingAws;
  let lambda: LocalFunction;
  let folder: string;

  beforeAll(async () => {
    aws = await EnforcingAws.start();
    folder = await writeWatchedPackage();
    lambda = await startFunction({ endpoint: aws.proxy.endpoint, region: REGION, folder });
    const callers = await prepare(aws);
    for (let round = 0; round * ROUND < INVOCATIONS; round += 1) {
      for (const ask of asksOf(callers, round)) {
        invocations.push(await invoke(ask));
        if ([WARM + WINDOW, INVOCATIONS].includes(invocations.length)) {
          holdings.push((await lambda.invoke<Holdings>(HOLDINGS)).answer);
        }
      }
    }
  }, 300_000);
  afterAll(async () => {
    await lambda.stop();
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  const invoke = async (ask: Ask): Promise<Invocation> => {
    const firstCall = aws.proxy.calls.length;
    const { answer, logs, milliseconds } = await lambda.invoke<Watched<ProgressEvent>>(
      toEvent(ask),
    );
    const { caller, action, ends } = ask;
    if (action === 'CREATE' && ends === 'SUCCESS')
      caller.id = String(answer.answer.resourceModel?.Id);
    const calls = aws.proxy.calls.slice(firstCall);
    return { ask, logs, milliseconds, calls, ...answer };
  };

  it('ends each invocation as its own event asks for', () => {
    const others = invocations.filter(
      ({ ask, answer }) => (answer.errorCode ?? answer.status) !== ask.ends,
    );

    expect(invocations).toHaveLength(INVOCATIONS);
    expect(others.map(({ ask, answer }) => [ask.action, ask.ends, answer])).toEqual([]);
  });

  it("signs each call with its own invocation's credentials, or with the key that it made", () => {
    const strangers = invocations.flatMap((invocation) =>
      invocation.calls.filter((call) => call.accessKeyId !== signerOf(call, invocation)),
    );

    expect(strangers).toEqual([]);
  });

  it('makes no call for an event without credentials, or one that it refuses', () => {
    const refused = invocations.filter(({ ask }) =>
      ['InvalidCredentials', 'InvalidRequest'].includes(ask.ends),
    );

    const calls = refused.flatMap((invocation) => invocation.calls.filter(isOfHandler));

    expect(refused.length).toBeGreaterThan(INVOCATIONS / 10);
    expect(calls).toEqual([]);
  });

  it("delivers each invocation's own log lines, all of them and no others", () => {
    const delivered = invocations
      .filter(({ ask }) => ask.isDelivered)
      // CloudWatch is not waited for where it is slow.
      .filter(({ logs }) => !logs.some((line) => line.startsWith('telemetry not delivered')));

    expect(delivered.length).toBeGreaterThan(INVOCATIONS / 4);
    for (const { calls, logs } of delivered) {
      const lines = calls
        .filter(({ action }) => action === 'PutLogEvents')
        .flatMap(({ parameters }) => parameters.logEvents as { message: string }[]);

      expect(lines.map(({ message }) => message)).toEqual(logs);
    }
  });

  it("returns, names and logs nobody else's user", () => {
    const names = [...new Set(invocations.map(({ ask }) => ask.caller.name))];
    const crossed = invocations
      // LIST without a filter looks at all users, for whoever may do that.
      .filter(({ ask }) => ask.action !== 'LIST' || ask.properties)
      .filter(({ ask, answer, logs, calls }) => {
        const shown = JSON.stringify([answer, logs, calls]);
        return names.some((name) => name !== ask.caller.name && shown.includes(name));
      });

    expect(crossed).toEqual([]);
  });

  // CPU time, because the rest is moto's and the machine's other work.
  it('takes no longer for the last invocations than for early ones', () => {
    const early = median(cpuTimes(invocations.slice(WARM, WARM + WINDOW)));
    const late = median(cpuTimes(invocations.slice(-WINDOW)));

    expect(late / early).toBeLessThan(1.5);
  });

  it('holds as much memory after the last invocation as after early ones', () => {
    const [early, late] = holdings as [Holdings, Holdings];

    expect(late.heapBytes - early.heapBytes).toBeLessThan(2 * 1024 ** 2);
  });

  it('has forgotten the secrets of earlier invocations', async () => {
    const [, late] = holdings as [Holdings, Holdings];
    const memory = await readFile(path.join(folder, late.heapSnapshot), 'utf8');
    const secrets = invocations
      .slice(0, -ROUND)
      .map(({ answer }) => answer.resourceModel?.SecretAccessKey)
      .filter((secret) => typeof secret === 'string');

    expect(memory).toContain('PutLogEvents');
    expect(secrets.length).toBeGreaterThan(INVOCATIONS / 10);
    expect(secrets.filter((secret) => memory.includes(secret))).toEqual([]);
  });

  it('keeps no more sockets than it uses at once, and nothing else', () => {
    const [early, late] = holdings as [Holdings, Holdings];

    expect(late.sockets).toBeLessThanOrEqual(SOCKETS_AT_ONCE);
    expect(late.otherHandles).toBeLessThanOrEqual(early.otherHandles);
  });
});

/** Seven callers with a user each; what they may do differs. */
async function prepare(aws: EnforcingAws): Promise<Caller[]> {
  const role = await readRole('resource-role.yaml');
  const { trust, permissions } = role;
  const withoutCreate = without(permissions, 'iam:CreateAccessKey');
  const withoutKeys = without(permissions, 'iam:ListAccessKeys');
  await aws.renew();
  await aws.createRole('access-keys', role);
  await aws.createRole('without-create', { trust, permissions: withoutCreate });
  await aws.createRole('without-keys', { trust, permissions: withoutKeys });
  await aws.createRole('provider', { trust, permissions: EVERYTHING });

  const callers: Caller[] = [];
  for (let index = 0; index < 7; index += 1) {
    const role = index < 5 ? 'access-keys' : index === 5 ? 'without-create' : 'without-keys';
    callers.push({
      name: `user-of-caller-${index}`,
      role,
      session: await aws.assumeRole(role),
      provider: await aws.assumeRole('provider'),
      id: '',
    });
  }
  const admin = await aws.enforce();
  for (const { name } of callers) await admin.iam.send(new CreateUserCommand({ UserName: name }));
  admin.destroy();
  return callers;
}

/** Every round has the same asks, so that rounds can be compared; who asks first goes around. */
function asksOf(callers: readonly Caller[], round: number): Ask[] {
  const able = callers.filter(({ role }) => role === 'access-keys');
  const first = round % able.length;
  const inTurn = [...able.slice(first), ...able.slice(0, first)];
  const [limited, blind] = callers.slice(able.length) as [Caller, Caller];
  const [one, other] = inTurn as [Caller, Caller];
  const byId = ({ id }: Caller) => ({ Id: id });
  const ofUser = ({ name }: Caller) => ({ UserName: name });
  const unknown = () => ({ Id: 'AKIAUNKNOWNUNKNOWN00' });
  const unknownOfUser = (caller: Caller) => ({ ...unknown(), ...ofUser(caller) });
  const inactive = ({ id, name }: Caller) => ({ Id: id, UserName: name, Status: 'Inactive' });

  const life: Omit<Ask, 'caller'>[] = [
    { action: 'CREATE', properties: ofUser, ends: 'SUCCESS' },
    { action: 'READ', properties: byId, ends: 'SUCCESS' },
    { action: 'LIST', properties: ofUser, ends: 'SUCCESS' },
    { action: 'UPDATE', properties: inactive, ends: 'SUCCESS' },
    { action: 'READ', properties: byId, ends: 'SUCCESS' },
    { action: 'DELETE', properties: byId, ends: 'SUCCESS' },
    { action: 'READ', properties: byId, ends: 'NotFound' },
  ];
  const others: Ask[] = [
    {
      caller: one,
      action: 'CREATE',
      properties: ofUser,
      isAnonymous: true,
      ends: 'InvalidCredentials',
    },
    { caller: limited, action: 'CREATE', properties: ofUser, ends: 'AccessDenied' },
    {
      caller: one,
      action: 'CREATE',
      properties: () => ({ UserName: 'no name' }),
      ends: 'InvalidRequest',
    },
    { caller: blind, action: 'CREATE', properties: ofUser, ends: 'AccessDenied' },
    {
      caller: other,
      action: 'READ',
      properties: byId,
      isAnonymous: true,
      ends: 'InvalidCredentials',
    },
    { caller: blind, action: 'READ', properties: unknownOfUser, ends: 'AccessDenied' },
    { caller: limited, action: 'READ', properties: unknown, ends: 'NotFound' },
    { caller: other, action: 'LIST', isAnonymous: true, ends: 'InvalidCredentials' },
    { caller: limited, action: 'LIST', properties: ofUser, ends: 'SUCCESS' },
    { caller: blind, action: 'LIST', ends: 'AccessDenied' },
    { caller: one, action: 'DELETE', properties: () => ({}), ends: 'NotFound' },
    { caller: one, action: 'LIST', ends: 'SUCCESS' },
    { caller: blind, action: 'DELETE', properties: unknownOfUser, ends: 'NotFound' },
    {
      caller: other,
      action: 'DELETE',
      properties: byId,
      isAnonymous: true,
      ends: 'InvalidCredentials',
    },
    { caller: other, action: 'CREATE', properties: () => null, ends: 'InvalidRequest' },
  ];

  const asks = life.flatMap((step) => inTurn.map((caller) => ({ ...step, caller })));
  for (const [index, ask] of others.entries()) asks.splice(index * 3, 0, ask);
  if (asks.length !== ROUND) throw new Error(`a round has ${asks.length} asks`);
  return asks.map((ask, index) => ({ ...ask, isDelivered: index % 2 === 0 }));
}

function toEvent({ caller, action, properties, isAnonymous, isDelivered }: Ask): object {
  return {
    awsAccountId: ACCOUNT_ID,
    bearerToken: randomUUID(),
    region: REGION,
    action,
    stackId: `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${caller.name}/1`,
    callbackContext: null,
    nextToken: null,
    requestData: {
      callerCredentials: isAnonymous ? null : caller.session,
      providerCredentials: caller.provider,
      providerLogGroupName: isDelivered ? 'access-keys' : null,
      logicalResourceId: 'AccessKey',
      resourceProperties: properties?.(caller),
      typeConfiguration: null,
    },
  };
}

function signerOf(call: Call, { ask, answer }: Invocation): unknown {
  if (!isOfHandler(call)) return ask.caller.provider.accessKeyId;
  if (call.action === 'GetCallerIdentity') return answer.resourceModel?.Id;
  return ask.isAnonymous ? 'nobody' : ask.caller.session.accessKeyId;
}

function isOfHandler({ service }: Call): boolean {
  return service !== 'logs' && service !== 'monitoring';
}

function cpuTimes(window: readonly Invocation[]): number[] {
  return window.map(({ cpuMicroseconds }) => cpuMicroseconds);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}
