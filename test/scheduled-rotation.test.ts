import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  actionsOf,
  isAllowed,
  isTrusted,
  readRole,
  ACCOUNT_ID,
  REGION,
  type Role,
} from './security/roles.ts';
import {
  authorizationFor,
  startStepFunctions,
  type Answer,
  type StepFunctions,
} from './support/step-functions.ts';

interface Template {
  readonly Resources: Readonly<Record<string, { Properties: Record<string, unknown> }>>;
}

interface Parameter {
  readonly ParameterKey: string;
  readonly ParameterValue?: string;
  readonly UsePreviousValue?: string;
}

/** A stack as CloudFormation answers for it: an update takes two polls. */
interface Stack {
  status: string;
  parameters: Record<string, string>;
  readonly capabilities: string[];
  /** The updates that were accepted. */
  readonly updates: { parameters: Parameter[]; capabilities: string[]; roleArn?: string }[];
  /** What happens to the next updates that set PreviousKey to this value. */
  readonly faults: Map<string, string>;
}

const MINUTE = 60;
const DAY = 86_400;
const POLL = 20;
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const SERVICE_ROLE = 'arn:aws:iam::123456789012:role/deployer';
const TEMPLATE = 'examples/scheduled-rotation.yaml';
const UNCHANGED = [
  { ParameterKey: 'UserName', UsePreviousValue: 'true' },
  { ParameterKey: 'Password', UsePreviousValue: 'true' },
];

const run = promisify(execFile);
let template: Template;
let stepFunctions: StepFunctions;
let stateMachineArn: string;
let topicArn: string;
let withServiceRole: string;
/** When the test began. */
let start: number;
let stack: Stack;
let messages: { topic: string; text: string }[];
/** Each AWS call of an execution, with what it is about. */
let calls: { action: string; resource: string }[];

beforeAll(async () => {
  const { stdout } = await run('.venv/bin/cfn-flip', ['--json', TEMPLATE]);
  template = JSON.parse(stdout) as Template;
  stepFunctions = await startStepFunctions(serve);
  [stateMachineArn, topicArn] = await deploy('rotation', {});
  [withServiceRole] = await deploy('with-service-role', { ServiceRoleArn: SERVICE_ROLE });
});

beforeEach(() => {
  stack = {
    status: 'CREATE_COMPLETE',
    parameters: { KeySerial: '1', UserName: 'ci-bot', PreviousKey: 'Deleted', Password: SECRET },
    capabilities: ['CAPABILITY_IAM'],
    updates: [],
    faults: new Map(),
  };
  messages = [];
  calls = [];
  stepFunctions.forget();
  start = stepFunctions.now();
});

afterAll(() => stepFunctions.stop());

