import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CloudFormation } from '../../local/cloudformation.ts';
import { startFunction, type LocalFunction } from '../../local/lambda-container.ts';
import schema from '../../schema/org-iam-accesskey.json' with { type: 'json' };
import {
  everyday,
  GUARDRAILS,
  live,
  populate,
  rare,
  wentAsItShould,
  type Experience,
  type HandlerName,
  type World,
} from './life.ts';
import { EnforcingAws } from './local-aws.ts';
import { accessRequestsOf } from './permissions.ts';
import { ACCOUNT_ID, actionsOf, isAllowed, readRole, REGION, without, type Role } from './roles.ts';

const HANDLERS = Object.keys(schema.handlers) as HandlerName[];
const PERMISSIONS = [
  ...new Set(HANDLERS.flatMap((name) => schema.handlers[name].permissions)),
].sort();
const [KMS_PERMISSIONS, SEEN_PERMISSIONS] = [true, false].map((isKms) =>
  PERMISSIONS.filter((permission) => permission.startsWith('kms:') === isKms),
) as [string[], string[]];

const PLACES = {
  ownerOf: () => 'somebody',
  pathOf: () => '/',
  parameterKeyArn: `arn:aws:kms:${REGION}:${ACCOUNT_ID}:key/parameters`,
  secretKeyArn: `arn:aws:kms:${REGION}:${ACCOUNT_ID}:key/secrets`,
};

describe('least privilege', () => {
  let aws: EnforcingAws;
  let lambda: LocalFunction;
  let role: Role;
  let caller: string;
  let life: readonly Experience[];

  const worldOf = async (permissions = role.permissions): Promise<World & { caller: string }> => {
    await aws.renew();
    await aws.createRole('access-keys', { ...role, permissions });
    const credentials = await aws.assumeRole('access-keys');
    const admin = await aws.enforce();
    const cloudFormation = new CloudFormation({
      function: lambda,
      credentials,
      region: REGION,
      accountId: ACCOUNT_ID,
      typeConfiguration: GUARDRAILS,
    });
    const world = {
      cloudFormation,
      proxy: aws.proxy,
      admin,
      caller: credentials.accessKeyId,
      userPath: '/',
    };
    await populate(world);
    return world;
  };

  beforeAll(async () => {
    role = await readRole('resource-role.yaml');
    aws = await EnforcingAws.start();
    lambda = await startFunction({ endpoint: aws.proxy.endpoint, region: REGION });
    const world = await worldOf();
    caller = world.caller;
    life = await live(world, [...everyday(world), ...rare(world)]);
    world.admin.destroy();
  });
  afterAll(async () => {
    await lambda.stop();
    await aws.stop();
  });

  it('lets the whole life of a key pass with the role of resource-role.yaml', () => {
    const mishaps = life.filter((experience) => !wentAsItShould(experience));

    expect(mishaps.map(({ step, outcome }) => [step.name, outcome.message])).toEqual([]);
  });

  it('grants in resource-role.yaml what the handlers of the schema ask for, and no more', () => {
    expect(actionsOf(role.permissions)).toEqual(PERMISSIONS);
  });

  it.each(SEEN_PERMISSIONS)('fails with AccessDenied that names it without %s', async (action) => {
    const world = await worldOf(without(role.permissions, action));

    const experiences = await live(world, everyday(world));

    world.admin.destroy();
    expect(experiences.at(-1)?.outcome).toMatchObject({
      status: 'FAILED',
      errorCode: 'AccessDenied',
      message: expect.stringContaining(`needs the permission ${action}`),
    });
  });

  // moto leaves KMS out, so that a policy evaluator says what it would.
  it.each(KMS_PERMISSIONS)('would be denied its parameters without %s', async (action) => {
    const requests = life
      .flatMap(({ calls }) => calls)
      .flatMap((call) => accessRequestsOf(call, PLACES))
      .filter((request) => request.action === action);

    expect(requests).not.toEqual([]);
    for (const request of requests) {
      expect(await isAllowed(role.permissions, request)).toBe(true);
      expect(await isAllowed(without(role.permissions, action), request)).toBe(false);
    }
  });

  it.each(HANDLERS)('states in the schema exactly what the %s handler calls', (handler) => {
    const made = life
      .filter(({ step }) => step.handler === handler)
      .flatMap(({ calls }) => calls)
      .flatMap((call) => accessRequestsOf(call, PLACES))
      .map(({ action }) => action);

    expect([...new Set(made)].sort()).toEqual(schema.handlers[handler].permissions);
  });

  it('has seen every call that the code can make', async () => {
    const names = await readdir('src', { recursive: true });
    const files = names.filter((name) => name.endsWith('.ts'));
    const code = await Promise.all(files.map((name) => readFile(path.join('src', name), 'utf8')));
    const sent = code.join('').matchAll(/new (\w+)Command\(|\bpaginate(\w+)\(/g);
    const possible = [...sent].map(([, command, pages]) => command ?? pages);

    const made = life.flatMap(({ calls }) => calls).map(({ action }) => action);

    expect(possible).not.toEqual([]);
    expect([...new Set(made)].sort()).toEqual([...new Set(possible)].sort());
  });

  it('signs with the session of the role, and only GetCallerIdentity with the new key', () => {
    const strangers = life
      .flatMap(({ calls }) => calls)
      .filter(({ action, accessKeyId }) =>
        action === 'GetCallerIdentity' ? accessKeyId === caller : accessKeyId !== caller,
      );

    expect(strangers).toEqual([]);
  });
});
