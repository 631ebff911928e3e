import { CreateUserCommand } from '@aws-sdk/client-iam';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormation, type Outcome } from '../../local/cloudformation.ts';
import { startFunction, type LocalFunction } from '../../local/lambda-container.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import { refuse, startAwsProxy, type AwsProxy, type Call } from '../support/aws-proxy.ts';
import { GUARDRAILS } from './life.ts';
import { Admin } from './local-aws.ts';
import { ACCOUNT_ID, REGION } from './roles.ts';

const CREDENTIALS = { accessKeyId: 'ASIACALLER', secretAccessKey: 's', sessionToken: 't' };
const UserName = 'ci-bot';
const OTHER_USERS = ['ann', 'ben', 'cem', 'dan', 'eva', 'fin', 'gus', 'hal', 'ida', 'jan'];
const KEY = { UserName, Description: 'builds', SecretId: 'ci/credentials' };

type Id = string;

// A call that runs on would go out in the middle of the next invocation, with the last one's
// credentials, and its log line would be delivered with the next one's.
describe('an invocation that fails', () => {
  let aws: LocalAws;
  let proxy: AwsProxy;
  let lambda: LocalFunction;
  let cloudFormation: CloudFormation;
  let admin: Admin;
  let isRefused: (call: Call) => boolean = () => false;
  const underWay = new Set<Call>();

  beforeAll(async () => {
    aws = await startMoto();
    admin = new Admin(aws.endpoint, CREDENTIALS);
    await admin.secrets.send(new CreateSecretCommand({ Name: KEY.SecretId, SecretString: '-' }));
    await admin.iam.send(new CreateUserCommand({ UserName }));
    proxy = await startAwsProxy(aws.endpoint);
    proxy.use(async (call, next) => {
      if (isRefused(call)) return refuse(call, 400, 'AccessDeniedException', 'not authorized');
      underWay.add(call);
      const answer = await next(call);
      // So that others of the same moment are still on their way when one is refused.
      await sleep(50);
      underWay.delete(call);
      return answer;
    });
    lambda = await startFunction({ endpoint: proxy.endpoint, region: REGION });
    cloudFormation = new CloudFormation({
      function: lambda,
      credentials: CREDENTIALS,
      region: REGION,
      accountId: ACCOUNT_ID,
      typeConfiguration: GUARDRAILS,
    });
  });
  afterAll(async () => {
    admin.destroy();
    await lambda.stop();
    await proxy.stop();
    await aws.stop();
  });

  const operations: Record<string, (id: Id) => Promise<Outcome>> = {
    CREATE: () => cloudFormation.create(KEY),
    READ: (id) => cloudFormation.read(id),
    UPDATE: (id) => cloudFormation.update({ Id: id }, { ...KEY, Description: 'pauses' }),
    DELETE: (id) => cloudFormation.delete(id),
  };

  const actionsOf = async (operation: (id: Id) => Promise<Outcome>, id: Id): Promise<string[]> => {
    const firstCall = proxy.calls.length;
    await operation(id);
    return [...new Set(proxy.calls.slice(firstCall).map(({ action }) => action))];
  };
  const createInactive = async (): Promise<Id> => {
    const { resourceModel } = await cloudFormation.create({ ...KEY, Status: 'Inactive' });
    return String(resourceModel?.Id);
  };
  const deleteKeys = async (): Promise<void> => {
    const { resourceModels } = await cloudFormation.list({ UserName });
    for (const { Id } of resourceModels ?? []) await cloudFormation.delete({ Id, UserName });
  };

  it.each(Object.keys(operations))('ends %s with none of its calls under way', async (name) => {
    const operation = operations[name] as (id: Id) => Promise<Outcome>;
    const isOnKey = name !== 'CREATE';
    let id = isOnKey ? await createInactive() : '';
    const actions = await actionsOf(operation, id);

    const strays: string[] = [];
    // A new key that is not accepted is not refused, but waited for.
    for (const refused of actions.filter((action) => action !== 'GetCallerIdentity')) {
      if (name === 'CREATE' || name === 'DELETE') {
        await deleteKeys();
        id = isOnKey ? await createInactive() : '';
      }
      isRefused = ({ action }) => action === refused;
      await operation(id);
      for (const { action } of underWay) strays.push(`${action} after ${refused} was refused`);
      isRefused = () => false;
    }
    await deleteKeys();

    expect(actions.length).toBeGreaterThan(2);
    expect(strays).toEqual([]);
  });

  it('ends LIST with none of its calls under way, and makes no more of them', async () => {
    for (const name of OTHER_USERS) await admin.iam.send(new CreateUserCommand({ UserName: name }));
    isRefused = ({ action, parameters }) =>
      action === 'ListAccessKeys' && parameters.UserName === 'ann';
    const firstCall = proxy.calls.length;

    const { errorCode } = await cloudFormation.list();

    expect(errorCode).toBe('AccessDenied');
    expect([...underWay]).toEqual([]);
    expect(proxy.calls.slice(firstCall).length).toBeLessThan(OTHER_USERS.length);
  });
});