describe('scheduled rotation', () => {
  it('makes a new key, and then has the old one active, inactive and deleted', async () => {
    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(stack.updates.map(({ parameters }) => parameters)).toEqual(
      ['Active', 'Inactive', 'Deleted'].map((previousKey) => [
        ...UNCHANGED,
        { ParameterKey: 'KeySerial', ParameterValue: String(start) },
        { ParameterKey: 'PreviousKey', ParameterValue: previousKey },
      ]),
    );
    expect(stack.updates.map(({ capabilities }) => capabilities)).toEqual(
      Array(3).fill(['CAPABILITY_IAM']),
    );
    expect(stack.parameters).toEqual({
      KeySerial: String(start),
      UserName: 'ci-bot',
      PreviousKey: 'Deleted',
      Password: SECRET,
    });
    expect(longWaits()).toEqual([7 * DAY, 7 * DAY]);
    expect(messages).toEqual([]);
  });

  it('rotates again, with a higher serial', async () => {
    await stepFunctions.execute(stateMachineArn);
    const [first, again] = [Number(stack.parameters.KeySerial), stepFunctions.now()];

    await stepFunctions.execute(stateMachineArn);

    expect(stack.parameters).toMatchObject({ KeySerial: String(again), PreviousKey: 'Deleted' });
    expect(again).toBeGreaterThan(first);
    expect(setTo()).toHaveLength(6);
  });

  it('goes beyond a serial that is not below the clock', async () => {
    stopAfterRotation();
    for (const serial of [start, 20271231235959]) {
      Object.assign(stack.parameters, { KeySerial: String(serial), PreviousKey: 'Deleted' });

      await stepFunctions.execute(stateMachineArn);

      expect(stack.parameters.KeySerial).toBe(String(serial + 1));
    }
  });

  it('passes on each capability, or none', async () => {
    stopAfterRotation();
    stack.capabilities.push('CAPABILITY_AUTO_EXPAND');
    await stepFunctions.execute(stateMachineArn);
    expect(stack.updates[0]?.capabilities).toEqual(['CAPABILITY_IAM', 'CAPABILITY_AUTO_EXPAND']);

    stack.capabilities.splice(0);
    stack.parameters.PreviousKey = 'Deleted';
    await stepFunctions.execute(stateMachineArn);
    expect(stack.updates[1]?.capabilities).toEqual([]);
  });

  it('takes a stack that has no other parameter', async () => {
    stack.parameters = { PreviousKey: 'Deleted', KeySerial: '0' };

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(setTo()).toEqual(['Active', 'Inactive', 'Deleted']);
  });

  it('goes on when there is nothing to update', async () => {
    stack.parameters.KeySerial = String(start - 5 * DAY);
    for (const previousKey of ['Active', 'Inactive', 'Deleted']) {
      stack.faults.set(previousKey, 'No updates are to be performed.');
    }

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(longWaits()).toEqual([7 * DAY, 7 * DAY]);
    expect(calls.filter(({ action }) => action === 'cloudformation:UpdateStack')).toHaveLength(3);
    expect(messages).toEqual([]);
  });

  it('keeps outputs and parameters out of all but the answers of CloudFormation', async () => {
    stack.parameters.Hint = SECRET;

    const [execution] = await stepFunctions.execute(stateMachineArn);

    const events = execution?.history ?? [];
    const telling = events.filter((event) => JSON.stringify(event).includes(SECRET));
    expect(events.length).toBeGreaterThan(50);
    expect(new Set(telling.map(({ type }) => type))).toEqual(new Set(['TaskSucceeded']));
  });
});

