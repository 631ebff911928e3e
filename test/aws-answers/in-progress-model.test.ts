import { randomUUID } from 'node:crypto';
import type { CloudFormation, Outcome, Properties } from '../../local/cloudformation.ts';
import { refuse } from '../support/aws-proxy.ts';
import { firstTimes, staleOnce } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

const STACK = 'arn:aws:cloudformation:us-east-1:123456789012:stack/in-progress/1';

describe('the model of an IN_PROGRESS', () => {
  const type = useLocalType();
  let userName: string;
  let token: string;
  let template: Properties;

  beforeEach(async () => {
    userName = await type.createUser();
    token = randomUUID();
    template = {
      UserName: userName,
      Serial: 3,
      Status: 'Active',
      Description: 'for the nightly build',
    };
  });

  const stack = () => type.cloudFormation({ stackId: STACK });

  /** STS does not accept a new key at once. */
  const delayAcceptance = (times = 1) => {
    const unknown = 'The security token included in the request is invalid.';
    type.use(
      firstTimes(times, 'sts:GetCallerIdentity', (call) =>
        refuse(call, 403, 'InvalidClientTokenId', unknown),
      ),
    );
  };

  /** The first event of what `act` does, and what the type answers to it alone. */
  const sendFirst = async (act: (stack: CloudFormation) => Promise<Outcome>) => {
    let event: unknown;
    const nobody = {
      invoke: (sent: unknown) => {
        event = sent;
        return Promise.resolve({
          answer: { status: 'SUCCESS' },
          logs: [],
          milliseconds: 0,
        }) as never;
      },
    };
    await act(type.cloudFormation({ stackId: STACK, function: nobody }));
    const { answer } = await type.invoke(event);
    return answer;
  };

  it("is the template's, with the id and without the secret", async () => {
    delayAcceptance();

    const created = await stack().create(template, { token });

    const [first] = created.events;
    expect(created.status).toBe('SUCCESS');
    expect(first).toMatchObject({ status: 'IN_PROGRESS' });
    expect(first?.resourceModel).toEqual({ ...template, Id: created.resourceModel?.Id });
    expect(created.resourceModel).not.toHaveProperty('Serial');
  });

  it("is the template's where the key goes into a secret", async () => {
    const { name: SecretId } = await type.createSecret('what was there before');
    type.use(staleOnce('iam:ListAccessKeys', 'iam:CreateAccessKey'));

    const delivery = { SecretId, SecretKeys: { AccessKeyId: 'user' }, SesRegion: 'eu-west-1' };
    const created = await stack().create({ ...template, ...delivery }, { token });

    const [first] = created.events;
    expect(created.status).toBe('SUCCESS');
    expect(first?.resourceModel).toEqual({
      ...template,
      ...delivery,
      Id: created.resourceModel?.Id,
    });
  });

  it('of UPDATE is what was asked for', async () => {
    const created = await stack().create(template, { token });
    const model = { ...template, Id: created.resourceModel?.Id };
    type.use(staleOnce('iam:ListAccessKeys', 'iam:UpdateAccessKey'));

    const updated = await stack().update(model, { ...template, Status: 'Inactive' });

    expect(updated.status).toBe('SUCCESS');
    expect(updated.events).toHaveLength(2);
    expect(updated.events[0]?.resourceModel).toEqual({ ...model, Status: 'Inactive' });
  });

  it('and its token are enough to go on, without the callback context', async () => {
    delayAcceptance(2);
    const first = await sendFirst((each) => each.create(template, { token }));
    const id = first.resourceModel?.Id;

    const resumed = await stack().create(first.resourceModel ?? {}, { token });

    expect(first.status).toBe('IN_PROGRESS');
    expect(resumed).toMatchObject({
      status: 'SUCCESS',
      resourceModel: { Id: id, SecretAccessKey: type.mintedSecrets[0] },
    });
    expect(type.mintedSecrets).toHaveLength(1);
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${String(id)}`]);
  });

  it('and its token are enough when the key is done', async () => {
    delayAcceptance();
    const created = await stack().create(template, { token });

    const again = await stack().create(created.events[0]?.resourceModel ?? {}, { token });

    expect(again).toMatchObject({ status: 'SUCCESS', resourceModel: created.resourceModel ?? {} });
    expect(type.mintedSecrets).toHaveLength(1);
  });

  describe('with an id that is not of its token', () => {
    let before: string[];

    beforeEach(async () => {
      before = await type.parameters();
    });

    const expectRefused = async (created: Outcome, id: unknown) => {
      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain('Id');
      expect(await type.keysOf(userName)).toEqual(
        id === undefined ? [] : [{ id, status: 'Active' }],
      );
      expect((await type.parameters()).filter((name) => !before.includes(name))).toEqual([]);
    };

    it('is refused where there is no such key', async () => {
      const model = { ...template, Id: 'AKIAUNKNOWNUNKNOWN00' };

      await expectRefused(await stack().create(model, { token }), undefined);
    });

    it('is refused where somebody else made the key', async () => {
      const id = await type.createForeignKey(userName);

      await expectRefused(await stack().create({ ...template, Id: id }, { token }), id);
    });

    it('is refused where another token made the key', async () => {
      const created = await stack().create(template, { token });
      const Id = created.resourceModel?.Id;
      before = await type.parameters();

      await expectRefused(await stack().create({ ...template, Id }, { token: randomUUID() }), Id);
      expect(await type.parameters()).toContain(`${PREFIX}/${String(Id)}`);
    });
  });
});
