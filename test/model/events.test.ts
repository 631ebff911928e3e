import { HandlerErrorCode } from '@amazon-web-services-cloudformation/cloudformation-cli-typescript-lib/dist/interface.js';
import fc from 'fast-check';
import type { ProgressEvent } from '../../local/cloudformation.ts';
import { startFunction, type Invoked, type LocalFunction } from '../../local/lambda-container.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import { startAwsProxy, type AwsProxy, type Call } from '../support/aws-proxy.ts';
import { ageKeys } from '../support/behaviours.ts';
import { useStrictIam } from '../support/strict-iam.ts';
import { useStrictParameters } from '../support/strict-parameters.ts';
import { anyEvent, KEY_ID, USER_NAME } from './event-arbitraries.ts';

const { EVENT_RUNS = '1000', EVENT_SEED = '20261124' } = process.env;
const RUNS = Number(EVENT_RUNS);
const SEED = Number(EVENT_SEED);
const TIMEOUT_MILLISECONDS = 600_000 + RUNS * 1_000;
const LONGEST_SHOWN = 2_000;
const ERROR_CODES: readonly unknown[] = Object.values(HandlerErrorCode);
const CHANGES = ['CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey', 'PutParameter'];

/** EVENT_RUNS sets how many events are sent, EVENT_SEED which. */
describe(`fuzzed events, seed ${SEED}`, () => {
  let aws: LocalAws;
  let proxy: AwsProxy;
  let container: LocalFunction;
  let keyId: string;
  const minted = new Set<unknown>();
  const outcomes = new Map<string, number>();

  beforeAll(async () => {
    process.stdout.write(`EVENT_SEED=${SEED} EVENT_RUNS=${RUNS}\n`);
    aws = await startMoto();
    proxy = await startAwsProxy(aws.endpoint);
    useStrictIam(proxy);
    useStrictParameters(proxy);
    proxy.use(ageKeys);
    proxy.use(async (call, next) => {
      const answer = await next(call);
      if (call.action === 'CreateAccessKey') minted.add(idIn(answer.body));
      return answer;
    });
    container = await startFunction({ endpoint: proxy.endpoint });
    await begin();
  });
  afterAll(async () => {
    await container.stop();
    await proxy.stop();
    await aws.stop();
    const table = [...outcomes].sort(([, one], [, other]) => other - one);
    process.stdout.write(`${table.map(([name, times]) => `${name} ${times}`).join(', ')}\n`);
  });

  it(
    'each get a progress event that CloudFormation understands, and act as nobody else',
    async () => {
      const property = fc.asyncProperty(anyEvent, async (event) => {
        const calls = proxy.calls.length;
        const sent: unknown = JSON.parse(JSON.stringify(event).replaceAll(KEY_ID, keyId));
        try {
          const { answer, milliseconds } = await invoke(sent);
          expectProgressEvent(answer);
          expect(milliseconds).toBeLessThan(60_000);
          expectOwnCredentials(sent, proxy.calls.slice(calls));
          const outcome = answer.errorCode ?? answer.status;
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        } finally {
          if (proxy.calls.slice(calls).some(({ action }) => CHANGES.includes(action)))
            await begin();
        }
      });
      const { failed, errorInstance, counterexample } = await fc.check(property, {
        seed: SEED,
        numRuns: RUNS,
      });
      if (!failed) return;
      const event = JSON.stringify(counterexample?.[0]).slice(0, LONGEST_SHOWN);
      throw new Error(`EVENT_SEED=${SEED}\n${event}\n${String(errorInstance)}`);
    },
    TIMEOUT_MILLISECONDS,
  );

  /** An account with one user who has one key. */
  async function begin(): Promise<void> {
    await aws.reset();
    await proxy.ask('CreateUser', { UserName: USER_NAME });
    const { body } = await proxy.ask('CreateAccessKey', { UserName: USER_NAME });
    keyId = idIn(body);
    minted.add(keyId);
  }

  async function invoke(event: unknown): Promise<Invoked<ProgressEvent>> {
    try {
      return await container.invoke<ProgressEvent>(event);
    } catch (error) {
      // The next event, which may be this one made smaller, finds a function that runs.
      await container.kill();
      container = await startFunction({ endpoint: proxy.endpoint });
      throw error;
    }
  }

  function expectOwnCredentials(event: unknown, calls: readonly Call[]): void {
    const { callerCredentials, providerCredentials } = at(at(event).requestData);
    const isCaller = (signer: unknown) => signer === at(callerCredentials).accessKeyId;
    const isProvider = (signer: unknown) => signer === at(providerCredentials).accessKeyId;
    const signers: Readonly<Record<string, (signer: unknown) => boolean>> = {
      iam: isCaller,
      ssm: isCaller,
      secretsmanager: isCaller,
      logs: isProvider,
      monitoring: isProvider,
      // A new key is tried out.
      sts: (signer) => minted.has(signer),
    };
    const strange = calls.filter(({ service, accessKeyId }) => !signers[service]?.(accessKeyId));
    expect(strange).toEqual([]);
  }
});

function expectProgressEvent(answer: ProgressEvent): void {
  expect(['SUCCESS', 'IN_PROGRESS', 'FAILED']).toContain(answer.status);
  if (answer.status === 'FAILED') {
    expect(ERROR_CODES).toContain(answer.errorCode);
    expect(answer).not.toMatchObject({ errorCode: 'InternalFailure' });
    // Nothing is wrong with the network here, and CloudFormation would try again in vain.
    expect(answer).not.toMatchObject({ errorCode: 'NetworkFailure' });
    expect(answer.message).toMatch(/./);
  } else {
    expect(answer.errorCode).toBeUndefined();
  }
  if (answer.status === 'IN_PROGRESS') {
    expect(answer.resourceModel).toHaveProperty('Id');
    expect(answer.callbackContext).toEqual(expect.any(Object));
  }
}

function at(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function idIn(body: string): string {
  return /<AccessKeyId>([^<]+)</.exec(body)?.[1] ?? '';
}