describe('scheduled rotation that fails or is stopped', () => {
  const STEPS = [
    ['Active', ['Active', 'Inactive', 'Deleted']],
    ['Inactive', ['Inactive', 'Deleted']],
    ['Deleted', ['Deleted']],
  ] as const;

  it.each(STEPS)('at %s stops, says so, and later goes on with %j', async (step, remaining) => {
    stack.faults.set(step, 'UPDATE_ROLLBACK_COMPLETE');

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('FAILED');
    expect(setTo().at(-1)).toBe(step);
    expectOneMessage(`The update to PreviousKey ${step} failed: it is UPDATE_ROLLBACK_COMPLETE.`);

    stack.faults.clear();
    stack.updates.splice(0);
    const [again] = await stepFunctions.execute(stateMachineArn);

    expect(again?.status).toBe('SUCCEEDED');
    expect(setTo()).toEqual(remaining);
    expect(messages).toHaveLength(1);
  });

  it.each(STEPS)('at %s with a refusal stops, and goes on with %j', async (step, remaining) => {
    stack.faults.set(step, 'Parameter "KeySerial" is "wrong"');

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('FAILED');
    expectOneMessage('Parameter "KeySerial" is "wrong"');

    stack.faults.clear();
    stack.updates.splice(0);
    await stepFunctions.execute(stateMachineArn);

    expect(setTo()).toEqual(remaining);
  });

  it('does not wait anew for what it has waited for already', async () => {
    stack.faults.set('Inactive', 'UPDATE_ROLLBACK_COMPLETE');
    await stepFunctions.execute(stateMachineArn);
    stack.faults.clear();
    await stepFunctions.execute(stateMachineArn);

    expect(longWaits()).toEqual([7 * DAY, 7 * DAY]);
  });

  it.each([
    ['Active', 2, [5 * DAY, 7 * DAY], ['Inactive', 'Deleted']],
    ['Inactive', 9, [5 * DAY], ['Deleted']],
  ])('waits for what is left of %s, %d days after it began', async (state, days, left, steps) => {
    stack.parameters.KeySerial = String(start - days * DAY);
    stack.parameters.PreviousKey = state;

    await stepFunctions.execute(stateMachineArn);

    expect(longWaits()).toEqual(left);
    expect(setTo()).toEqual(steps);
  });

  it('waits for all of it when a serial by hand does not say when the rotation began', async () => {
    stack.parameters = { ...stack.parameters, KeySerial: '2', PreviousKey: 'Active' };

    await stepFunctions.execute(stateMachineArn);

    expect(longWaits()).toEqual([7 * DAY, 7 * DAY]);
    expect(stack.parameters.KeySerial).toBe('2');
  });

  it.each([
    'UPDATE_FAILED',
    'UPDATE_ROLLBACK_FAILED',
    'ROLLBACK_COMPLETE',
    'CREATE_FAILED',
    'DELETE_FAILED',
    'REVIEW_IN_PROGRESS',
  ])('finds the stack in %s, says so and touches nothing', async (status) => {
    stack.status = status;

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('FAILED');
    expectOneMessage(`is ${status}.`);
    expect(setTo()).toEqual([]);
  });

  it.each(['UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE', 'IMPORT_ROLLBACK_COMPLETE'])(
    'begins when the stack is in %s',
    async (status) => {
      stopAfterRotation();
      stack.status = status;

      await stepFunctions.execute(stateMachineArn);

      expect(setTo()).toEqual(['Active']);
    },
  );

  it('says when the stack lacks a parameter', async () => {
    delete stack.parameters.PreviousKey;

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('FAILED');
    expectOneMessage('PreviousKey');
  });

  it('says when there is no such stack, after a few tries', async () => {
    stack.status = 'DELETE_COMPLETE';

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('FAILED');
    expectOneMessage('Stack with id access-key does not exist');
    expect(calls).toHaveLength(6);
  });
});

describe('scheduled rotation of a stack that somebody else works on', () => {
  const deployFor = (seconds: number, change: Record<string, string> = {}): void => {
    stack.status = 'UPDATE_IN_PROGRESS';
    stepFunctions.at(stepFunctions.now() + seconds, () => {
      stack.status = 'UPDATE_COMPLETE';
      Object.assign(stack.parameters, change);
    });
  };

  it('waits until an update is over', async () => {
    deployFor(5 * MINUTE);

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('SUCCEEDED');
    expect(setTo()).toEqual(['Active', 'Inactive', 'Deleted']);
    expect(stack.parameters.KeySerial).toBe(String(start + 5 * MINUTE));
  });

  it('waits until an update is over that began just before its own', async () => {
    stack.faults.set('Active', 'busy');

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('SUCCEEDED');
    expect(setTo()).toEqual(['Active', 'Inactive', 'Deleted']);
    expect(messages).toEqual([]);
  });

  it('goes on after updates of other things, failed ones too', async () => {
    stepFunctions.at(start + DAY, () => {
      stack.status = 'UPDATE_ROLLBACK_COMPLETE';
    });
    stepFunctions.at(start + 7 * DAY + POLL, () => {
      deployFor(5 * MINUTE, { UserName: 'other' });
    });

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('SUCCEEDED');
    expect(stack.parameters).toMatchObject({ UserName: 'other', PreviousKey: 'Deleted' });
  });

  it.each([
    ['rotated again', { KeySerial: '1900000000' }],
    ['switched the old key on again', { PreviousKey: 'Active' }],
  ])('stops when somebody has %s', async (_, change) => {
    stepFunctions.at(start + 10 * DAY, () => {
      Object.assign(stack.parameters, change);
    });

    const [execution] = await stepFunctions.execute(stateMachineArn);

    expect(execution?.status).toBe('FAILED');
    expectOneMessage('Somebody else has changed KeySerial or PreviousKey');
    expect(setTo()).toEqual(['Active', 'Inactive']);
    expect(stack.parameters).toMatchObject(change);
  });

  it('rotates once when two executions start at once, and one of them stops', async () => {
    const executions = await stepFunctions.execute(stateMachineArn, 2);

    expect(executions.map(({ status }) => status).sort()).toEqual(['FAILED', 'SUCCEEDED']);
    expect(setTo()).toEqual(['Active', 'Inactive', 'Deleted']);
    expectOneMessage('perhaps another execution');
  });
});

