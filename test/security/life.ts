import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import type { CloudFormation, Outcome, Properties } from '../../local/cloudformation.ts';
import { refuse, type AwsProxy, type Behaviour, type Call } from '../support/aws-proxy.ts';
import { denyInOpenWords } from '../support/behaviours.ts';
import type { Admin } from './local-aws.ts';

export type HandlerName = 'create' | 'read' | 'update' | 'delete' | 'list';

/** One operation of an access key's life, and how it must end. */
export interface Step {
  readonly name: string;
  readonly handler: HandlerName;
  /** The error code, where the step is one that must fail. */
  readonly errorCode?: string;
  readonly run: () => Promise<Outcome>;
}

export interface World {
  readonly cloudFormation: CloudFormation;
  readonly proxy: AwsProxy;
  readonly admin: Admin;
  readonly userPath: string;
}

/** What a step did: the calls that its handler made. */
export interface Experience {
  readonly step: Step;
  readonly outcome: Outcome;
  readonly calls: readonly Call[];
}

/** With guardrails the handlers look at users more closely. */
export const GUARDRAILS = { AllowedUserPaths: ['*'] };

export const USERS = {
  own: 'ci-bot',
  imported: 'ci-import',
  crowded: 'ci-crowded',
  handedOver: 'ci-deploy',
} as const;
export const SECRET = 'ci/credentials';
const UNKNOWN = 'AKIAUNKNOWNUNKNOWN00';

/** The users that the life is about, and a secret for one of them. */
export async function populate({ admin, userPath }: World): Promise<void> {
  for (const UserName of Object.values(USERS)) {
    await admin.iam.send(new CreateUserCommand({ UserName, Path: userPath }));
  }
  for (let key = 0; key < 2; key += 1) {
    await admin.iam.send(new CreateAccessKeyCommand({ UserName: USERS.crowded }));
  }
  await admin.secrets.send(new CreateSecretCommand({ Name: SECRET, SecretString: 'none yet' }));
}

