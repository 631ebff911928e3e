import { PutUserPermissionsBoundaryCommand } from '@aws-sdk/client-iam';
import { randomUUID } from 'node:crypto';
import type { Properties } from '../../../local/cloudformation.ts';
import { refuse, type Behaviour } from '../../support/aws-proxy.ts';
import { actionOf, firstTimes } from '../../support/behaviours.ts';
import { useLocalType } from '../../support/local-type.ts';

const PATHS = { AllowedUserPaths: ['/ci/*'] };
const ADMINISTRATOR_ACCESS = 'arn:aws:iam::aws:policy/AdministratorAccess';
const CI_BOUNDARY = 'arn:aws:iam::123456789012:policy/boundaries/ci';

/** The attacker has a stack, or Cloud Control API, and wants an active key of a user out of scope. */
describe('guardrails', () => {
  const type = useLocalType();
  const cloudFormation = (typeConfiguration?: Properties) =>
    type.cloudFormation({ stackId: 'stack', ...(typeConfiguration && { typeConfiguration }) });
  const statusesSent = () =>
    type.calls
      .filter((call) => actionOf(call) === 'iam:UpdateAccessKey')
      .map(({ parameters }) => parameters.Status);

  /** What an update of a key that the type made is answered, and what it does. */
  describe('before every step to Active', () => {
    let userName: string;
    let id: string;

    beforeEach(async () => {
      userName = await type.createUser();
      const created = await cloudFormation().create({ UserName: userName });
      id = String(created.resourceModel?.Id);
    });

    /** IAM's list is seconds old: it shows the status from before. */
    const listAs =
      (status: string): Behaviour =>
      async (call, next) => {
        const answer = await next(call);
        if (call.action !== 'ListAccessKeys') return answer;
        return { ...answer, body: answer.body.replaceAll(/<Status>\w+</g, `<Status>${status}<`) };
      };
    const update = (from: Properties, to: Properties, typeConfiguration: Properties = PATHS) =>
      cloudFormation(typeConfiguration).update(
        { Id: id, UserName: userName, ...from },
        { UserName: userName, ...to },
      );

    it.each([{ Status: 'Active' }, {}])(
      'they are asked where the list still says Active: %j',
      async (desired) => {
        await type.setStatus(userName, id, 'Inactive');
        type.use(listAs('Active'));

        const updated = await update({ Status: 'Inactive' }, desired);

        expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
        expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
      },
    );

    it('they are asked by an UPDATE without a previous model', async () => {
      await type.setStatus(userName, id, 'Inactive');

      const { invoke } = type.container;
      const updated = await type
        .cloudFormation({
          stackId: null,
          typeConfiguration: PATHS,
          function: {
            invoke: (event) => {
              const { requestData, ...rest } = event as { requestData: object };
              const data = { ...requestData, previousResourceProperties: null };
              return invoke({ ...rest, requestData: data });
            },
          },
        })
        .update({ Id: id }, { UserName: userName, Status: 'Active' });

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    });

    it.each<[string, Properties, Properties]>([
      ['the description alone', {}, { Description: 'new' }],
      [
        'the description, with Status in both',
        { Status: 'Active' },
        { Status: 'Active', Description: 'new' },
      ],
      ['nothing', { Status: 'Active' }, {}],
    ])(
      'no key that was switched off by hand is switched on by an UPDATE of %s',
      async (_, from, to) => {
        await type.setStatus(userName, id, 'Inactive');

        const outcomes = [await update(from, to, {}), await update(from, to)];

        expect(outcomes.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS']);
        expect(outcomes[0]?.resourceModel?.Status).toBe('Inactive');
        expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
        expect(statusesSent()).toEqual([]);
        expect(Object.values(await type.tagsOf(userName))).toEqual(
          to.Description === undefined ? [] : ['new'],
        );
      },
    );

    it('no key is switched on where the list is late', async () => {
      await type.setStatus(userName, id, 'Inactive');
      type.use(listAs('Active'));

      const updated = await update({}, { Description: 'new' });

      expect(updated.status).toBe('SUCCESS');
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    });

    it('no status is sent that IAM has already', async () => {
      const updated = await update({}, { Description: 'new' });

      expect(updated.status).toBe('SUCCESS');
      expect(statusesSent()).toEqual([]);
    });
  });

  it('leave a key off that is switched off while CREATE waits', async () => {
    const userName = await type.createUser();
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
      const [key] = await type.keysOf(userName);
      await type.setStatus(userName, String(key?.id), 'Inactive');
      const later = { ...requestData, typeConfiguration: PATHS };
      return type.container.invoke<Answer>({ ...(event as object), requestData: later });
    };

    const created = await type
      .cloudFormation({ function: { invoke } })
      .create({ UserName: userName });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(await type.keysOf(userName)).toEqual([]);
    expect(statusesSent()).toEqual([]);
  });

  describe('hold for a token that is used again', () => {
    it('after its user left the scope: the key stays as it is', async () => {
      const userName = await type.createUser();
      const token = randomUUID();
      const created = await cloudFormation().create({ UserName: userName }, { token });
      const id = String(created.resourceModel?.Id);
      await type.setStatus(userName, id, 'Inactive');

      const again = await cloudFormation(PATHS).create({ UserName: userName }, { token });
      const withId = await cloudFormation(PATHS).create({ UserName: userName, Id: id }, { token });

      expect([again.errorCode, withId.errorCode]).toEqual(['AccessDenied', 'AccessDenied']);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
      expect(await type.parameters()).toHaveLength(1);
    });

    it('for another user in scope: no key of the first one is touched', async () => {
      const administrator = await type.createUser();
      const userName = await type.createUser(undefined, { Path: '/ci/' });
      const token = randomUUID();
      const created = await cloudFormation().create({ UserName: administrator }, { token });
      const id = String(created.resourceModel?.Id);

      const again = await cloudFormation(PATHS).create({ UserName: userName }, { token });
      const withId = await cloudFormation(PATHS).create({ UserName: userName, Id: id }, { token });

      expect(again.status).toBe('SUCCESS');
      expect(withId).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(await type.keysOf(administrator)).toEqual([{ id, status: 'Active' }]);
    });
  });

  describe('RequirePermissionsBoundary', () => {
    const bound = async (PermissionsBoundary?: string) => {
      const userName = await type.createUser();
      if (PermissionsBoundary !== undefined)
        await type.iam.send(
          new PutUserPermissionsBoundaryCommand({ UserName: userName, PermissionsBoundary }),
        );
      return userName;
    };
    const LIST = { RequirePermissionsBoundary: [CI_BOUNDARY, 'arn:aws:iam::*:policy/partners/*'] };

    it.each<[string, Properties, string | undefined]>([
      ['AdministratorAccess', LIST, ADMINISTRATOR_ACCESS],
      ['a boundary that begins alike', LIST, `${CI_BOUNDARY}-admin`],
      ['a boundary that ends alike', LIST, `x${CI_BOUNDARY}`],
      ['a boundary in another case', LIST, CI_BOUNDARY.toUpperCase()],
      ['a boundary of another account', LIST, CI_BOUNDARY.replace('123456789012', '210987654321')],
      ['no boundary', LIST, undefined],
      ['no boundary, for any will do', { RequirePermissionsBoundary: 'true' }, undefined],
      ['no boundary, for * will do', { RequirePermissionsBoundary: ['*'] }, undefined],
    ])('refuses a user with %s', async (_, typeConfiguration, boundary) => {
      const userName = await bound(boundary);

      const created = await cloudFormation(typeConfiguration).create({ UserName: userName });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(created.message).toContain('RequirePermissionsBoundary');
      expect(await type.allKeys()).toEqual([]);
      expect(type.mintedSecrets).toEqual([]);
    });

    it.each<[string, Properties, string]>([
      ['the boundary of the list', LIST, CI_BOUNDARY],
      ['one that a pattern admits', LIST, 'arn:aws:iam::210987654321:policy/partners/a'],
      ['any one', { RequirePermissionsBoundary: 'true' }, ADMINISTRATOR_ACCESS],
    ])('admits a user with %s', async (_, typeConfiguration, boundary) => {
      const userName = await bound(boundary);

      const created = await cloudFormation(typeConfiguration).create({ UserName: userName });

      expect(created.status).toBe('SUCCESS');
    });

    it('does not let a key be activated whose user has another boundary by now', async () => {
      const userName = await bound(ADMINISTRATOR_ACCESS);
      const created = await cloudFormation().create({ UserName: userName, Status: 'Inactive' });
      const id = String(created.resourceModel?.Id);

      const updated = await cloudFormation(LIST).update(
        { Id: id, UserName: userName, Status: 'Inactive' },
        { UserName: userName },
      );

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    });

    it.each([
      { value: [] },
      { value: CI_BOUNDARY },
      { value: [''] },
      { value: [7] },
      { value: [{ Arn: CI_BOUNDARY }] },
      { value: 'True' },
      { value: 1 },
    ])('is an error of the type configuration where it is $value', async ({ value }) => {
      const userName = await bound(ADMINISTRATOR_ACCESS);

      const created = await cloudFormation({ RequirePermissionsBoundary: value }).create({
        UserName: userName,
      });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidTypeConfiguration' });
      expect(type.calls).toEqual([]);
    });
  });
});
