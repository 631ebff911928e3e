import type { Outcome, Properties } from '../../../local/cloudformation.ts';
import { PREFIX, useLocalType } from '../../support/local-type.ts';
import { useAttacker } from './attacker.ts';

const SECRETS = ['SecretAccessKey', 'SesSmtpPassword', 'SesSmtpEndpoint'];
const SHOWN = new Set(['Id', 'UserName', 'Status', 'CreateDate']);

/**
 * The attacker has Cloud Control API, ReadOnlyAccess perhaps, or a stack that imports the key, and
 * asks for a secret that another stack's key has.
 */
describe('RestrictSecretAccessKeyToStack', () => {
  const type = useLocalType();
  const attacker = useAttacker(type);
  const owner = 'arn:aws:cloudformation:us-east-1:123456789012:stack/owner/1';
  let userName: string;
  let id: string;

  beforeEach(async () => {
    userName = await type.createUser();
    const created = await cloudFormation(owner).create({ UserName: userName });
    id = String(created.resourceModel?.Id);
  });

  const cloudFormation = (stackId: string | null, value: unknown = 'true') =>
    type.cloudFormation({ stackId, typeConfiguration: { RestrictSecretAccessKeyToStack: value } });
  const secretsOf = ({ status, resourceModel }: Outcome): string[] => {
    expect(status).toBe('SUCCESS');
    return SECRETS.filter((name) => resourceModel && name in resourceModel);
  };

  const strangers: [string, string | null, string | undefined][] = [
    ['Cloud Control, which knows no stack', null, undefined],
    ['Cloud Control, in the name of the logical id', null, 'AccessKey'],
    ['a stack that imported the key', attacker.stackId, 'AccessKey'],
    ['another resource of the stack', owner, 'Imported'],
    ['a resource of the stack without a logical id', owner, ''],
    ['a logical id in another case', owner, 'accesskey'],
    ['a stack whose id begins alike', `${owner}2`, 'AccessKey'],
    ['a stack in another case', owner.toUpperCase(), 'AccessKey'],
    ['an empty stack id', '', 'AccessKey'],
  ];

  it.each(strangers)('shows it in no answer to %s', async (_, stackId, logicalId) => {
    for (const value of ['true', true]) {
      const stack = cloudFormation(stackId, value);
      const options = logicalId === undefined ? {} : { logicalId };

      const outcomes = [
        await stack.read(id, options),
        await stack.read({ Id: id, UserName: userName }, options),
        await stack.update({ Id: id }, { Description: 'mine' }, options),
        await stack.update({ Id: id, UserName: userName }, { UserName: userName }, options),
      ];

      for (const outcome of outcomes) {
        expect(secretsOf(outcome)).toEqual([]);
        const others = Object.keys(outcome.resourceModel ?? {}).filter((name) => !SHOWN.has(name));
        expect(others.filter((name) => name !== 'Description')).toEqual([]);
        expect(JSON.stringify(outcome.events)).not.toContain(type.mintedSecrets[0]);
      }
    }
  });

  it('shows it to its own stack, in READ and UPDATE', async () => {
    const stack = cloudFormation(owner);

    const outcomes = [
      await stack.read(id),
      await stack.update({ Id: id, UserName: userName }, { UserName: userName }),
    ];

    for (const outcome of outcomes) {
      expect(secretsOf(outcome)).toEqual(SECRETS);
      expect(outcome.resourceModel?.SecretAccessKey).toBe(type.mintedSecrets[0]);
    }
  });

  it('shows it to its own stack in CREATE, a replayed one and a rotation too', async () => {
    const stack = cloudFormation(owner);
    const next = { UserName: userName, Serial: 2 };

    const rotated = await stack.create(next, { token: 'token-of-the-rotation' });
    const again = await stack.create(next, { token: 'token-of-the-rotation' });
    const old = await stack.read(id);

    for (const outcome of [rotated, again, old]) expect(secretsOf(outcome)).toEqual(SECRETS);
  });

  it('shows a key that Cloud Control made to nobody, itself included', async () => {
    const other = await type.createUser();
    const created = await cloudFormation(null).create({ UserName: other });
    const made = String(created.resourceModel?.Id);

    const outcomes = [
      created,
      await cloudFormation(null).read(made),
      await cloudFormation(null).update({ Id: made }, { Description: 'mine' }),
      await cloudFormation(attacker.stackId).read(made),
    ];

    expect(outcomes.map(secretsOf)).toEqual([[], [], [], []]);
  });

  it('LIST shows it to nobody', async () => {
    for (const stackId of [null, attacker.stackId, owner]) {
      const listed = await cloudFormation(stackId).list();
      expect(JSON.stringify(listed.resourceModels)).not.toContain(type.mintedSecrets[0]);
    }
  });

  it('gives nothing away to whoever writes over the record without knowing it', async () => {
    const { stackId } = attacker;
    const known = { userName, clientRequestToken: 'x', stackId, logicalResourceId: 'AccessKey' };
    await attacker.plant(id, { ...known, secretAccessKey: 'planted'.padEnd(40, 'x') });

    const read = await cloudFormation(stackId).read(id);

    expect(JSON.stringify(read)).not.toContain(type.mintedSecrets[0]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
  });

  it.each<[string, Properties | undefined]>([
    ['it is not set', undefined],
    ['it is false', { RestrictSecretAccessKeyToStack: 'false' }],
  ])('leaves the secret to whoever reads the resource where %s', async (_, typeConfiguration) => {
    const read = await type
      .cloudFormation({ stackId: null, ...(typeConfiguration && { typeConfiguration }) })
      .read(id);

    expect(secretsOf(read)).toEqual(SECRETS);
  });

  it('shows nothing where ExposeSecretAccessKey is false, to the own stack neither', async () => {
    const read = await type
      .cloudFormation({
        stackId: owner,
        typeConfiguration: {
          RestrictSecretAccessKeyToStack: 'true',
          ExposeSecretAccessKey: 'false',
        },
      })
      .read(id);

    expect(secretsOf(read)).toEqual([]);
  });

  it.each(['TRUE', 'yes', '', 1, [true]])(
    'is an error of the type configuration where it is %j',
    async (value) => {
      const read = await cloudFormation(null, value).read(id);

      expect(read).toMatchObject({ status: 'FAILED', errorCode: 'InvalidTypeConfiguration' });
    },
  );
});