/** Everything that a key goes through where nothing goes wrong; some four seconds in all. */
export function everyday({ cloudFormation, admin }: World): Step[] {
  const keys: Record<string, Properties> = {};
  const id = (name: string): string => String(keys[name]?.Id);
  const create = async (name: string, properties: Properties, logicalId = name) => {
    const outcome = await cloudFormation.create(properties, { logicalId });
    keys[name] = outcome.resourceModel ?? {};
    return outcome;
  };
  const importKey = async () => {
    const answer = await admin.iam.send(new CreateAccessKeyCommand({ UserName: USERS.imported }));
    keys.imported = { Id: answer.AccessKey?.AccessKeyId, UserName: USERS.imported };
  };
  const UserName = USERS.own;
  const handedOver = { UserName: USERS.handedOver, SecretId: SECRET };
  const overlapping = { UserName: USERS.handedOver, Serial: 2 };
  const setPreviousKey = (before: string, after: string) =>
    cloudFormation.update(
      { ...overlapping, Id: id('overlapping'), PreviousKey: before },
      { ...overlapping, PreviousKey: after },
    );

  return [
    {
      name: 'create an active key',
      handler: 'create',
      run: () => create('first', { UserName, Serial: 1, Description: 'builds' }, 'Rotated'),
    },
    {
      name: 'read it by its id',
      handler: 'read',
      run: () => cloudFormation.read(id('first')),
    },
    {
      name: 'update it to Inactive, with another description',
      handler: 'update',
      run: () =>
        cloudFormation.update(
          { Id: id('first'), UserName },
          { UserName, Status: 'Inactive', Description: 'paused' },
        ),
    },
    {
      name: 'update it to Active, without a description',
      handler: 'update',
      run: () => cloudFormation.update({ Id: id('first'), UserName }, { UserName }),
    },
    {
      name: 'rotate it: create the new key',
      handler: 'create',
      run: () => create('second', { UserName, Serial: 2, Description: 'builds' }, 'Rotated'),
    },
    {
      name: 'rotate it: delete the old key',
      handler: 'delete',
      run: () => cloudFormation.delete(id('first')),
    },
    { name: 'list all keys', handler: 'list', run: () => cloudFormation.list() },
    {
      name: 'list the keys of a user',
      handler: 'list',
      run: () => cloudFormation.list({ UserName }),
    },
    {
      name: 'create an inactive key',
      handler: 'create',
      run: () => create('inactive', { UserName, Status: 'Inactive' }),
    },
    {
      name: 'delete it',
      handler: 'delete',
      run: () => cloudFormation.delete(id('inactive')),
    },
    {
      name: 'create a key in a secret, whose rotation overlaps',
      handler: 'create',
      run: () => create('before', { ...handedOver, Serial: 1 }, 'Overlapping'),
    },
    {
      name: 'rotate it, out of the secret: create the new key',
      handler: 'create',
      run: () => create('overlapping', { ...overlapping, PreviousKey: 'Inactive' }, 'Overlapping'),
    },
    {
      name: 'rotate it: switch the old key off in place of deleting it',
      handler: 'delete',
      run: () => cloudFormation.delete(id('before')),
    },
    {
      name: 'read it with the key before it',
      handler: 'read',
      run: () => cloudFormation.read(id('overlapping')),
    },
    {
      name: 'switch the key before it on',
      handler: 'update',
      run: () => setPreviousKey('Inactive', 'Active'),
    },
    {
      name: 'delete the key before it',
      handler: 'update',
      run: () => setPreviousKey('Active', 'Deleted'),
    },
    {
      name: 'let the next key before it live on',
      handler: 'update',
      run: () => setPreviousKey('Deleted', 'Active'),
    },
    {
      name: 'delete it',
      handler: 'delete',
      run: () => cloudFormation.delete(id('overlapping')),
    },
    {
      name: 'create a key that is handed over in a secret',
      handler: 'create',
      run: () => create('handedOver', { ...handedOver, Serial: 1 }, 'HandedOver'),
    },
    {
      name: 'rotate it: the secret gets the new key',
      handler: 'create',
      run: () => create('next', { ...handedOver, Serial: 2 }, 'HandedOver'),
    },
    {
      name: 'roll the rotation back: the secret gets the old key again',
      handler: 'delete',
      run: () => cloudFormation.delete(id('next')),
    },
    {
      name: 'delete the key that is handed over',
      handler: 'delete',
      run: () => cloudFormation.delete(id('handedOver')),
    },
    {
      name: 'import: read a key that the type did not make, by its id',
      handler: 'read',
      run: async () => {
        await importKey();
        return cloudFormation.read(id('imported'));
      },
    },
    {
      name: 'import: update it',
      handler: 'update',
      run: () => cloudFormation.update({ Id: id('imported') }, { Status: 'Inactive' }),
    },
    {
      name: 'import: delete it',
      handler: 'delete',
      run: () => cloudFormation.delete(id('imported')),
    },
    {
      name: 'delete the last key',
      handler: 'delete',
      run: () => cloudFormation.delete(id('second')),
    },
  ];
}

