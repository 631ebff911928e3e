import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgressEvent } from '../../local/cloudformation.ts';
import { refuse, type Answer, type Behaviour, type Call } from '../support/aws-proxy.ts';
import { deny } from '../support/behaviours.ts';
import { ACCOUNT_ID, newCredentials, REGION, useLocalType } from '../support/local-type.ts';

const UNKNOWN_ID = 'AKIAUNKNOWNUNKNOWN00';
const STACK_ID = `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/app/1`;
const STREAM = `${STACK_ID.replaceAll(':', '__')}/AccessKey`;

describe('delivery to CloudWatch', () => {
  const type = useLocalType();
  const providerCredentials = newCredentials('provider');
  let logs: CloudWatchLogsClient;
  let logGroup: string;
  let groups = 0;

  const cloudFormation = () =>
    type.cloudFormation({ providerCredentials, logGroup, stackId: STACK_ID });
  const deliveries = () =>
    type.calls.filter(({ service }) => service === 'logs' || service === 'monitoring');
  const callsOf = (action: string) => deliveries().filter((call) => call.action === action);
  const deliveredLines = ({ parameters }: Call) =>
    (parameters.logEvents as { message: string }[]).map(({ message }) => message);
  const storedLines = async (logStreamName: string) => {
    const command = new GetLogEventsCommand({ logGroupName: logGroup, logStreamName });
    return (await logs.send(command)).events?.map(({ message }) => message);
  };

  beforeAll(() => {
    const { endpoint } = type.aws;
    logs = new CloudWatchLogsClient({
      endpoint,
      region: REGION,
      credentials: newCredentials('admin'),
    });
  });
  beforeEach(() => {
    groups += 1;
    logGroup = `log-group-${groups}`;
  });
  afterAll(() => {
    logs.destroy();
  });

  it("brings each invocation's lines in one call, and its metrics in another", async () => {
    await cloudFormation().list();
    await cloudFormation().read(UNKNOWN_ID);
    await cloudFormation().list();

    expect(callsOf('PutLogEvents')).toHaveLength(3);
    expect(callsOf('PutMetricData')).toHaveLength(3);
  });

  it('signs with the provider credentials, and the handler with its own', async () => {
    await cloudFormation().list();

    const signers = new Set(deliveries().map(({ accessKeyId }) => accessKeyId));
    expect(signers).toEqual(new Set([providerCredentials.accessKeyId]));
    const others = type.calls.filter(({ service }) => service === 'iam');
    expect(others.map(({ accessKeyId }) => accessKeyId)).not.toContain(
      providerCredentials.accessKeyId,
    );
  });

  it('brings all lines of the invocation and none of another', async () => {
    const first = await cloudFormation().list();
    const second = await cloudFormation().read(UNKNOWN_ID);

    const lines = callsOf('PutLogEvents').map(deliveredLines);
    expect(lines).toEqual([first.logs, second.logs]);
    expect(lines[0]?.[0]).toMatch(/^START LIST/);
    expect(lines[0]?.at(-1)).toBe('END SUCCESS');
    expect(lines[1]?.at(-1)).toMatch(/^END FAILED NotFound /);
  });

  it('makes the log group and the stream of the resource where there are none', async () => {
    const { logs: lines } = await cloudFormation().list();

    expect(await storedLines(STREAM)).toEqual(lines);
  });

  it('makes the stream where there is the group already', async () => {
    await logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));

    const { logs: lines } = await cloudFormation().list();

    expect(await storedLines(STREAM)).toEqual(lines);
    expect(callsOf('CreateLogGroup')).toEqual([]);
  });

  it('makes the stream where somebody else makes the group at the same moment', async () => {
    type.use(async (call, next) => {
      if (call.action === 'CreateLogGroup') {
        await logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
      }
      return next(call);
    });

    const { logs: lines } = await cloudFormation().list();

    expect(callsOf('CreateLogGroup')).toHaveLength(1);
    expect(await storedLines(STREAM)).toEqual(lines);
  });

  it('adds to the stream where there is one already', async () => {
    await logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
    await logs.send(new CreateLogStreamCommand({ logGroupName: logGroup, logStreamName: STREAM }));

    const first = await cloudFormation().list();
    const second = await cloudFormation().list();

    expect(await storedLines(STREAM)).toEqual([...first.logs, ...second.logs]);
  });

  it('takes a stream of the account where there is no stack', async () => {
    await type.cloudFormation({ providerCredentials, logGroup, stackId: null }).list();

    const { logStreams } = await logs.send(
      new DescribeLogStreamsCommand({ logGroupName: logGroup }),
    );
    expect(logStreams?.map(({ logStreamName }) => logStreamName)).toEqual([
      `${ACCOUNT_ID}-${REGION}`,
    ]);
  });

  it.each([
    ['list', 'LIST', undefined],
    ['read', 'READ', 'NotFound'],
  ] as const)(
    'counts and times a %s, and says how it failed',
    async (operation, action, errorCode) => {
      if (operation === 'list') await cloudFormation().list();
      else await cloudFormation().read(UNKNOWN_ID);

      const dimensions = {
        DimensionKeyActionType: action,
        DimensionKeyResourceType: 'Org::IAM::AccessKey',
      };
      const [call] = callsOf('PutMetricData');
      expect(call?.parameters.Namespace).toBe('AWS/CloudFormation/Org/IAM/AccessKey');
      expect(metricsIn(call)).toEqual([
        { name: 'HandlerInvocationCount', unit: 'Count', value: 1, dimensions },
        {
          name: 'HandlerInvocationDuration',
          unit: 'Milliseconds',
          value: expect.any(Number),
          dimensions,
        },
        ...(errorCode === undefined
          ? []
          : [
              {
                name: 'HandlerException',
                unit: 'Count',
                value: 1,
                dimensions: { ...dimensions, DimensionKeyExceptionType: errorCode },
              },
            ]),
      ]);
    },
  );

  it('conceals the secrets of a whole life in what it delivers', async () => {
    const userName = await type.createUser();
    const { resourceModel } = await cloudFormation().create({ UserName: userName });
    await cloudFormation().read(String(resourceModel?.Id));
    await cloudFormation().delete(String(resourceModel?.Id));

    const delivered = JSON.stringify(deliveries().map(({ parameters }) => parameters));
    expect(callsOf('PutLogEvents')).toHaveLength(3);
    expect(type.mintedSecrets).toHaveLength(1);
    expect(delivered).not.toContain(type.mintedSecrets[0]);
    expect(delivered).not.toContain(providerCredentials.sessionToken);
  });

  it.each([
    ['provider credentials', { logGroup: 'some-group' }],
    ['a log group', { providerCredentials }],
  ])('delivers nothing without %s', async (_, options) => {
    const listed = await type.cloudFormation(options).list();

    expect(listed.status).toBe('SUCCESS');
    expect(deliveries()).toEqual([]);
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({}));
    expect(logGroups?.map(({ logGroupName }) => logGroupName)).not.toContain('some-group');
  });

  it('delivers the refusal of an event without caller credentials', async () => {
    const stack = { providerCredentials, logGroup, credentials: null };

    const listed = await type.cloudFormation(stack).list();

    expect(listed.errorCode).toBe('InvalidCredentials');
    expect(callsOf('PutLogEvents').map(deliveredLines)).toEqual([listed.logs]);
    expect(deliveries()).toHaveLength(type.calls.length);
  });

  const failure = (act: (call: Call) => Promise<Answer> | Answer): Behaviour => {
    return (call, next) =>
      call.service === 'logs' || call.service === 'monitoring' ? act(call) : next(call);
  };

  it.each<[string, Behaviour]>([
    ['denied', failure((call) => refuse(call, 400, 'AccessDeniedException', 'not authorized'))],
    ['denied the log stream', deny('logs:CreateLogStream')],
    ['denied the log events', deny('logs:PutLogEvents')],
    ['denied the metrics', deny('monitoring:PutMetricData')],
    ['throttled', failure((call) => refuse(call, 400, 'ThrottlingException', 'Rate exceeded'))],
    ['answered with an error', failure((call) => refuse(call, 500, 'InternalFailure', 'oops'))],
    [
      'answered with nonsense',
      failure(() => ({ status: 400, headers: {}, body: '<html>not yours</html>' })),
    ],
    ['cut off', failure(() => Promise.reject(new Error('cut off')))],
    ['never answered', failure(() => new Promise(() => undefined))],
  ])('answers as if nothing were the matter when it is %s', async (_, behaviour) => {
    type.use(behaviour);

    const listed = await cloudFormation().list();
    const read = await cloudFormation().read(UNKNOWN_ID);

    expect(withoutLogs(listed)).toEqual({ status: 'SUCCESS', errorCode: undefined });
    expect(withoutLogs(read)).toEqual({ status: 'FAILED', errorCode: 'NotFound' });
    expect(listed.logs.at(-1)).toMatch(/^telemetry not delivered: /);
  });

  it('brings the metrics where the lines cannot be brought', async () => {
    type.use(deny('logs:CreateLogStream'));

    await cloudFormation().list();

    expect(callsOf('PutMetricData')).toHaveLength(1);
  });

  it('makes the stream ready while the handler works, so that one round trip is left', async () => {
    const isReady = () => callsOf('CreateLogStream').length > 0;
    let wasReady: boolean | undefined;
    type.use(async (call, next) => {
      if (call.action !== 'ListUsers') return next(call);
      for (let tries = 0; tries < 400 && !isReady(); tries += 1) await sleep(10);
      wasReady = isReady();
      return next(call);
    });

    await cloudFormation().list();

    expect(wasReady).toBe(true);
  });
});

function withoutLogs({ status, errorCode }: ProgressEvent) {
  return { status, errorCode };
}

/** Reads the form that the query protocol has for lists. */
function metricsIn(call: Call | undefined) {
  const { parameters = {} } = call ?? {};
  const at = (path: string) => parameters[`MetricData.member.${path}`] as string | undefined;
  const metrics: object[] = [];
  for (let index = 1; at(`${index}.MetricName`) !== undefined; index += 1) {
    const dimensions: Record<string, unknown> = {};
    for (let number = 1; ; number += 1) {
      const name = at(`${index}.Dimensions.member.${number}.Name`);
      if (name === undefined) break;
      dimensions[name] = at(`${index}.Dimensions.member.${number}.Value`);
    }
    metrics.push({
      name: at(`${index}.MetricName`),
      unit: at(`${index}.Unit`),
      value: Number(at(`${index}.Value`)),
      dimensions,
    });
  }
  return metrics;
}
