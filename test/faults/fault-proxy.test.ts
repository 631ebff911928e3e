import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  TagUserCommand,
} from '@aws-sdk/client-iam';
import { GetParametersCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAULTS, REFUSED, type Fault } from './faults.ts';
import { CALLER, Stage, startBackend, USER, type Backend } from './stage.ts';

const LIST_KEYS = { service: 'iam', action: 'ListAccessKeys', nth: 1 };

describe('fault proxy', () => {
  let backend: Backend;
  let stage: Stage;

  beforeAll(async () => {
    backend = await startBackend();
    stage = await Stage.start(backend);
  });
  afterAll(async () => {
    await stage.stop();
    await backend.stop();
  });
  beforeEach(async () => {
    await stage.begin();
  });

  const list = () => stage.cloudFormation().list({ UserName: USER });
  const forEver = (fault: Fault): Fault => ({ ...fault, times: Infinity });

  it('records each call with its service, its signer and its outcome', async () => {
    await stage.cloudFormation().create({ UserName: USER });

    const calls = stage.proxy.calls.map(
      ({ service, action, nth, outcome }) => `${service}:${action} ${nth} ${outcome}`,
    );
    expect(calls).toEqual(
      expect.arrayContaining([
        'iam:CreateAccessKey 1 200',
        'ssm:PutParameter 2 200',
        'sts:GetCallerIdentity 1 200',
      ]),
    );
    const [signer] = [...stage.proxy.secrets.keys()];
    for (const call of stage.proxy.calls) {
      expect(call.signer).toBe(call.service === 'sts' ? signer : CALLER.accessKeyId);
    }
  });

  it('has the system refuse the connection of one call', async () => {
    stage.canRefuse = true;
    stage.proxy.inject(REFUSED, LIST_KEYS);

    const { status } = await list();

    expect(status).toBe('SUCCESS');
    expect(stage.proxy.calls.map(({ outcome }) => outcome)).toEqual(['refused', '200']);
  });

  it('shows a refused connection to the client as what it is', async () => {
    stage.canRefuse = true;
    stage.proxy.inject(forEver(REFUSED), LIST_KEYS);

    const { message } = await list();

    expect(message).toContain('ECONNREFUSED');
  });

  it.each([
    ['reset', 'ECONNRESET'],
    ['answer lost', 'ECONNRESET'],
    ['500 before', 'ServiceFailure'],
    ['throttled twice', 'Throttling'],
    ['denied once', 'AccessDenied'],
    ['cut answer', 'could not be read'],
  ])('shows %s to the client as %s', async (name, shown) => {
    const fault = FAULTS.find((each) => each.name === name);
    stage.proxy.inject(forEver(fault as Fault), LIST_KEYS);

    const { message } = await list();

    expect(message).toContain(shown);
  });

  it('cuts an answer within the secret', async () => {
    const fault = FAULTS.find(({ name }) => name === 'cut answer') as Fault;
    const body =
      '<a><SecretAccessKey>0123456789012345678901234567890123456789</SecretAccessKey></a>';
    const pass = () => Promise.resolve({ statusCode: 200, headers: {}, body });

    const answer = await fault.strike({} as never, pass, new AbortController().signal);

    expect(answer).toMatchObject({ body: '<a><SecretAccessKey>01234567890123456789' });
  });

  it('holds calls until they are released', async () => {
    const held = stage.proxy.hold('before', ({ action }) => action === 'ListAccessKeys');
    let isDone = false;
    const listing = list().finally(() => (isDone = true));

    await held.reached();
    await sleep(100);
    expect(isDone).toBe(false);
    held.release();

    expect((await listing).status).toBe('SUCCESS');
  });

  it('never passes on what is dropped', async () => {
    const held = stage.proxy.hold('before', ({ action }) => action === 'CreateAccessKey');
    const creating = stage.cloudFormation().create({ UserName: USER });
    creating.catch(() => undefined);

    await held.reached();
    await stage.kill();
    held.drop();

    await expect(creating).rejects.toThrow('SIGKILL');
    expect((await stage.aws.holdings()).keys.size).toBe(0);
  });

  describe('lags', () => {
    const PARAMETER = { Name: '/lags/one', Value: 'a secret', Type: 'SecureString' } as const;
    let iam: IAMClient;
    let ssm: SSMClient;

    beforeEach(() => {
      const { endpoint } = stage.proxy;
      const config = { endpoint, region: 'us-east-1', credentials: CALLER, maxAttempts: 1 };
      iam = new IAMClient(config);
      ssm = new SSMClient(config);
    });
    afterEach(() => {
      iam.destroy();
      ssm.destroy();
    });

    const get = async (WithDecryption = true) => {
      const command = new GetParametersCommand({ Names: [PARAMETER.Name], WithDecryption });
      return (await ssm.send(command)).Parameters?.[0];
    };

    it('do not know a new user', async () => {
      stage.proxy.lags.newUser = Infinity;
      const unknown = { name: 'NoSuchEntityException' };

      const user = { UserName: USER };
      await expect(iam.send(new ListAccessKeysCommand(user))).rejects.toMatchObject(unknown);
      await expect(iam.send(new CreateAccessKeyCommand(user))).rejects.toMatchObject(unknown);
      await expect(iam.send(new GetUserCommand(user))).rejects.toMatchObject(unknown);
      stage.proxy.lags.newUser = 1;
      await expect(iam.send(new ListAccessKeysCommand(user))).resolves.toBeDefined();
    });

    it('do not know a new key to those who change it, nor its user to those who tag it', async () => {
      stage.proxy.lags.newKeyToChange = Infinity;
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: USER }));
      const key = { UserName: USER, AccessKeyId: AccessKey?.AccessKeyId };
      const tags = { UserName: USER, Tags: [{ Key: 'a', Value: 'b' }] };

      for (const sent of [
        iam.send(new DeleteAccessKeyCommand(key)),
        iam.send(new TagUserCommand(tags)),
      ]) {
        await expect(sent).rejects.toMatchObject({ name: 'NoSuchEntityException' });
      }
      expect((await stage.aws.holdings()).keys.size).toBe(1);
      stage.proxy.lags.newKeyToChange = 0;
      await iam.send(new DeleteAccessKeyCommand(key));
      expect((await stage.aws.holdings()).keys.size).toBe(0);
    });

    it('do not decrypt some parameters', async () => {
      await ssm.send(new PutParameterCommand(PARAMETER));
      stage.proxy.lags.undecryptable = [PARAMETER.Name];

      await expect(get()).rejects.toMatchObject({ name: 'InvalidKeyId' });
      expect(await get(false)).toMatchObject({ Name: PARAMETER.Name });
    });

    it('let keys and parameters age alike', async () => {
      const list = async () => {
        const { AccessKeyMetadata } = await iam.send(new ListAccessKeysCommand({ UserName: USER }));
        return AccessKeyMetadata?.[0]?.CreateDate?.getTime() ?? NaN;
      };
      await iam.send(new CreateAccessKeyCommand({ UserName: USER }));
      await ssm.send(new PutParameterCommand(PARAMETER));
      const [created, written] = [await list(), (await get())?.LastModifiedDate?.getTime()];
      stage.proxy.lags.ageing = 60_000;

      // Aged dates are whole seconds, as IAM's are.
      expect(await list()).toBe(Math.floor(created / 1000) * 1000 - 60_000);
      expect((await get())?.LastModifiedDate?.getTime()).toBe(Number(written) - 60_000);
    });
  });
});