/** What goes wrong now and then, with what the handlers do about it; some twelve seconds in all. */
export function rare({ cloudFormation, proxy, admin }: World): Step[] {
  const UserName = USERS.own;
  const handedOver = { UserName: USERS.handedOver, SecretId: SECRET };
  const token = randomUUID();
  let id = '';
  const during = async (behaviours: Behaviour[], run: () => Promise<Outcome>): Promise<Outcome> => {
    const undo = behaviours.map((behaviour) => proxy.use(behaviour));
    return run().finally(() => {
      for (const end of undo) end();
    });
  };

  return [
    {
      name: 'the answer of CreateAccessKey is lost: the orphan is deleted, another key made',
      handler: 'create',
      run: async () => {
        const outcome = await during([loseFirst('CreateAccessKey')], () =>
          cloudFormation.create({ UserName }, { token, logicalId: 'Lost' }),
        );
        id = String(outcome.resourceModel?.Id);
        return outcome;
      },
    },
    {
      name: 'CREATE is called again with the same token',
      handler: 'create',
      run: () => cloudFormation.create({ UserName }, { token, logicalId: 'Lost' }),
    },
    {
      name: 'a DELETE that was interrupted is finished',
      handler: 'delete',
      run: async () => {
        await admin.iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: id }));
        return cloudFormation.delete(id);
      },
    },
    {
      name: 'the record cannot be written: key, description and version are taken back',
      handler: 'create',
      errorCode: 'InvalidRequest',
      run: () =>
        during([refuseParameter('PutParameter', isRecord)], () =>
          cloudFormation.create({ ...handedOver, Description: 'undone' }, { logicalId: 'Undone' }),
        ),
    },
    {
      name: 'the new key is not accepted at once',
      handler: 'create',
      run: async () => {
        const outcome = await during([refuseFirst('GetCallerIdentity')], () =>
          cloudFormation.create({ UserName }, { logicalId: 'Slow' }),
        );
        id = String(outcome.resourceModel?.Id);
        return outcome;
      },
    },
    { name: 'delete it', handler: 'delete', run: () => cloudFormation.delete(id) },
    {
      name: 'the user has two keys',
      handler: 'create',
      errorCode: 'ServiceLimitExceeded',
      run: () => cloudFormation.create({ UserName: USERS.crowded }),
    },
    {
      name: 'IAM denies to say whose key it is: READ searches all users',
      handler: 'read',
      errorCode: 'NotFound',
      run: () => during([denyInOpenWords], () => cloudFormation.read(UNKNOWN)),
    },
    {
      name: 'IAM denies to say whose key it is: UPDATE searches all users',
      handler: 'update',
      errorCode: 'NotFound',
      run: () =>
        during([denyInOpenWords], () =>
          cloudFormation.update({ Id: UNKNOWN }, { Status: 'Active' }),
        ),
    },
    {
      name: 'IAM denies to say whose key it is: DELETE searches all users',
      handler: 'delete',
      errorCode: 'NotFound',
      run: () => during([denyInOpenWords], () => cloudFormation.delete(UNKNOWN)),
    },
    {
      name: 'a key is handed over',
      handler: 'create',
      run: async () => {
        const outcome = await cloudFormation.create(handedOver, { logicalId: 'Gone' });
        id = String(outcome.resourceModel?.Id);
        return outcome;
      },
    },
    {
      name: 'the next fails at its end: CREATE searches all users for the one before, which is gone',
      handler: 'create',
      errorCode: 'InvalidRequest',
      run: async () => {
        await admin.iam.send(
          new DeleteAccessKeyCommand({ UserName: USERS.handedOver, AccessKeyId: id }),
        );
        return during([denyInOpenWords, refuseParameter('DeleteParameter', isIntent)], () =>
          cloudFormation.create(handedOver, { logicalId: 'Next' }),
        );
      },
    },
  ];
}

/** Goes through the steps until one of them ends otherwise than it should. */
export async function live({ proxy }: World, steps: readonly Step[]): Promise<Experience[]> {
  const experiences: Experience[] = [];
  for (const step of steps) {
    const firstCall = proxy.calls.length;
    const outcome = await step.run();
    const calls = proxy.calls.slice(firstCall);
    experiences.push({ step, outcome, calls });
    if (!wentAsItShould({ step, outcome })) break;
  }
  return experiences;
}

export function wentAsItShould({ step, outcome }: Pick<Experience, 'step' | 'outcome'>): boolean {
  return step.errorCode === undefined
    ? outcome.status === 'SUCCESS'
    : outcome.errorCode === step.errorCode;
}

function loseFirst(action: string): Behaviour {
  let isLost = false;
  return async (call, next) => {
    const answer = await next(call);
    if (call.action !== action || isLost) return answer;
    isLost = true;
    throw new Error('the answer is lost');
  };
}

function refuseFirst(action: string): Behaviour {
  let isRefused = false;
  return (call, next) => {
    if (call.action !== action || isRefused) return next(call);
    isRefused = true;
    return refuse(call, 403, 'InvalidClientTokenId', 'The security token is invalid.');
  };
}

function refuseParameter(action: string, isMeant: (name: string) => boolean): Behaviour {
  return (call, next) =>
    call.action === action && isMeant(String(call.parameters.Name))
      ? refuse(call, 400, 'ValidationException', 'no such luck')
      : next(call);
}

function isIntent(parameterName: string): boolean {
  return parameterName.includes('/pending/');
}

function isRecord(parameterName: string): boolean {
  return !isIntent(parameterName);
}