describe('template of the scheduled rotation', () => {
  it('has a state machine without a fault', async () => {
    const { definition } = (await stepFunctions.ask('DescribeStateMachine', {
      stateMachineArn,
    })) as { definition: string };

    // A fault makes it fail, and stands in the error's message.
    await run('node_modules/.bin/asl-validator', ['--json-definition', definition]);
  });

  it('lets the machine make the calls that it makes, and no others', async () => {
    stack.faults.set('Deleted', 'UPDATE_ROLLBACK_COMPLETE');
    await stepFunctions.execute(stateMachineArn);
    const { permissions } = await roleOf('RotationRole');

    for (const call of calls)
      expect([call, await isAllowed(permissions, call)]).toEqual([call, true]);
    expect(actionsOf(permissions)).toEqual([...new Set(calls.map(({ action }) => action))].sort());
    for (const { action, resource } of calls) {
      const other = resource.replace(/access-key|rotation-Topic/, 'other');
      expect([other, await isAllowed(permissions, { action, resource: other })]).toEqual([
        other,
        false,
      ]);
    }
  });

  it('passes a service role to CloudFormation, if there is one', async () => {
    await stepFunctions.execute(withServiceRole);
    const { permissions } = await roleOf('RotationRole', { ServiceRoleArn: SERVICE_ROLE });
    const passing = (service: string, resource = SERVICE_ROLE) =>
      isAllowed(permissions, {
        action: 'iam:PassRole',
        resource,
        context: { 'iam:PassedToService': service },
      });

    expect(stack.updates.map(({ roleArn }) => roleArn)).toEqual(Array(3).fill(SERVICE_ROLE));
    expect(await passing('cloudformation.amazonaws.com')).toBe(true);
    expect(await passing('ec2.amazonaws.com')).toBe(false);
    expect(await passing('cloudformation.amazonaws.com', `${SERVICE_ROLE}s`)).toBe(false);
  });

  it('lets the schedule start this machine, and do nothing else', async () => {
    const { permissions, trust } = await roleOf('ScheduleRole');
    const starting = { action: 'states:StartExecution', resource: stateMachineArn };

    expect(permissions.Statement).toEqual([
      { Effect: 'Allow', Action: starting.action, Resource: stateMachineArn },
    ]);
    const mine = { 'aws:SourceAccount': ACCOUNT_ID };
    expect(await isTrusted(trust, 'scheduler.amazonaws.com', mine)).toBe(true);
    expect(template.Resources.RotationSchedule?.Properties.Target).toEqual({
      Arn: { Ref: 'Rotation' },
      RoleArn: { 'Fn::GetAtt': ['ScheduleRole', 'Arn'] },
    });
  });

  it.each([
    ['RotationRole', 'states.amazonaws.com'],
    ['ScheduleRole', 'scheduler.amazonaws.com'],
  ])('lets nobody else use %s', async (role, service) => {
    const { trust } = await roleOf(role);

    expect(await isTrusted(trust, service, { 'aws:SourceAccount': ACCOUNT_ID })).toBe(true);
    expect(await isTrusted(trust, service, { 'aws:SourceAccount': '111122223333' })).toBe(false);
    expect(await isTrusted(trust, 'ec2.amazonaws.com', {})).toBe(false);
  });
});

