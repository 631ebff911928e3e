import { CloudWatchClient, paginateListMetrics } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { paginateDescribeParameters, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { randomUUID } from 'node:crypto';
import type { Credentials, Properties, ProgressEvent } from '../../local/cloudformation.ts';
import { startFunction, type LocalFunction } from '../../local/lambda-container.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import schema from '../../schema/org-iam-accesskey.json' with { type: 'json' };
import { toSesSmtpPassword } from '../../src/aws/ses-smtp.ts';
import { startAwsProxy, type AwsProxy, type Behaviour, type Call } from '../support/aws-proxy.ts';
import { leakFrom, LEAKY_ANSWERS, type LeakyAnswer } from './leaky-answers.ts';
import { ACCOUNT_ID, REGION } from './roles.ts';
import { formsOf, leaksIn } from './secret-forms.ts';

const LOG_GROUP = 'access-keys';
const PREFIX = '/org/iam/access-key';
const SECRET_ID = 'ci/credentials';
const SES_REGION = 'eu-west-1';
const CONTAINERS = 4;

interface Key {
  readonly userName: string;
  readonly id: string;
}

interface Scenario {
  readonly name: string;
  readonly action: string;
  readonly properties: (key: Key) => Properties;
  readonly typeConfiguration?: Properties;
  readonly behaviour?: Behaviour;
}

/** One invocation, and everything that it showed. */
interface Exposure {
  readonly scenario: Scenario;
  readonly leak: LeakyAnswer | undefined;
  readonly answer: ProgressEvent;
  readonly logs: readonly string[];
  readonly calls: readonly Call[];
}

const userOf = ({ userName }: Key) => ({ UserName: userName });
const idOf = ({ id }: Key) => ({ Id: id });
const SCENARIOS: readonly Scenario[] = [
  { name: 'LIST', action: 'LIST', properties: () => ({}) },
  { name: 'LIST of a user', action: 'LIST', properties: userOf },
  { name: 'CREATE', action: 'CREATE', properties: userOf },
  {
    name: 'CREATE, inactive and with a KMS key',
    action: 'CREATE',
    properties: (key) => ({ ...userOf(key), Status: 'Inactive', Serial: '1' }),
    typeConfiguration: { KmsKeyId: 'alias/parameters' },
  },
  {
    name: 'CREATE with SecretId',
    action: 'CREATE',
    properties: (key) => ({ ...userOf(key), Description: 'builds', SecretId: SECRET_ID }),
    typeConfiguration: { AllowedUserPaths: ['/*'] },
  },
  {
    name: 'CREATE with SecretKeys',
    action: 'CREATE',
    properties: (key) => ({
      ...userOf(key),
      SecretId: SECRET_ID,
      SecretKeys: { AccessKeyId: 'SecretAccessKey', SecretAccessKey: 'AccessKeyId' },
      SesRegion: SES_REGION,
    }),
  },
  {
    name: 'CREATE, waiting for STS',
    action: 'CREATE',
    properties: userOf,
    behaviour: (call, next) =>
      call.action === 'GetCallerIdentity'
        ? {
            status: 403,
            headers: {},
            body: '<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>',
          }
        : next(call),
  },
  { name: 'READ', action: 'READ', properties: idOf },
  {
    name: 'UPDATE',
    action: 'UPDATE',
    properties: (key) => ({ ...idOf(key), ...userOf(key), Status: 'Inactive' }),
  },
  {
    name: 'UPDATE, waiting for IAM',
    action: 'UPDATE',
    properties: (key) => ({ ...idOf(key), ...userOf(key), Status: 'Inactive' }),
    behaviour: async (call, next) => {
      const answer = await next(call);
      return { ...answer, body: answer.body.replaceAll('>Inactive<', '>Active<') };
    },
  },
  { name: 'DELETE', action: 'DELETE', properties: idOf },
  {
    name: 'READ without ExposeSecretAccessKey',
    action: 'READ',
    properties: idOf,
    typeConfiguration: { ExposeSecretAccessKey: 'false' },
  },
  {
    name: 'CREATE without ExposeSecretAccessKey',
    action: 'CREATE',
    properties: userOf,
    typeConfiguration: { ExposeSecretAccessKey: 'false' },
  },
];

/** With the characters that IAM's secrets have, and that other encodings change. */
const [CALLER, CALLER_TOKEN, PROVIDER, PROVIDER_TOKEN, MINTED, STORED, MISPLACED] = [
  'caller/secret+0123456789/',
  'caller/token+0123456789==',
  'provider/secret+0123456789/',
  'provider/token+0123456789==',
  'minted/secret+0123456789/',
  'stored/secret+0123456789/',
  'misplaced/secret+0123456789/',
] as const;
const SECRETS = [
  ...[CALLER, CALLER_TOKEN, PROVIDER, PROVIDER_TOKEN, MINTED, STORED, MISPLACED],
  ...[MINTED, STORED].map((secret) => toSesSmtpPassword(secret, REGION)),
  toSesSmtpPassword(MINTED, SES_REGION),
];

describe('secrets', () => {
  const exposures: Exposure[] = [];
  let aws: LocalAws;
  let proxy: AwsProxy;
  let containers: LocalFunction[];
  let iam: IAMClient;
  let ssm: SSMClient;

  beforeAll(async () => {
    aws = await startMoto();
    proxy = await startAwsProxy(aws.endpoint);
    proxy.use(mintSentinels);
    const config = { endpoint: aws.endpoint, region: REGION, credentials: credentialsOf('admin') };
    iam = new IAMClient(config);
    ssm = new SSMClient(config);
    const secretsManager = new SecretsManagerClient(config);
    await secretsManager.send(new CreateSecretCommand({ Name: SECRET_ID, SecretString: 'none' }));
    secretsManager.destroy();
    containers = await Promise.all(
      Array.from({ length: CONTAINERS }, () =>
        startFunction({ endpoint: proxy.endpoint, region: REGION }),
      ),
    );
    for (const scenario of SCENARIOS) await runScenario(containers[0] as LocalFunction, scenario);
    const cases = exposures.flatMap(casesOf);
    await Promise.all(
      containers.map(async (container) => {
        for (let next = cases.shift(); next; next = cases.shift()) {
          await runScenario(container, next.scenario, next.leak, next.nth, next.action);
        }
      }),
    );
  }, 180_000);
  afterAll(async () => {
    iam.destroy();
    ssm.destroy();
    await Promise.all(containers.map((container) => container.stop()));
    await proxy.stop();
    await aws.stop();
  });

  const mintSentinels: Behaviour = async (call, next) => {
    const answer = await next(call);
    if (call.action !== 'CreateAccessKey') return answer;
    const body = answer.body.replace(
      /<SecretAccessKey>.*<\/SecretAccessKey>/,
      `<SecretAccessKey>${MINTED}</SecretAccessKey>`,
    );
    return { ...answer, body };
  };

  const runScenario = async (
    container: LocalFunction,
    scenario: Scenario,
    leak?: LeakyAnswer,
    nth = 1,
    leakyAction = '',
  ): Promise<void> => {
    const caller = credentialsOf('caller');
    const key = await prepareKey(scenario);
    const mine = new Set([caller.accessKeyId]);
    const calls: Call[] = [];
    const onlyMine =
      (behaviour: Behaviour): Behaviour =>
      async (call, next) => {
        if (!mine.has(call.accessKeyId ?? '')) return next(call);
        return behaviour(call, next);
      };
    const watch: Behaviour = async (call, next) => {
      calls.push(call);
      const answer = await next(call);
      const [, id] = /<AccessKeyId>(\w+)</.exec(answer.body) ?? [];
      if (call.action === 'CreateAccessKey' && id) mine.add(id);
      return answer;
    };
    const undo = [
      proxy.use(onlyMine(watch)),
      ...(scenario.behaviour ? [proxy.use(onlyMine(scenario.behaviour))] : []),
      ...(leak ? [proxy.use(onlyMine(leakFrom(nth, leakyAction, CALLER_TOKEN, leak)))] : []),
    ];
    const event = toEvent(scenario, key, caller, credentialsOf('provider'));
    const { answer, logs } = await container.invoke<ProgressEvent>(event);
    for (const end of undo) end();
    exposures.push({ scenario, leak, answer, logs, calls });
  };

  const prepareKey = async ({ action }: Scenario): Promise<Key> => {
    const userName = `user-${randomUUID().slice(0, 13)}`;
    await iam.send(new CreateUserCommand({ UserName: userName }));
    if (action === 'CREATE') return { userName, id: '' };
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: userName }));
    const id = AccessKey?.AccessKeyId ?? '';
    const Value = JSON.stringify({ secretAccessKey: STORED, userName });
    await ssm.send(
      new PutParameterCommand({ Name: `${PREFIX}/${id}`, Value, Type: 'SecureString' }),
    );
    return { userName, id };
  };

  it('would be found in every form', () => {
    const secret = 'caller/secret+"0=';
    const forms = formsOf(secret);

    const found = forms.filter((form) => leaksIn([`so: ${form}!`], [secret]).length === 1);

    expect(new Set(forms).size).toBe(8 + 7);
    expect(found).toEqual(forms);
    expect(leaksIn(['caller/se', 'secret'], [secret])).toEqual([]);
  });

  it('were planted: error messages quoted them, and the log had to be cleared of them', () => {
    const redacted = exposures.filter(({ answer }) => answer.message?.includes('<REDACTED>'));

    const kinds = new Set(redacted.map(({ leak }) => leak?.name));

    expect(kinds).toEqual(new Set(LEAKY_ANSWERS.slice(0, 4).map(({ name }) => name)));
    for (const leak of LEAKY_ANSWERS) {
      const failed = exposures.filter(
        (exposure) => exposure.leak === leak && exposure.answer.errorCode,
      );
      expect(failed.length).toBeGreaterThan(5);
    }
  });

  it.each(SCENARIOS)('stay out of message, callback context and log: $name', (scenario) => {
    const texts = exposures
      .filter((exposure) => exposure.scenario === scenario)
      .flatMap(({ answer, logs }) => [JSON.stringify(withoutSecret(answer)), ...logs]);

    expect(texts.length).toBeGreaterThan(4);
    expect(leaksIn(texts, SECRETS)).toEqual([]);
  });

  it('are returned by a finished CREATE, READ or UPDATE alone, in the two properties for them', () => {
    const returned = exposures.flatMap(({ scenario, answer }) =>
      leaksIn([JSON.stringify(answer)], SECRETS).map(() => `${scenario.name} ${answer.status}`),
    );

    expect([...new Set(returned)].sort()).toEqual([
      'CREATE SUCCESS',
      'CREATE, inactive and with a KMS key SUCCESS',
      'READ SUCCESS',
      'UPDATE SUCCESS',
    ]);
  });

  it('are handed to AWS in one parameter or secret value alone, encrypted', () => {
    const carriers = exposures.flatMap(({ scenario, calls }) =>
      calls
        .filter(({ parameters }) => leaksIn([JSON.stringify(parameters)], SECRETS).length > 0)
        .map((call) => ({ scenario, call })),
    );

    expect(carriers.length).toBeGreaterThan(10);
    for (const { scenario, call } of carriers) {
      const isDelivered = scenario.name.startsWith('CREATE with Secret');
      const value = isDelivered ? 'SecretString' : 'Value';
      const others = { ...call.parameters, [value]: undefined };
      expect(leaksIn([JSON.stringify(others)], SECRETS)).toEqual([]);
      expect([call.action, call.parameters.Type]).toEqual(
        isDelivered ? ['PutSecretValue', undefined] : ['PutParameter', 'SecureString'],
      );
      expect(call.parameters.Name ?? PREFIX).toMatch(/^\/org\/iam\/access-key(\/AKIA\w+)?$/);
      expect(call.parameters.SecretId).toBe(isDelivered ? SECRET_ID : undefined);
    }
    const kmsKeys = carriers.map(({ call }) => call.parameters.KeyId);
    expect(new Set(kmsKeys)).toEqual(new Set([undefined, 'alias/parameters']));
  });

  it('stay out of the names and descriptions of parameters', async () => {
    const texts: string[] = [];
    for await (const page of paginateDescribeParameters({ client: ssm }, {})) {
      texts.push(...(page.Parameters ?? []).map((parameter) => JSON.stringify(parameter)));
    }

    expect(texts.length).toBeGreaterThan(10);
    expect(leaksIn(texts, SECRETS)).toEqual([]);
  });

  it('stay out of the delivered log and metrics', async () => {
    const config = { endpoint: aws.endpoint, region: REGION, credentials: credentialsOf('admin') };
    const [logs, cloudWatch] = [new CloudWatchLogsClient(config), new CloudWatchClient(config)];
    const lines: string[] = [];
    for await (const page of paginateFilterLogEvents(
      { client: logs },
      { logGroupName: LOG_GROUP },
    )) {
      lines.push(...(page.events ?? []).map((event) => JSON.stringify(event)));
    }
    const metrics: string[] = [];
    for await (const page of paginateListMetrics({ client: cloudWatch }, {})) {
      metrics.push(...(page.Metrics ?? []).map((metric) => JSON.stringify(metric)));
    }
    logs.destroy();
    cloudWatch.destroy();

    const delivered = exposures.filter(({ logs: written }) => !written.some(isUndelivered));
    expect(delivered.length).toBeGreaterThan(exposures.length / 2);
    const ends = lines.filter((line) => line.includes('"message":"END '));
    expect(ends.length).toBeGreaterThanOrEqual(delivered.length);
    expect(lines.join('\n')).toContain('<REDACTED>');
    expect(metrics.length).toBeGreaterThan(10);
    expect(leaksIn([...lines, ...metrics], SECRETS)).toEqual([]);
  });

  it.each([...Object.keys(schema.properties), 'Unheard'])(
    'are not quoted from %s, where they do not belong',
    async (name) => {
      const misplaced = { [name]: MISPLACED };
      const events = ['CREATE', 'READ', 'UPDATE', 'DELETE', 'LIST'].map((action) => {
        const properties = (key: Key) => ({ ...userOf(key), ...idOf(key), ...misplaced });
        const event = toEvent(
          { name, action, properties },
          { userName: 'nobody', id: 'AKIAUNKNOWNUNKNOWN00' },
          credentialsOf('caller'),
          credentialsOf('provider'),
        );
        return { ...event, callbackContext: misplaced };
      });

      for (const event of events.flatMap((given) => [given, { ...given, callbackContext: null }])) {
        const { answer, logs } = await (containers[0] as LocalFunction).invoke(event);
        expect(leaksIn([JSON.stringify(answer), ...logs], SECRETS)).toEqual([]);
      }
    },
  );
});

