import {
  DeleteParameterCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { breakKms, limitPutParameter } from './behaviours.ts';
import { newCredentials, REGION, useLocalType } from './local-type.ts';

/** What the other tests rely on: where Parameter Store is stricter than moto, they run against this. */
describe('strict Parameter Store', () => {
  const type = useLocalType();
  let caller: SSMClient;
  let names: string[];

  beforeEach(() => {
    caller = new SSMClient({
      endpoint: type.proxy.endpoint,
      region: REGION,
      credentials: newCredentials('caller'),
      maxAttempts: 1,
    });
    names = ['one', 'two'].map((name) => `/strict/${randomUUID()}/${name}`);
  });
  afterEach(async () => {
    type.allow();
    caller.destroy();
    for (const name of await type.parameters()) await type.deleteParameter(name);
  });

  const put = (Name = names[0], KeyId?: string) =>
    caller.send(
      new PutParameterCommand({
        Name,
        Value: 'a secret',
        Type: 'SecureString',
        KeyId,
        Overwrite: true,
      }),
    );
  const get = async (WithDecryption = true) => {
    const command = new GetParametersCommand({ Names: names, WithDecryption });
    const { Parameters = [] } = await caller.send(command);
    return Parameters;
  };
  const remove = () => caller.send(new DeleteParameterCommand({ Name: names[0] }));

  it('says when a parameter was last written', async () => {
    await put();
    const [first] = await get();
    await sleep(5);
    const before = Date.now();
    await put();

    const [second] = await get();

    expect(first?.LastModifiedDate?.getTime()).toBeLessThan(before);
    expect(second?.LastModifiedDate?.getTime()).toBeGreaterThanOrEqual(before);
  });

  it('shows nobody the value of what is not decrypted', async () => {
    await put();

    const [sealed] = await get(false);

    expect(sealed).toMatchObject({ Name: names[0], Type: 'SecureString' });
    expect(sealed?.Value).not.toContain('a secret');
  });

  it.each([
    ['disabled', 'InvalidKeyId', /is disabled\. .*DisabledException/],
    ['pending deletion', 'InvalidKeyId', /is pending deletion\. .*KMSInvalidStateException/],
    ['denied', 'AccessDeniedException', /not authorized to perform: kms:Decrypt on resource: arn:/],
    ['hidden', 'AccessDeniedException', /^The ciphertext refers to a customer master key/],
  ] as const)(
    'fails a whole call for one parameter whose KMS key is %s',
    async (fault, name, message) => {
      for (const [index, parameter] of names.entries()) await put(parameter, `alias/${index}`);
      type.use(breakKms(fault, ({ keyId }) => keyId === 'alias/1'));

      await expect(get()).rejects.toMatchObject({
        name,
        message: expect.stringMatching(message),
        $metadata: { httpStatusCode: 400 },
      });
      await expect(put(names[0], 'alias/1')).rejects.toMatchObject({ name });
      expect(await get(false)).toHaveLength(2);
      await expect(put(names[1], 'alias/0')).resolves.toBeDefined();
      expect(await get()).toHaveLength(2);
    },
  );

  it('deletes what it cannot decrypt', async () => {
    await put();
    type.use(breakKms('pending deletion', ({ name }) => name === names[0]));

    await remove();

    expect(await type.parameters()).toEqual([]);
  });

  it('takes a burst of PutParameter, and then what its rate gives', async () => {
    type.use(limitPutParameter());
    const putAll = async (count: number) =>
      (await Promise.allSettled(Array.from({ length: count }, () => put()))).filter(
        ({ status }) => status === 'fulfilled',
      ).length;

    expect(await putAll(44)).toBe(20);
    await expect(put()).rejects.toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      $metadata: { httpStatusCode: 400 },
    });
    await sleep(1_100);
    expect(await putAll(10)).toBe(3);
  });

  it('loses what is made again too soon after its deletion', async () => {
    await put();
    await remove();

    expect(await put()).toMatchObject({ Version: 1 });

    expect(await get()).toEqual([]);
    expect(await type.parameters()).toEqual([]);
    const [, other] = names;
    await put(other);
    expect(await type.parameters()).toEqual([other]);
  });

  it('keeps what is made again when its name has rested', async () => {
    type.parameterStore.restMs = 50;
    await put();
    await remove();
    await sleep(60);

    await put();

    expect(await type.parameters()).toEqual([names[0]]);
  });

  it.each(['/aws/x', '/AwSx/y', '/ssm/x', '/SSMs/y', 'awsome', 'Ssm'])(
    'takes no name such as %s',
    async (name) => {
      await expect(put(name)).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
      expect(await type.parameters()).toEqual([]);
    },
  );
});