/** For a test of what comes before. */
function stopAfterRotation(): void {
  stack.faults.set('Inactive', 'refused');
}

/** PreviousKey in each update that was accepted. */
function setTo(): (string | undefined)[] {
  return stack.updates.map(({ parameters }) => valueIn(parameters, 'PreviousKey'));
}

async function roleOf(logicalId: string, parameters: Record<string, string> = {}): Promise<Role> {
  const given = { StackName: 'access-key', Topic: topicArn, Rotation: stateMachineArn };
  return readRole(TEMPLATE, { ...given, ...parameters }, logicalId);
}

/** The waits that are not for CloudFormation. */
function longWaits(): number[] {
  return stepFunctions.waits().filter((seconds) => seconds > POLL);
}

function expectOneMessage(words: string): void {
  expect(messages).toEqual([{ topic: topicArn, text: expect.stringContaining(words) }]);
  expect(messages[0]?.text).toContain(stateMachineArn.replace(':stateMachine:', ':execution:'));
}

/** Answers what an execution asks CloudFormation and SNS. */
function serve(call: URLSearchParams): Answer {
  const action = call.get('Action') ?? '';
  if (action === 'Publish') {
    const [topic, text] = [call.get('TopicArn') ?? '', call.get('Message') ?? ''];
    calls.push({ action: 'sns:Publish', resource: topic });
    messages.push({ topic, text });
    return answer(action, '<MessageId>1</MessageId>');
  }
  const name = call.get('StackName') ?? '';
  calls.push({
    action: `cloudformation:${action}`,
    resource: `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${name}/1`,
  });
  if (name !== 'access-key' || stack.status === 'DELETE_COMPLETE') {
    return refuse(`Stack with id ${name} does not exist`);
  }
  return action === 'DescribeStacks' ? describeStack() : updateStack(call);
}

function describeStack(): Answer {
  const parameters = Object.entries(stack.parameters).map(([key, value]) => ({
    ParameterKey: key,
    ParameterValue: key === 'Password' ? '****' : value,
  }));
  const outputs = [{ OutputKey: 'SecretAccessKey', OutputValue: SECRET }];
  return answer(
    'DescribeStacks',
    `<Stacks><member><StackName>access-key</StackName><StackStatus>${stack.status}</StackStatus>
     <CreationTime>2026-01-01T00:00:00Z</CreationTime>
     <Capabilities>${stack.capabilities.map(member).join('')}</Capabilities>
     <Parameters>${parameters.map(member).join('')}</Parameters>
     <Outputs>${outputs.map(member).join('')}</Outputs></member></Stacks>`,
  );
}

