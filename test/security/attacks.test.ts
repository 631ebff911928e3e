import { PutUserPermissionsBoundaryCommand } from '@aws-sdk/client-iam';
import { PutSecretValueCommand, TagResourceCommand } from '@aws-sdk/client-secrets-manager';
import { createHash, randomUUID } from 'node:crypto';
import type { Outcome, Properties } from '../../local/cloudformation.ts';
import { refuse, type Behaviour } from '../support/aws-proxy.ts';
import { actionOf, ageKeys, deny, firstTimes } from '../support/behaviours.ts';
import { ACCOUNT_ID, PREFIX, REGION, useLocalType } from '../support/local-type.ts';

const OTHERS = { AllowedUserPaths: ['/ci/*'] };

/** Each attacker may deploy the type, and some may write parameters below its prefix. */
describe('attacks', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  const idOf = ({ resourceModel }: Outcome) => String(resourceModel?.Id);
  const idsOf = async () => (await type.keysOf(userName)).map(({ id }) => id);
  const intentOf = (token: string) =>
    `${PREFIX}/pending/${createHash('sha256').update(token).digest('hex')}`;
  /** As if the user had worked with the key. */
  const markAsUsed =
    (id: string): Behaviour =>
    async (call, next) => {
      const answer = await next(call);
      if (call.action !== 'GetAccessKeyLastUsed' || call.parameters.AccessKeyId !== id)
        return answer;
      const date = '<LastUsedDate>2026-01-01T00:00:00Z</LastUsedDate>';
      return {
        ...answer,
        body: answer.body.replace('</AccessKeyLastUsed>', `${date}</AccessKeyLastUsed>`),
      };
    };
  const plant = async (name: string, value: object) => {
    await type.overwriteParameter(name, JSON.stringify(value));
  };
  const removePlanted = async (name: string) => {
    if ((await type.parameters()).includes(name)) await type.deleteParameter(name);
  };

  describe('with planted parameters', () => {
    it.each([
      ['of nobody', () => ({})],
      ['of the very request', (whose: object) => whose],
    ])('an intent %s opens no way past the guardrails', async (_, toIntent) => {
      const token = randomUUID();
      const stack = type.newStack();
      const whose = { ...stack, userName, logicalResourceId: 'AccessKey', attemptId: 'planted' };
      await plant(intentOf(token), { ...toIntent(whose), accessKeyIds: [] });

      const created = await type
        .cloudFormation({ ...stack, typeConfiguration: OTHERS })
        .create({ UserName: userName }, { token });

      await removePlanted(intentOf(token));
      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await idsOf()).toEqual([]);
      expect(type.mintedSecrets).toEqual([]);
    });

    it.each([
      ['with the token alone', {}],
      ['of another stack', { stackId: 'arn:aws:cloudformation:us-east-1:1:stack/other/1' }],
      ['of another logical id', { logicalResourceId: 'Other' }],
      ['of another user', { userName: 'somebody-else' }],
      ['that fits, for a secret that does not have the key', {}],
    ])("a record %s does not have somebody's key deleted", async (what, change) => {
      const token = randomUUID();
      const stack = type.newStack();
      const foreign = await type.createForeignKey(userName);
      const { name: SecretId } = await type.createSecret('initial');
      const whose = { userName, ...stack, logicalResourceId: 'AccessKey', secretId: SecretId };
      const fits = what.startsWith('with the token') ? {} : whose;
      await plant(`${PREFIX}/${foreign}`, { clientRequestToken: token, ...fits, ...change });

      const created = await type
        .cloudFormation(stack)
        .create({ UserName: userName, SecretId }, { token });

      expect(created.status).toBe('SUCCESS');
      expect(await idsOf()).toEqual(expect.arrayContaining([foreign, idOf(created)]));
      expect(idOf(created)).not.toBe(foreign);
      await removePlanted(`${PREFIX}/${foreign}`);
    });

    it.each([
      ['of another stack', { stackId: 'arn:aws:cloudformation:us-east-1:1:stack/other/1' }],
      ['of another logical id', { logicalResourceId: 'Other' }],
      ['of another user', { userName: 'somebody-else' }],
      ['of another secret', { secretId: 'another' }],
      ['of another request', { clientRequestToken: 'another' }],
    ])("a record %s does not hand over somebody's key", async (_, change) => {
      const token = randomUUID();
      const stack = type.newStack();
      const foreign = await type.createForeignKey(userName);
      const whose = { userName, ...stack, logicalResourceId: 'AccessKey' };
      await plant(`${PREFIX}/${foreign}`, { ...whose, clientRequestToken: token, ...change });

      const created = await type.cloudFormation(stack).create({ UserName: userName }, { token });

      expect(created.status).toBe('SUCCESS');
      expect(idOf(created)).not.toBe(foreign);
      expect(await idsOf()).toHaveLength(2);
      await removePlanted(`${PREFIX}/${foreign}`);
    });

    it.each([
      ['that is in use', (id: string) => markAsUsed(id)],
      ['that is years old', () => ageKeys],
    ])("an intent does not have somebody's key deleted %s", async (_, behave) => {
      const token = randomUUID();
      const stack = type.newStack();
      const foreign = await type.createForeignKey(userName);
      const whose = { ...stack, userName, logicalResourceId: 'AccessKey', attemptId: 'planted' };
      await plant(intentOf(token), { ...whose, accessKeyIds: [], discarding: foreign });
      type.use(behave(foreign));

      const created = await type.cloudFormation(stack).create({ UserName: userName }, { token });

      expect(created.status).toBe('SUCCESS');
      expect((await idsOf()).sort()).toEqual([foreign, idOf(created)].sort());
    });

    it('a token that comes again does not switch a key on, past the guardrails', async () => {
      const token = randomUUID();
      const stack = type.newStack();
      const created = await type.cloudFormation(stack).create({ UserName: userName }, { token });
      await type.setStatus(userName, idOf(created), 'Inactive');

      const replayed = await type
        .cloudFormation({ ...stack, typeConfiguration: OTHERS })
        .create({ UserName: userName }, { token });

      expect(replayed).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([{ id: idOf(created), status: 'Inactive' }]);
    });

    it('a key that is switched off while CREATE waits stays off, where guardrails say so', async () => {
      let invocations = 0;
      type.use(
        firstTimes(1, 'sts:GetCallerIdentity', (call) =>
          refuse(call, 403, 'InvalidClientTokenId', 'The security token is invalid.'),
        ),
      );
      const invoke = async <Answer>(event: unknown) => {
        invocations += 1;
        const { requestData } = event as { requestData: Properties };
        if (invocations === 1) return type.container.invoke<Answer>(event);
        const [key] = await idsOf();
        await type.setStatus(userName, String(key), 'Inactive');
        const later = { ...requestData, typeConfiguration: OTHERS };
        return type.container.invoke<Answer>({ ...(event as object), requestData: later });
      };

      const created = await type.cloudFormation({ function: { invoke } }).create({
        UserName: userName,
      });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([]);
      expect(type.calls.map(({ action }) => action)).not.toContain('UpdateAccessKey');
    });

    it('a record that was written over does not lift MaxKeysPerUser', async () => {
      const first = await type.cloudFormation().create({ UserName: userName });
      const mine = type.newStack();
      const forged = { userName, ...mine, logicalResourceId: 'AccessKey', serial: 1 };
      await plant(`${PREFIX}/${idOf(first)}`, { ...forged, clientRequestToken: 'x' });

      const second = await type
        .cloudFormation({ ...mine, typeConfiguration: { MaxKeysPerUser: '1' } })
        .create({ UserName: userName, Serial: 2 });

      expect(second).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      expect(second.message).toContain('MaxKeysPerUser');
      expect(await idsOf()).toEqual([idOf(first)]);
    });
  });

  describe('on the guardrails', () => {
    it('a list that still says Active does not have a key switched on', async () => {
      const created = await type.cloudFormation().create({ UserName: userName });
      await type.setStatus(userName, idOf(created), 'Inactive');
      type.use(async (call, next) => {
        const answer = await next(call);
        return call.action === 'ListAccessKeys'
          ? { ...answer, body: answer.body.replaceAll('>Inactive<', '>Active<') }
          : answer;
      });

      await type
        .cloudFormation({ typeConfiguration: OTHERS })
        .update({ ...created.resourceModel }, { UserName: userName, Description: 'mine' });

      expect(type.calls.map(({ action }) => action)).not.toContain('UpdateAccessKey');
      type.allow();
      expect(await type.keysOf(userName)).toEqual([{ id: idOf(created), status: 'Inactive' }]);
    });

    it.each([
      ['arn:aws:iam::aws:policy/AdministratorAccess', 'AccessDenied'],
      ['arn:aws:iam::123456789012:policy/ci-boundary', 'SUCCESS'],
    ])('a boundary has to be one of the list: %s', async (PermissionsBoundary, ends) => {
      const command = { UserName: userName, PermissionsBoundary };
      await type.iam.send(new PutUserPermissionsBoundaryCommand(command));
      const typeConfiguration = {
        RequirePermissionsBoundary: ['arn:aws:iam::*:policy/ci-*'],
      };

      const created = await type
        .cloudFormation({ typeConfiguration })
        .create({ UserName: userName });

      expect(created.errorCode ?? created.status).toBe(ends);
      expect(await idsOf()).toHaveLength(ends === 'SUCCESS' ? 1 : 0);
    });

    it('a secret without the required tags takes no key', async () => {
      const { name: SecretId, arn } = await type.createSecret('initial');
      const typeConfiguration = { RequiredSecretTags: [{ Key: 'keys', Value: 'ci-*' }] };
      const create = () =>
        type.cloudFormation({ typeConfiguration }).create({ UserName: userName, SecretId });

      const refused = await create();
      const left = await idsOf();
      const Tags = [{ Key: 'keys', Value: 'ci-bot' }];
      await type.secretsManager.send(new TagResourceCommand({ SecretId: arn, Tags }));
      const created = await create();

      expect(refused).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(refused.message).toContain('RequiredSecretTags');
      expect(left).toEqual([]);
      expect(created.status).toBe('SUCCESS');
    });

    it.each([
      ['account', `:${ACCOUNT_ID}:`, ':999999999999:'],
      ['Region', `:${REGION}:`, ':eu-west-1:'],
    ])('a secret of another %s is no secret for it', async (_, own, others) => {
      const { name: SecretId } = await type.createSecret('initial');
      type.use(async (call, next) => {
        const answer = await next(call);
        return call.action === 'DescribeSecret'
          ? { ...answer, body: answer.body.replace(own, others) }
          : answer;
      });

      const created = await type.cloudFormation().create({ UserName: userName, SecretId });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(await idsOf()).toEqual([]);
    });

    it("somebody else's key that was imported is not deactivated or deleted", async () => {
      const foreign = await type.createForeignKey(userName);
      const stack = type.cloudFormation({ typeConfiguration: OTHERS });
      const imported = { Id: foreign, UserName: userName, Status: 'Active' };

      const outcomes = [
        await stack.update(imported, { UserName: userName, Status: 'Inactive' }),
        await stack.delete(foreign),
        await stack.delete(imported),
      ];

      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([{ id: foreign, status: 'Active' }]);
    });
  });

  describe('on MaxKeysPerUser: 1', () => {
    const typeConfiguration = { MaxKeysPerUser: '1' };

    it.each([1, 2, 3])('two resources that make a key at once get one, round %i', async () => {
      const containers = await Promise.all([type.startContainer(), type.startContainer()]);
      const { promise: bothAreThere, resolve } = Promise.withResolvers<undefined>();
      let waiting = 0;
      type.use(async (call, next) => {
        if (call.action !== 'CreateAccessKey') return next(call);
        waiting += 1;
        if (waiting === 2) resolve(undefined);
        await bothAreThere;
        return next(call);
      });

      const outcomes = await Promise.all(
        containers.map((container) =>
          type
            .cloudFormation({ typeConfiguration, function: container })
            .create({ UserName: userName }),
        ),
      );

      const codes = outcomes.map(({ errorCode, status }) => errorCode ?? status).sort();
      const made = outcomes.find(({ status }) => status === 'SUCCESS');
      expect(codes).toEqual(['SUCCESS', 'ServiceLimitExceeded'].sort());
      expect(await idsOf()).toEqual([idOf(made as Outcome)]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${idOf(made as Outcome)}`]);
    });

    it('a key that CloudFormation retained counts', async () => {
      const stack = type.cloudFormation({ typeConfiguration });
      await stack.create({ UserName: userName, Serial: 1 });
      const rotated = await stack.create({ UserName: userName, Serial: 2 });

      const third = await stack.create({ UserName: userName, Serial: 3 });

      expect(rotated.status).toBe('SUCCESS');
      expect(third).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      expect(third.message).toContain('MaxKeysPerUser');
    });
  });

  describe("with what is nobody's key", () => {
    it.each([
      'SecurityQuarantine1',
      'DatabasePassword1',
      'AKIA/../DatabasePass',
      'akiaiosfodnn7ex',
    ])('the id %s is of no key: no tag and no parameter of that name goes', async (Id) => {
      const isName = /^\w+$/.test(Id);
      await type.tag(userName, { [Id]: 'of somebody else' });
      if (isName) await plant(`${PREFIX}/${Id}`, { of: 'somebody else' });
      const model: Properties = { Id, UserName: userName };

      const outcomes = [
        await type.cloudFormation().read(Id),
        await type.cloudFormation().update(model, { ...model, Status: 'Inactive' }),
        await type.cloudFormation().delete(model),
      ];

      for (const outcome of outcomes) expect(outcome).toMatchObject({ errorCode: 'NotFound' });
      expect(type.calls).toEqual([]);
      expect(await type.tagsOf(userName)).toEqual({ [Id]: 'of somebody else' });
      if (isName) await type.deleteParameter(`${PREFIX}/${Id}`);
    });

    it('a version id that looks like ours does not make a key undeletable', async () => {
      const { name: SecretId } = await type.createSecret();
      const ClientRequestToken = 'org-iam-access-key-no.such.key.id!';
      const planted = { SecretId, ClientRequestToken, SecretString: 'planted' };
      await type.secretsManager.send(new PutSecretValueCommand(planted));
      const created = await type.cloudFormation().create({ UserName: userName, SecretId });

      const deleted = await type.cloudFormation().delete(idOf(created));

      expect([created.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
      expect(await idsOf()).toEqual([]);
      expect((await type.stagesOf(SecretId)).AWSCURRENT).toBe(ClientRequestToken);
    });

    it('a record that names a secret which is denied does not make a key undeletable', async () => {
      const created = await type.cloudFormation().create({ UserName: userName });
      const name = `${PREFIX}/${idOf(created)}`;
      await plant(name, { userName, secretId: 'of-another-team' });
      type.use(deny('secretsmanager:DescribeSecret'));

      const deleted = await type.cloudFormation().delete(idOf(created));

      expect(deleted.status).toBe('SUCCESS');
      expect([await idsOf(), await type.parameters()]).toEqual([[], []]);
    });
  });

  describe('on the log', () => {
    const FORGED = 'END SUCCESS, and nothing to see';

    it("AWS's answers and an event's values make no line of their own", async () => {
      type.use((call) =>
        refuse(call, 400, 'ValidationError', `no\r\n${FORGED}\u2028${FORGED}\u0085${FORGED}`),
      );
      const event = (action: string) => ({
        action,
        region: REGION,
        bearerToken: `token\n${FORGED}`,
        stackId: `arn\n${FORGED}`,
        requestData: {
          callerCredentials: { accessKeyId: 'ASIAATTACKER00000000', secretAccessKey: 'secret' },
          logicalResourceId: `Key\n${FORGED}`,
          resourceProperties: { UserName: userName, SecretId: `x\n${FORGED}` },
        },
      });

      const invoked = [
        await type.invoke(event('CREATE')),
        await type.invoke(event(`CREATE\n${FORGED}`)),
        await type.invoke({
          ...event('LIST'),
          requestData: {
            ...event('LIST').requestData,
            resourceProperties: { UserName: userName },
          },
        }),
      ];

      for (const { answer, logs } of invoked) {
        expect(answer.message).not.toMatch(/[\n\r\u2028\u0085]/);
        const lines = logs.flatMap((line) => line.split(/[\n\r\u2028\u0085]/));
        expect(lines.filter((line) => line.startsWith(FORGED))).toEqual([]);
        expect(lines).toHaveLength(logs.length);
      }
    });

    it.each([
      ['an access key id that ends the scope', { accessKeyId: 'ASIA/20260101/eu-west-1' }],
      ['an empty access key id', { accessKeyId: '' }],
      ['a secret with a line break', { secretAccessKey: 'secret\nx-amz-date: now' }],
      ['a session token with a line break', { sessionToken: 'token\r\nx: y' }],
      ['a session token that is no text', { sessionToken: 7 }],
    ])('credentials that cannot sign make no call: %s', async (_, change) => {
      const callerCredentials = {
        accessKeyId: 'ASIACALLER0000000000',
        secretAccessKey: 'secret-of-the-caller',
        sessionToken: 'token-of-the-caller',
        ...change,
      };

      const { answer } = await type.invoke({
        action: 'LIST',
        region: REGION,
        requestData: { callerCredentials, resourceProperties: {} },
      });

      expect(answer).toMatchObject({ status: 'FAILED', errorCode: 'InvalidCredentials' });
      expect(type.calls).toEqual([]);
    });
  });

  describe('on the secret', () => {
    const typeConfiguration = { RestrictSecretAccessKeyToStack: 'true' };
    const SHOWN = ['SecretAccessKey', 'SesSmtpPassword', 'SesSmtpEndpoint'];

    it.each([
      ['Cloud Control API, which knows no stack', { stackId: null }, {}],
      ['another stack, which imports the key', {}, {}],
      ['another resource of its stack', undefined, { logicalId: 'Other' }],
    ])('is shown to its own stack, and not to %s', async (_, stackId, options) => {
      const stack = type.newStack();
      const own = type.cloudFormation({ ...stack, typeConfiguration });
      const created = await own.create({ UserName: userName });
      const id = idOf(created);
      const asker = type.cloudFormation({ ...(stackId ?? stack), typeConfiguration });

      const shown = await own.read(id);
      const kept = await asker.read(id, options);
      const updated = await asker.update(
        { Id: id, UserName: userName },
        { UserName: userName, Description: 'mine' },
        options,
      );

      expect(Object.keys(created.resourceModel ?? {})).toEqual(expect.arrayContaining(SHOWN));
      expect(Object.keys(shown.resourceModel ?? {})).toEqual(expect.arrayContaining(SHOWN));
      expect([kept.status, updated.status]).toEqual(['SUCCESS', 'SUCCESS']);
      for (const { resourceModel } of [kept, updated])
        for (const name of SHOWN) expect(resourceModel).not.toHaveProperty(name);
    });

    it('is shown to whoever asks by id without the restriction', async () => {
      const created = await type.cloudFormation().create({ UserName: userName });

      const read = await type.cloudFormation({ stackId: null }).read(idOf(created));

      expect(read.resourceModel).toMatchObject({ SecretAccessKey: type.mintedSecrets[0] });
    });
  });

  it('an honest CREATE makes the calls that it always made', async () => {
    await type.cloudFormation().create({ UserName: userName });

    const [list, intent, ...rest] = type.calls.map(actionOf);
    expect([list, intent]).toEqual(['iam:ListAccessKeys', 'ssm:PutParameter']);
    expect(rest.slice(0, 2).sort()).toEqual(['iam:ListAccessKeys', 'ssm:GetParameters']);
    expect(rest.slice(2, 4)).toEqual(['iam:CreateAccessKey', 'ssm:PutParameter']);
    expect(rest.slice(4, 7).sort()).toEqual([
      'iam:ListAccessKeys',
      'ssm:GetParameters',
      'sts:GetCallerIdentity',
    ]);
    expect(rest.slice(7)).toEqual(['ssm:DeleteParameter']);
  });
});
