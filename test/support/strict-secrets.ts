import { accountHeaders, refuse, type Answer, type AwsProxy, type Call } from './aws-proxy.ts';

type Parameters = Readonly<Record<string, unknown>>;
type Stages = ReadonlyMap<string, readonly string[]>;

interface Secret {
  readonly isDeleted: boolean;
  readonly stages: Stages;
}

/** Makes a call past every behaviour. */
type Ask = (action: string, parameters: Parameters) => Promise<Answer>;

/** Marks a new version for as long as it takes to move AWSCURRENT to it. */
const ON_ITS_WAY = 'STRICT-SECRETS';

/**
 * Makes moto behind the proxy as strict as Secrets Manager: a secret that is scheduled for deletion
 * takes nothing, a version does not change, a stage is moved from the version that has it only, and
 * AWSCURRENT is where it was moved to, for readers who name no stage and for the next writer, too.
 */
export function useStrictSecrets(proxy: AwsProxy, upstream: string): void {
  const ask = toAsk(upstream);
  proxy.use(async (call, next) => {
    if (call.service !== 'secretsmanager') return next(call);
    return withStatus(await answerTo(call, next, ask));
  });
}

const answerTo = async (call: Call, next: (call: Call) => Promise<Answer>, ask: Ask) => {
  switch (call.action) {
    case 'DescribeSecret':
      return withoutDeprecated(await next(call));
    case 'GetSecretValue':
      return next(withStage(call));
    case 'PutSecretValue':
      return put(call, next, ask);
    case 'UpdateSecretVersionStage':
      return moveStage(call, next, ask);
    default:
      return next(call);
  }
};

/** What is not there is a 400 in this protocol; moto says 404. */
function withStatus(answer: Answer): Answer {
  return answer.status === 404 ? { ...answer, status: 400 } : answer;
}

/** A version without a stage may be gone at any time, and is not shown. An empty secret shows none. */
function withoutDeprecated(answer: Answer): Answer {
  if (answer.status !== 200) return answer;
  const secret = JSON.parse(answer.body) as { VersionIdsToStages?: Record<string, string[]> };
  const versions = Object.entries(secret.VersionIdsToStages ?? {});
  const shown = versions.filter(([, stages]) => stages.length > 0);
  const VersionIdsToStages = shown.length > 0 ? Object.fromEntries(shown) : undefined;
  return { ...answer, body: JSON.stringify({ ...secret, VersionIdsToStages }) };
}

/** moto goes by the version that was AWSCURRENT when it was written. */
function withStage(call: Call): Call {
  const { parameters } = call;
  if (parameters.VersionId !== undefined || parameters.VersionStage !== undefined) return call;
  return { ...call, parameters: { ...parameters, VersionStage: 'AWSCURRENT' } };
}

const put = async (call: Call, next: (call: Call) => Promise<Answer>, ask: Ask) => {
  const { SecretId, ClientRequestToken, SecretString, VersionStages } = call.parameters;
  const secret = await find(ask, SecretId);
  if (secret?.isDeleted) return refuseDeleted(call);
  const version = await ask('GetSecretValue', { SecretId, VersionId: ClientRequestToken });
  if (version.status === 200) {
    const stored = JSON.parse(version.body) as Parameters;
    return stored.SecretString === SecretString
      ? version
      : refuse(call, 400, 'ResourceExistsException', 'A version with this id exists already.');
  }
  const stages = (VersionStages ?? ['AWSCURRENT']) as readonly string[];
  const current = secret && findVersion(secret.stages, 'AWSCURRENT');
  if (!stages.includes('AWSCURRENT') || current === undefined) return next(call);
  const passed = { ...call.parameters, VersionStages: [ON_ITS_WAY] };
  const answer = await next({ ...call, parameters: passed });
  const { VersionId } = JSON.parse(answer.body) as { VersionId: string };
  const move = { SecretId, RemoveFromVersionId: current, MoveToVersionId: VersionId };
  await ask('UpdateSecretVersionStage', { ...move, VersionStage: 'AWSCURRENT' });
  const mark = { SecretId, RemoveFromVersionId: VersionId, VersionStage: ON_ITS_WAY };
  await ask('UpdateSecretVersionStage', mark);
  return answer;
};

/** moto takes a stage away before it looks where to put it, and puts it on twice. */
const moveStage = async (call: Call, next: (call: Call) => Promise<Answer>, ask: Ask) => {
  const { SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId } = call.parameters;
  const secret = await find(ask, SecretId);
  if (!secret) return next(call);
  if (secret.isDeleted) return refuseDeleted(call);
  const stage = String(VersionStage);
  const holder = findVersion(secret.stages, stage);
  const invalid = (message: string) => refuse(call, 400, 'InvalidParameterException', message);
  if (RemoveFromVersionId !== undefined && RemoveFromVersionId !== holder) {
    return invalid(
      `When you move staging label ${stage}, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label ${stage}.`,
    );
  }
  if (MoveToVersionId === undefined) return next(call);
  if (!secret.stages.has(MoveToVersionId as string)) {
    return refuse(call, 400, 'ResourceNotFoundException', 'There is no such version.');
  }
  if (holder === MoveToVersionId) return ask('DescribeSecret', { SecretId });
  if (holder !== undefined && RemoveFromVersionId === undefined) {
    return invalid(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  return next(call);
};

async function find(ask: Ask, SecretId: unknown): Promise<Secret | undefined> {
  const { status, body } = await ask('DescribeSecret', { SecretId });
  if (status !== 200) return undefined;
  const secret = JSON.parse(body) as {
    DeletedDate?: number | null;
    VersionIdsToStages?: Record<string, string[]>;
  };
  return {
    isDeleted: typeof secret.DeletedDate === 'number',
    stages: new Map(Object.entries(secret.VersionIdsToStages ?? {})),
  };
}

function findVersion(stages: Stages, stage: string): string | undefined {
  return [...stages].find(([, labels]) => labels.includes(stage))?.[0];
}

const refuseDeleted = (call: Call): Answer =>
  refuse(
    call,
    400,
    'InvalidRequestException',
    "You can't perform this operation on the secret because it was marked for deletion.",
  );

function toAsk(upstream: string): Ask {
  const signature = 'Credential=proxy/20260101/us-east-1/secretsmanager/aws4_request';
  return async (action, parameters) => {
    const answer = await fetch(upstream, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 ${signature}`,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `secretsmanager.${action}`,
        ...accountHeaders(),
      },
      body: JSON.stringify(parameters),
    });
    const headers = { 'content-type': 'application/x-amz-json-1.1' };
    return { status: answer.status, headers, body: await answer.text() };
  };
}