function updateStack(call: URLSearchParams): Answer {
  const parameters = membersOf<Parameter>(call, 'Parameters');
  const capabilities = membersOf<string>(call, 'Capabilities');
  const previousKey = valueIn(parameters, 'PreviousKey') ?? '';
  const fault = stack.faults.get(previousKey);
  if (call.get('UsePreviousTemplate') !== 'true') return refuse('a template is missing');
  if (fault === 'busy') {
    stack.faults.clear();
    stack.status = 'UPDATE_IN_PROGRESS';
    stepFunctions.at(stepFunctions.now() + MINUTE, () => {
      stack.status = 'UPDATE_COMPLETE';
    });
  }
  if (stack.status.endsWith('_IN_PROGRESS')) {
    return refuse(
      `Stack:arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/access-key/1 is in ${stack.status} state and can not be updated.`,
    );
  }
  const names = parameters.map(({ ParameterKey }) => ParameterKey).sort();
  if (names.join() !== Object.keys(stack.parameters).sort().join()) {
    return refuse(`Parameters: [${names.join()}] are not those of the template`);
  }
  if (fault && !fault.startsWith('UPDATE_')) return refuse(fault);

  const before = stack.parameters;
  const after = Object.fromEntries(
    parameters.map(({ ParameterKey: key, ParameterValue, UsePreviousValue }) => [
      key,
      UsePreviousValue === 'true' ? (before[key] ?? '') : (ParameterValue ?? ''),
    ]),
  );
  if (
    JSON.stringify(Object.entries(after).sort()) === JSON.stringify(Object.entries(before).sort())
  )
    return refuse('No updates are to be performed.');
  const roleArn = call.get('RoleARN');
  stack.updates.push({ parameters, capabilities, ...(roleArn && { roleArn }) });

  stack.parameters = after;
  stack.status = 'UPDATE_IN_PROGRESS';
  stepFunctions.at(stepFunctions.now() + POLL / 2, () => {
    stack.status = fault ? 'UPDATE_ROLLBACK_IN_PROGRESS' : 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS';
  });
  stepFunctions.at(stepFunctions.now() + 2 * POLL - 1, () => {
    stack.status = fault ?? 'UPDATE_COMPLETE';
    if (fault) stack.parameters = before;
  });
  return answer('UpdateStack', '<StackId>1</StackId>');
}

function answer(action: string, result: string): Answer {
  const body = `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`;
  return { status: 200, body };
}

function refuse(message: string): Answer {
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
  return { status: 400, body };
}

function member(value: string | object): string {
  const content =
    typeof value === 'string'
      ? value
      : Object.entries(value)
          .map(([key, part]) => `<${key}>${String(part)}</${key}>`)
          .join('');
  return `<member>${content}</member>`;
}

/** A list as the Query protocol sends it. */
function membersOf<Member>(call: URLSearchParams, list: string): Member[] {
  const members: Record<string, unknown> = {};
  for (const [name, value] of call) {
    const [head, , index = '', field] = name.split('.');
    if (head !== list || index === '') continue;
    members[index] = field ? { ...(members[index] as object), [field]: value } : value;
  }
  return Object.values(members) as Member[];
}

function valueIn(parameters: readonly Parameter[], name: string): string | undefined {
  return parameters.find(({ ParameterKey }) => ParameterKey === name)?.ParameterValue;
}

/** Deploys the example with moto, which skips the schedule. @returns state machine and topic. */
async function deploy(name: string, parameters: Record<string, string>): Promise<[string, string]> {
  const { Rotation, ...others } = template.Resources;
  const { Definition, ...properties } = Rotation?.Properties ?? {};
  // moto knows the definition as a string only.
  const DefinitionString = { 'Fn::ToJsonString': Definition };
  const Resources = {
    ...others,
    Rotation: { ...Rotation, Properties: { ...properties, DefinitionString } },
  };
  const given = { StackName: 'access-key', Email: 'somebody@example.com', ...parameters };
  await query('cloudformation', 'CreateStack', {
    StackName: name,
    TemplateBody: JSON.stringify({ ...template, Resources }),
    'Capabilities.member.1': 'CAPABILITY_IAM',
    ...Object.fromEntries(
      Object.entries(given).flatMap(([key, value], index) => [
        [`Parameters.member.${index + 1}.ParameterKey`, key],
        [`Parameters.member.${index + 1}.ParameterValue`, value],
      ]),
    ),
  });
  const stacks = await query('cloudformation', 'DescribeStacks', { StackName: name });
  const arnOf = (service: string) =>
    new RegExp(`<OutputValue>(arn:aws:${service}:[^<]+)<`).exec(stacks)?.[1] ?? '';
  return [arnOf('states'), arnOf('sns')];
}

async function query(
  service: string,
  Action: string,
  parameters: Record<string, string>,
): Promise<string> {
  const response = await fetch(stepFunctions.endpoint, {
    method: 'POST',
    headers: { authorization: authorizationFor(service) },
    body: new URLSearchParams({ Action, ...parameters }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${Action}: ${body}`);
  return body;
}
