import type { Call } from '../support/aws-proxy.ts';
import { ACCOUNT_ID, REGION, type AccessRequest } from './roles.ts';

/** Where the users of the life are, and the keys that encrypt its parameters and secrets. */
export interface Places {
  readonly ownerOf: (accessKeyId: string) => string;
  readonly pathOf: (userName: string) => string;
  readonly parameterKeyArn: string;
  readonly secretKeyArn: string;
}

/** How KMS knows a call that another service makes for somebody. */
export function via(service: 'ssm' | 'secretsmanager'): Readonly<Record<string, string>> {
  return { 'kms:ViaService': `${service}.${REGION}.amazonaws.com` };
}

/**
 * What a role must be allowed for this call. Parameter Store and Secrets Manager call KMS in the
 * caller's name, which no proxy sees: that they do so follows from the call. GetCallerIdentity is
 * allowed to everybody.
 */
export function accessRequestsOf(call: Call, places: Places): AccessRequest[] {
  const { service, action: name, parameters } = call;
  const action = `${service}:${name}`;
  switch (action) {
    case 'sts:GetCallerIdentity':
      return [];
    case 'iam:ListUsers':
      return [{ action, resource: '*' }];
    case 'iam:GetAccessKeyLastUsed': {
      const owner = places.ownerOf(String(parameters.AccessKeyId));
      return [{ action, resource: userArn(places.pathOf(owner), owner) }];
    }
    case 'ssm:GetParameters': {
      const names = parameters.Names as string[];
      const onNames = names.map((name) => ({ action, resource: parameterArn(name) }));
      return parameters.WithDecryption === true
        ? [...onNames, onKey('kms:Decrypt', places.parameterKeyArn, 'ssm')]
        : onNames;
    }
    case 'ssm:PutParameter': {
      const onName = { action, resource: parameterArn(String(parameters.Name)) };
      // A parameter of another tier is encrypted with a data key.
      const encryption = parameters.Tier === 'Standard' ? 'kms:Encrypt' : 'kms:GenerateDataKey';
      return parameters.Type === 'SecureString'
        ? [onName, onKey(encryption, places.parameterKeyArn, 'ssm')]
        : [onName];
    }
    case 'ssm:DeleteParameter':
      return [{ action, resource: parameterArn(String(parameters.Name)) }];
    case 'secretsmanager:PutSecretValue':
      return [
        { action, resource: secretArn(String(parameters.SecretId)) },
        onKey('kms:GenerateDataKey', places.secretKeyArn, 'secretsmanager'),
        onKey('kms:Decrypt', places.secretKeyArn, 'secretsmanager'),
      ];
    case 'secretsmanager:DescribeSecret':
    case 'secretsmanager:UpdateSecretVersionStage':
      return [{ action, resource: secretArn(String(parameters.SecretId)) }];
    case 'iam:TagUser':
    case 'iam:UntagUser': {
      const userName = String(parameters.UserName);
      const key = parameters['Tags.member.1.Key'] ?? parameters['TagKeys.member.1'];
      const context = { 'aws:TagKeys': [String(key)] };
      return [{ action, resource: userArn(places.pathOf(userName), userName), context }];
    }
    default: {
      const userName = String(parameters.UserName);
      return [{ action, resource: userArn(places.pathOf(userName), userName) }];
    }
  }
}

export function userArn(userPath: string, userName: string, accountId = ACCOUNT_ID): string {
  return `arn:aws:iam::${accountId}:user${userPath}${userName}`;
}

export function parameterArn(name: string, region = REGION, accountId = ACCOUNT_ID): string {
  return `arn:aws:ssm:${region}:${accountId}:parameter${name}`;
}

/** Secrets Manager ends a secret's ARN with six characters of its own. */
export function secretArn(name: string, region = REGION, accountId = ACCOUNT_ID): string {
  return `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-a1B2c3`;
}

function onKey(action: string, resource: string, service: 'ssm' | 'secretsmanager'): AccessRequest {
  return { action, resource, context: via(service) };
}
