import { randomUUID } from 'node:crypto';
import type { LocalFunction } from '../../../local/lambda-container.ts';
import type { Properties } from '../../../local/cloudformation.ts';
import { actionOf, ageKeys } from '../../support/behaviours.ts';
import { PREFIX, useLocalType } from '../../support/local-type.ts';
import { intentOf, useAttacker, type Planted } from './attacker.ts';

const IN_SCOPE = { AllowedUserPaths: ['/ci/*'] };
const ID = 'AKIAIOSFODNN7EXAMPLE';

/** The attacker knows the token of a CREATE, of a stack of their own perhaps, and plants parameters. */
describe('a planted parameter', () => {
  const type = useLocalType();
  const attacker = useAttacker(type);
  let token: string;
  let userName: string;

  beforeEach(async () => {
    token = randomUUID();
    userName = await type.createUser(undefined, { Path: '/ci/' });
  });

  const create = (properties: Properties, container?: LocalFunction, knownToken = token) =>
    type
      .cloudFormation({
        stackId: attacker.stackId,
        typeConfiguration: IN_SCOPE,
        ...(container && { function: container }),
      })
      .create(properties, { token: knownToken });

  const rightRecord = (planted: Planted = {}): Planted => ({
    userName,
    secretAccessKey: 'x'.repeat(40),
    clientRequestToken: token,
    stackId: attacker.stackId,
    logicalResourceId: 'AccessKey',
    ...planted,
  });
  const rightIntent = (planted: Planted = {}): Planted => ({
    attemptId: randomUUID(),
    userName,
    stackId: attacker.stackId,
    logicalResourceId: 'AccessKey',
    accessKeyIds: [],
    ...planted,
  });

  describe('for a CREATE for a user out of scope', () => {
    let administrator: string;
    let foreign: string;

    beforeEach(async () => {
      administrator = await type.createUser();
      foreign = await type.createForeignKey(administrator);
    });

    const expectUntouched = async () => {
      expect(await type.keysOf(administrator)).toEqual([{ id: foreign, status: 'Active' }]);
      expect(type.mintedSecrets).toHaveLength(1);
      const changes = type.calls.map(actionOf).filter((action) => /^iam:(?!Get|List)/.test(action));
      expect(changes).toEqual([]);
    };

    it.each<[string, string | (() => Planted)]>([
      ['an empty object', '{}'],
      ['an empty list', '[]'],
      ['null', 'null'],
      ['no JSON', 'let me in'],
      ['an intent of this very CREATE', () => rightIntent({ userName: administrator })],
      [
        'an intent that has the key discarded',
        () => rightIntent({ userName: administrator, discarding: foreign }),
      ],
      ['an intent for a user in scope', () => rightIntent()],
    ])('makes no key: %s as its intent', async (_, intent) => {
      await attacker.plant(intentOf(token), typeof intent === 'string' ? intent : intent());

      const created = await create({ UserName: administrator });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      await expectUntouched();
    });

    it.each<[string, Properties]>([
      ['guardrails alone refuse', {}],
      ['its secret is not there either', { SecretId: 'no-such-secret' }],
      ['it asks for an inactive key', { Status: 'Inactive' }],
    ])('deletes no key that record and intent call its own, where %s', async (_, properties) => {
      const secretId = properties.SecretId as string | undefined;
      await attacker.plant(intentOf(token), rightIntent({ userName: administrator, secretId }));
      await attacker.plant(foreign, rightRecord({ userName: administrator, secretId }));

      for (let round = 0; round < 3; round += 1) {
        const created = await create({ UserName: administrator, ...properties });
        expect(created.status).toBe('FAILED');
        expect(['AccessDenied', 'InvalidRequest']).toContain(created.errorCode);
      }

      await expectUntouched();
      expect(await attacker.find(foreign)).toBeDefined();
    });

    it.each<[string, Properties]>([
      ['inactive', { Status: 'Inactive' }],
      ['described', { Description: 'mine' }],
      ['its own', {}],
      ['that of a secret', { SecretId: 'secret' }],
    ])('makes no key %s that comes as the Id of the CREATE', async (_, properties) => {
      const secret = await type.createSecret('mine');
      const SecretId = 'SecretId' in properties ? secret.name : undefined;
      await attacker.plant(foreign, rightRecord({ userName: administrator, secretId: SecretId }));

      const created = await create({
        UserName: administrator,
        Id: foreign,
        ...properties,
        SecretId,
      });

      expect(created.status).toBe('FAILED');
      expect(['AccessDenied', 'InvalidRequest']).toContain(created.errorCode);
      await expectUntouched();
      expect(await type.tagsOf(administrator)).toEqual({});
    });

    it('switches no key on that is inactive', async () => {
      await type.setStatus(administrator, foreign, 'Inactive');
      await attacker.plant(foreign, rightRecord({ userName: administrator }));

      const outcomes = [
        await create({ UserName: administrator }),
        await create({ UserName: administrator, Id: foreign }),
      ];

      expect(outcomes.map(({ errorCode }) => errorCode)).toEqual(['AccessDenied', 'AccessDenied']);
      expect(await type.keysOf(administrator)).toEqual([{ id: foreign, status: 'Inactive' }]);
    });
  });

  describe('that calls a foreign key the result of a CREATE for its user', () => {
    const expectKeyBesides = async (foreign: string, record: string, properties: Properties) => {
      await attacker.plant(foreign, record);

      const created = await create({ UserName: userName, ...properties });

      const id = String(created.resourceModel?.Id);
      expect(created.status).toBe('SUCCESS');
      expect(id).not.toBe(foreign);
      expect(await type.keysOf(userName)).toEqual(
        expect.arrayContaining([
          { id: foreign, status: 'Active' },
          { id, status: 'Active' },
        ]),
      );
      expect(await attacker.find(foreign)).toBe(record);
      expect(await type.parameters()).toHaveLength(2);
    };

    it.each<[string, Planted]>([
      ['in another stack', { stackId: 'arn:aws:cloudformation:us-east-1:1:stack/other/1' }],
      ['in no stack', { stackId: undefined }],
      ['under another logical id', { logicalResourceId: 'Other' }],
      ['under no logical id', { logicalResourceId: undefined }],
      ['for another user', { userName: 'another' }],
      ['for nobody', { userName: undefined }],
      ['in a secret', { secretId: 'secret' }],
      ['with another token', { clientRequestToken: 'another' }],
      ['with a list for its token', { clientRequestToken: ['token'] }],
    ])('is not believed %s', async (_, planted) => {
      const foreign = await type.createForeignKey(userName);

      await expectKeyBesides(foreign, JSON.stringify(rightRecord(planted)), {});
    });

    it('is not believed with nothing but the token', async () => {
      const foreign = await type.createForeignKey(userName);

      await expectKeyBesides(foreign, JSON.stringify({ clientRequestToken: token }), {});
    });

    it('is not believed where it was written over', async () => {
      const foreign = await type.createForeignKey(userName);
      await attacker.plant(foreign, '{}');

      await expectKeyBesides(foreign, JSON.stringify(rightRecord()), {});
    });

    it('is not believed of a key that is not in the secret', async () => {
      const { name: SecretId } = await type.createSecret('before');
      const foreign = await type.createForeignKey(userName);
      const record = { ...rightRecord({ secretId: SecretId }), secretAccessKey: undefined };

      await expectKeyBesides(foreign, JSON.stringify(record), { SecretId });
      expect(await type.secretValue(SecretId)).not.toContain(foreign);
    });
  });

  it.each(['{}', '[]', 'let me in'])(
    'as the intent %s of a CREATE in scope leaves the keys of others alone',
    async (intent) => {
      const foreign = await type.createForeignKey(userName);
      await attacker.plant(intentOf(token), intent);

      const created = await create({ UserName: userName });

      const id = String(created.resourceModel?.Id);
      expect(created.status).toBe('SUCCESS');
      expect((await type.keysOf(userName)).map((key) => key.id).sort()).toEqual(
        [foreign, id].sort(),
      );
      expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
    },
  );

  // Side by side, as each of them waits 20 seconds for what may have been made.
  it('has nothing discarded that is not of its CREATE', async () => {
    const [other, another] = [await type.createUser(), await type.createUser()];
    const [ofOther, recorded, used] = [
      await type.createForeignKey(other),
      await type.createForeignKey(another),
      await type.createForeignKey(userName),
    ];
    await attacker.plant(recorded, rightRecord({ userName: another, clientRequestToken: 'x' }));
    await attacker.plant('DatabasePassword1', 'hunter2');
    await attacker.plant('pending/0123456789abcdef', '{}');
    const tagged = ['SecurityQuarantine1', 'costCenter.of-the-team'];
    for (const key of tagged) await type.tag(userName, { [key]: 'stays' });
    const keys = await type.allKeys();
    const parameters = await type.parameters();
    type.use(async (call, next) => {
      const answer = await next(call);
      if (call.action !== 'GetAccessKeyLastUsed' || call.parameters.AccessKeyId !== used)
        return answer;
      const date = `<LastUsedDate>${new Date().toISOString()}</LastUsedDate>`;
      return {
        ...answer,
        body: answer.body
          .replace(/<LastUsedDate>.*?<\/LastUsedDate>/, '')
          .replace('<AccessKeyLastUsed>', `<AccessKeyLastUsed>${date}`),
      };
    });

    const discarded = [
      ofOther,
      recorded,
      used,
      ID,
      ...tagged,
      'DatabasePassword1',
      'pending/0123456789abcdef',
      '../../../other/parameter',
    ];
    const outcomes = await Promise.all(
      discarded.map(async (discarding) => {
        const knownToken = randomUUID();
        const own =
          discarding === used ? userName : await type.createUser(undefined, { Path: '/ci/' });
        if (tagged.includes(discarding)) await type.tag(own, { [discarding]: 'stays' });
        const intent = rightIntent({ userName: own, discarding });
        await attacker.plant(intentOf(knownToken), intent);
        const created = await create(
          { UserName: own, Description: 'mine' },
          await type.startContainer(),
          knownToken,
        );
        const tags = await type.tagsOf(own);
        const isTagKept = !tagged.includes(discarding) || tags[discarding] === 'stays';
        return { discarding, status: created.status, isTagKept };
      }),
    );

    expect(outcomes).toEqual(
      discarded.map((discarding) => ({ discarding, status: 'SUCCESS', isTagKept: true })),
    );
    expect(await type.allKeys()).toEqual(expect.arrayContaining(keys));
    expect(await type.parameters()).toEqual(expect.arrayContaining(parameters));
  });

  it('has no key of its own user discarded that is older than any CREATE', async () => {
    const foreign = await type.createForeignKey(userName);
    type.use(ageKeys);
    await attacker.plant(intentOf(token), rightIntent({ discarding: foreign }));

    const created = await create({ UserName: userName });

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toContainEqual({ id: foreign, status: 'Active' });
  });
});