/** Each call that the scenario makes, with each answer that could come to it. */
function casesOf({ scenario, calls }: Exposure) {
  // It differs in what is answered at the end, not in what can go wrong on the way.
  if (scenario.typeConfiguration?.ExposeSecretAccessKey) return [];
  const counts = new Map<string, number>();
  return calls.flatMap(({ service, action }) => {
    const nth = (counts.get(action) ?? 0) + 1;
    counts.set(action, nth);
    // One user's keys are listed like another's.
    if (scenario.name === 'LIST' && nth > 1) return [];
    // After each lost answer of it CREATE waits for seconds, whatever else differs.
    if (action === 'CreateAccessKey' && scenario.name !== 'CREATE') return [];
    if (action !== 'PutSecretValue' && scenario.name === 'CREATE with SecretKeys') return [];
    const possible = LEAKY_ANSWERS.filter(({ services }) => services?.includes(service) ?? true);
    return possible.map((leak) => ({ scenario, leak, nth, action }));
  });
}

/** CloudWatch is not waited for where it is slow. */
function isUndelivered(line: string): boolean {
  return line.startsWith('telemetry not delivered');
}

/** Only their access key id, which is no secret, tells one session from another. */
function credentialsOf(whose: 'admin' | 'caller' | 'provider'): Credentials {
  const accessKeyId = `ASIA${randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()}`;
  return whose === 'caller'
    ? { accessKeyId, secretAccessKey: CALLER, sessionToken: CALLER_TOKEN }
    : { accessKeyId, secretAccessKey: PROVIDER, sessionToken: PROVIDER_TOKEN };
}

function toEvent(
  { action, properties, typeConfiguration }: Scenario,
  key: Key,
  callerCredentials: Credentials,
  providerCredentials: Credentials,
) {
  return {
    awsAccountId: ACCOUNT_ID,
    bearerToken: randomUUID(),
    region: REGION,
    action,
    stackId: `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/secrets/1`,
    callbackContext: null as object | null,
    nextToken: null,
    requestData: {
      callerCredentials,
      providerCredentials,
      providerLogGroupName: LOG_GROUP,
      logicalResourceId: 'AccessKey',
      resourceProperties: properties(key),
      typeConfiguration: typeConfiguration ?? null,
    },
  };
}

/** The answer without the two fields that may hold the secret, where they may. */
function withoutSecret(answer: ProgressEvent): ProgressEvent {
  if (answer.status !== 'SUCCESS' || !answer.resourceModel) return answer;
  const secrets = { SecretAccessKey: undefined, SesSmtpPassword: undefined };
  return { ...answer, resourceModel: { ...answer.resourceModel, ...secrets } };
}
