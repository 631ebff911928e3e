import { useLocalType } from '../support/local-type.ts';

const NARROWED = { AllowedUserNames: ['nobody-*'] };

describe('a roll-back', () => {
  const type = useLocalType();
  let userName: string;
  let id: string;

  beforeEach(async () => {
    userName = await type.createUser();
    const created = await type.cloudFormation().create({ UserName: userName, Status: 'Inactive' });
    id = String(created.resourceModel?.Id);
  });

  const activate = (options?: { rollback: boolean }) =>
    type
      .cloudFormation({ typeConfiguration: NARROWED })
      .update(
        { Id: id, UserName: userName, Status: 'Inactive' },
        { UserName: userName, Status: 'Active' },
        options,
      );

  it('makes a key active again that guardrails would refuse', async () => {
    const updated = await activate({ rollback: true });

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Active' } });
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
  });

  it.each([undefined, { rollback: false }])(
    'is not what an event says with %j',
    async (options) => {
      const updated = await activate(options);

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    },
  );

  it('makes no new key that guardrails refuse', async () => {
    const created = await type
      .cloudFormation({ typeConfiguration: NARROWED })
      .create({ UserName: userName }, { rollback: true });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(await type.keysOf(userName)).toHaveLength(1);
  });
});
