import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../local/cloudformation.ts';
import { refuse, type Answer, type Behaviour } from '../support/aws-proxy.ts';
import { actionOf, deny, firstTimes, loseAnswers, staleOnce } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

/** The IAM console shows a key's description from a tag of the user with the key's id as its key. */
describe('Description', () => {
  const type = useLocalType();
  const others = { team: 'platform', AKIAOTHERKEY00000000: 'of another key' };
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
    await type.tag(userName, others);
  });

  const create = (
    Description?: string,
    more: object = {},
    token: string = randomUUID(),
    cloudFormation = type.cloudFormation(),
  ) => cloudFormation.create({ UserName: userName, Description, ...more }, { token });
  const update = (Id: string, Description?: string, more: object = {}) =>
    type
      .cloudFormation()
      .update({ Id, UserName: userName }, { Id, UserName: userName, Description, ...more });
  const read = async (id: string) => (await type.cloudFormation().read(id)).resourceModel;
  const untouched = (description: Record<string, string> = {}) => ({ ...others, ...description });

  it('is written as a tag beside the others, and read back from the id alone', async () => {
    const created = await create('for the build server');

    const id = idOf(created);
    expect(created).toMatchObject({
      status: 'SUCCESS',
      resourceModel: { Description: 'for the build server' },
    });
    expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'for the build server' }));
    expect(await read(id)).toEqual(created.resourceModel);
  });

  it('is absent where the template sets none, and costs no call then', async () => {
    const created = await create();

    expect(created.status).toBe('SUCCESS');
    expect(created.resourceModel).not.toHaveProperty('Description');
    expect(type.calls.map(actionOf)).not.toContain('iam:TagUser');
    expect(await read(idOf(created))).not.toHaveProperty('Description');
    expect(await type.tagsOf(userName)).toEqual(others);
  });

  it('is changed without another key', async () => {
    const id = idOf(await create('old'));

    const updated = await update(id, 'new');

    expect(updated).toMatchObject({
      status: 'SUCCESS',
      resourceModel: { Id: id, Description: 'new', Status: 'Active' },
    });
    expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'new' }));
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
  });

  it('is changed together with the status', async () => {
    const id = idOf(await create('old'));

    const updated = await update(id, 'new', { Status: 'Inactive' });

    expect(updated).toMatchObject({
      status: 'SUCCESS',
      resourceModel: { Description: 'new', Status: 'Inactive' },
    });
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
  });

  it('is changed back although IAM still lists what it was before the change', async () => {
    const id = idOf(await create('old'));
    let listed: Answer | undefined;
    const listing: Behaviour = async (call, next) => {
      const answer = await next(call);
      if (actionOf(call) === 'iam:ListUserTags') listed = answer;
      return answer;
    };
    type.use(listing);
    await read(id);
    type.allow();
    await update(id, 'new');
    type.use(firstTimes(1, 'iam:ListUserTags', () => listed as unknown as Answer));

    const updated = await update(id, 'old');

    expect(updated.status).toBe('SUCCESS');
    expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'old' }));
  });

  it('is removed when it is taken out of the template', async () => {
    const id = idOf(await create('old'));

    const updated = await update(id);

    expect(updated.status).toBe('SUCCESS');
    expect(updated.resourceModel).not.toHaveProperty('Description');
    expect(await type.tagsOf(userName)).toEqual(others);
  });

  it('comes to a key that had none', async () => {
    const id = idOf(await create());

    const updated = await update(id, 'new');

    expect(updated.status).toBe('SUCCESS');
    expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'new' }));
  });

  it('is removed with its key, and nothing else is', async () => {
    const cloudFormation = type.cloudFormation();
    const id = idOf(await create('of this key'));
    const other = await cloudFormation.create({ UserName: userName, Description: 'of that key' });

    const deleted = await cloudFormation.delete(id);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.tagsOf(userName)).toEqual(untouched({ [idOf(other)]: 'of that key' }));
  });

  it.each([
    ['changed', 'by hand'],
    ['removed', undefined],
  ])('shows as drift when it is %s behind its back', async (_, value) => {
    const id = idOf(await create('of the template'));

    if (value === undefined) await type.untag(userName, id);
    else await type.tag(userName, { [id]: value });

    expect((await read(id))?.Description).toBe(value);
  });

  it('is corrected by an UPDATE that changes nothing in the template', async () => {
    const id = idOf(await create('of the template'));
    await type.tag(userName, { [id]: 'by hand' });

    await update(id, 'of the template');

    expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'of the template' }));
  });

  describe('what it may consist of', () => {
    it.each([
      ['nothing', ''],
      ['256 characters', 'x'.repeat(256)],
      ['letters, digits and spaces of any script', 'Schlüssel für CI\u00a0½ ٣ 日本語'],
      ['the signs that IAM allows', 'a_b.c:d/e=f+g-h@i'],
      ['blanks around', ' a  b '],
    ])('%s', async (_, description) => {
      const created = await create(description);

      expect(created).toMatchObject({ status: 'SUCCESS' });
      expect(created.resourceModel?.Description).toBe(description);
      expect(await type.tagsOf(userName)).toEqual(untouched({ [idOf(created)]: description }));
      expect(await read(idOf(created))).toEqual(created.resourceModel);
    });

    const FORBIDDEN = Array.from('!"#$%&\'()*,;<>?[\\]^`{|}~\t\n\0\x7f');
    it.each([
      ['257 characters', 'x'.repeat(257)],
      ...[...FORBIDDEN, '–', '🔑', '\u0301', '\ud800'].map((sign): [string, string] => [
        JSON.stringify(sign),
        `a ${sign} b`,
      ]),
    ])('not %s, which is refused before anything is made', async (_, description) => {
      const created = await create(description);

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain('Description');
      expect(type.calls).toEqual([]);
    });

    it.each(['a & b', 'a – b'])(
      'not %j in an UPDATE, which changes nothing',
      async (description) => {
        const id = idOf(await create('old'));

        const updated = await update(id, description, { Status: 'Inactive' });

        expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
        expect(updated.message).toContain('Description');
        expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
        expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'old' }));
      },
    );
  });

  describe('beside as many tags as a user may have', () => {
    const fill = async (count: number) => {
      const names = Array.from({ length: count }, (_, index) => `tag-${index}`);
      await type.tag(userName, Object.fromEntries(names.map((name) => [name, 'x'])));
      return type.tagsOf(userName);
    };

    it('is refused at CREATE, and no key is left behind', async () => {
      const before = await fill(48);

      const created = await create('one too many');

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      expect(created.message).toContain(`tag of user ${userName}`);
      expect(created.message).toContain('TagsPerUser: 50');
      expect(type.mintedSecrets).toHaveLength(1);
      expect([await type.keysOf(userName), await type.parameters()]).toEqual([[], []]);
      expect(await type.tagsOf(userName)).toEqual(before);
    });

    it('is refused at UPDATE', async () => {
      const id = idOf(await create());
      const before = await fill(48);

      const updated = await update(id, 'one too many');

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      expect(await type.tagsOf(userName)).toEqual(before);
    });

    it('is changed where it is one of them', async () => {
      const id = idOf(await create('old'));
      await fill(47);

      const updated = await update(id, 'new');

      expect(updated.status).toBe('SUCCESS');
      expect((await type.tagsOf(userName))[id]).toBe('new');
    });

    it('is found on whichever page it is', async () => {
      await fill(5);
      type.pageSizes.tags = 2;

      const created = await create('on a page of its own');
      const id = idOf(created);
      const wasRead = await read(id);
      const updated = await update(id, 'on another page');

      expect([created.status, updated.status]).toEqual(['SUCCESS', 'SUCCESS']);
      expect(wasRead?.Description).toBe('on a page of its own');
      expect((await type.tagsOf(userName))[id]).toBe('on another page');
      const markers = type.calls.filter(({ action, parameters }) => {
        return action === 'ListUserTags' && parameters.Marker !== undefined;
      });
      expect(markers.length).toBeGreaterThan(0);
    });
  });

  it('is that of the console for an imported key, and managed from then on', async () => {
    const id = await type.createForeignKey(userName);
    await type.tag(userName, { [id]: 'by the console' });
    const imported = await read(id);

    const updated = await update(id, 'by the template');
    const tags = await type.tagsOf(userName);
    const deleted = await type.cloudFormation().delete(id);

    expect(imported).toMatchObject({ Id: id, Description: 'by the console' });
    expect([updated.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(tags).toEqual(untouched({ [id]: 'by the template' }));
    expect(await type.tagsOf(userName)).toEqual(others);
  });

  it('follows a user who is renamed', async () => {
    const id = idOf(await create('old'));
    const renamed = `${userName}-renamed`;
    await type.renameUser(userName, renamed);

    const shown = await read(id);
    const updated = await update(id, 'new');
    const tags = await type.tagsOf(renamed);
    const deleted = await type.cloudFormation().delete(id);

    expect(shown).toMatchObject({ UserName: renamed, Description: 'old' });
    expect([updated.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(tags).toEqual(untouched({ [id]: 'new' }));
    expect(await type.tagsOf(renamed)).toEqual(others);
  });

  it('is not looked for with a user who has taken over the old name', async () => {
    const id = idOf(await create('of the first'));
    const renamed = `${userName}-renamed`;
    await type.renameUser(userName, renamed);
    await type.createUser(userName, { Tags: [{ Key: id, Value: 'of the second' }] });

    expect((await read(id))?.Description).toBe('of the first');
  });

  it('is written to a user whose name is spelled in another case', async () => {
    const created = await create('for CI', { UserName: userName.toUpperCase() });

    expect(created).toMatchObject({ status: 'SUCCESS', resourceModel: { Description: 'for CI' } });
    expect(await type.tagsOf(userName)).toEqual(untouched({ [idOf(created)]: 'for CI' }));
  });

  it('is no part of LIST, which asks for no tags', async () => {
    const id = idOf(await create('for CI'));
    const before = type.calls.length;

    const listed = await type.cloudFormation().list({ UserName: userName });

    expect(listed.resourceModels).toEqual([
      { Id: id, UserName: userName, Status: 'Active', CreateDate: expect.any(String) },
    ]);
    expect(type.calls.slice(before).map(actionOf)).toEqual(['iam:ListAccessKeys']);
  });

  it('is read beside the key, not after it', async () => {
    const id = idOf(await create('for CI'));
    const before = type.calls.length;
    const answered: string[] = [];
    type.use(async (call, next) => {
      const answer = await next(call);
      answered.push(actionOf(call));
      // Both have come in before either is answered.
      const asked = () => type.calls.slice(before).map(actionOf);
      for (let tries = 0; call.service === 'iam' && tries < 40; tries += 1) {
        if (asked().includes('iam:ListAccessKeys') && asked().includes('iam:ListUserTags')) break;
        await sleep(25);
        if (tries === 39) answered.push('too late');
      }
      return answer;
    });

    await read(id);

    expect(answered.sort()).toEqual([
      'iam:ListAccessKeys',
      'iam:ListUserTags',
      'ssm:GetParameters',
    ]);
  });

  describe('when IAM does not play along', () => {
    it('is awaited at CREATE', async () => {
      type.use(
        firstTimes(1, 'iam:ListUserTags', () => ({
          status: 200,
          headers: { 'content-type': 'text/xml' },
          body: '<ListUserTagsResponse><ListUserTagsResult><Tags/><IsTruncated>false</IsTruncated></ListUserTagsResult></ListUserTagsResponse>',
        })),
      );

      const created = await create('for CI');

      expect(created.events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
      expect(created.resourceModel).toMatchObject({ Description: 'for CI' });
      expect(await type.tagsOf(userName)).toEqual(untouched({ [idOf(created)]: 'for CI' }));
    });

    it('is awaited at UPDATE', async () => {
      const id = idOf(await create('old'));
      type.use(staleOnce('iam:ListUserTags', 'iam:TagUser'));
      await read(id);

      const updated = await update(id, 'new');

      expect(updated.events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
      expect(updated.resourceModel).toMatchObject({ Description: 'new' });
    });

    it.each(['iam:TagUser', 'iam:UntagUser', 'iam:ListUserTags'])(
      'is none the worse for a lost answer of %s',
      async (action) => {
        type.use(loseAnswers(1, action));

        const id = idOf(await create('old'));
        const updated = await update(id);
        const again = await update(id, 'new');

        expect([updated.status, again.status]).toEqual(['SUCCESS', 'SUCCESS']);
        expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'new' }));
        expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
      },
    );

    it('leaves no key behind where it may not be written', async () => {
      type.use(deny('iam:TagUser'));

      const created = await create('for CI');

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(created.message).toContain('iam:TagUser');
      await expectNothingLeft();
    });

    it('leaves no description behind where another step fails', async () => {
      const isRecord = ({ Name }: Readonly<Record<string, unknown>>) =>
        !String(Name).includes('/pending/');
      type.use(deny('ssm:PutParameter', ({ parameters }) => isRecord(parameters)));

      const created = await create('for CI');

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(type.calls.map(actionOf)).toContain('iam:TagUser');
      await expectNothingLeft();
    });

    it('goes with the key that a failed attempt had to leave and the next one discards', async () => {
      const token = randomUUID();
      const cloudFormation = type.cloudFormation();
      const broken = ['ssm:PutParameter', 'iam:DeleteAccessKey', 'iam:UntagUser'];
      type.use((call, next) =>
        broken.includes(actionOf(call)) && !String(call.parameters.Name).includes('/pending/')
          ? refuse(call, 500, 'InternalError', 'An internal error occurred.')
          : next(call),
      );

      const failed = await create('for the build server', {}, token, cloudFormation);
      const [left] = await type.keysOf(userName);
      type.allow();
      const created = await create('for the build server', {}, token, cloudFormation);

      const id = idOf(created);
      expect(failed).toMatchObject({ status: 'FAILED', errorCode: 'ServiceInternalError' });
      expect(failed.message).toContain(`access key ${String(left?.id)} of user ${userName}`);
      expect(created.status).toBe('SUCCESS');
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
      expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'for the build server' }));
    });

    it('is not taken for absent where tags may not be read', async () => {
      const id = idOf(await create('for CI'));
      type.use(deny('iam:ListUserTags'));

      const [shown, updated] = [
        await type.cloudFormation().read(id),
        await update(id, 'for the build server'),
      ];

      expect(shown).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'for the build server' }));
    });

    it.each(['made by the type', 'imported'])(
      'is not forgotten where it may not be removed, of a key %s',
      async (origin) => {
        const isMade = origin === 'made by the type';
        const id = isMade ? idOf(await create('for CI')) : await type.createForeignKey(userName);
        await type.tag(userName, { [id]: 'for CI' });
        const cloudFormation = type.cloudFormation();
        const model = { Id: id, UserName: userName };
        type.use(deny('iam:UntagUser'));

        const denied = await cloudFormation.delete(model);
        type.allow();
        await cloudFormation.delete(model);

        expect(denied).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
        expect(denied.message).toContain('iam:UntagUser');
        expect(await type.keysOf(userName)).toEqual([]);
        expect(await type.tagsOf(userName)).toEqual(others);
      },
    );

    it('leaves no key behind where somebody else is changing the user', async () => {
      type.use(
        firstTimes(1, 'iam:TagUser', (call) =>
          refuse(call, 409, 'ConcurrentModification', 'The user is being modified.'),
        ),
      );

      const token = randomUUID();
      const cloudFormation = type.cloudFormation();
      const failed = await create('for CI', {}, token, cloudFormation);
      const [keys, tags] = [await type.keysOf(userName), await type.tagsOf(userName)];
      const [intent, ...records] = await type.parameters();
      // CloudFormation tries this again.
      const created = await create('for CI', {}, token, cloudFormation);

      expect(failed).toMatchObject({ status: 'FAILED', errorCode: 'ResourceConflict' });
      expect([keys, records, tags]).toEqual([[], [], others]);
      expect(failed.message).toContain(intent);
      expect(created.status).toBe('SUCCESS');
      expect(await type.keysOf(userName)).toEqual([{ id: idOf(created), status: 'Active' }]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${idOf(created)}`]);
      expect(await type.tagsOf(userName)).toEqual(untouched({ [idOf(created)]: 'for CI' }));
    });

    it('is brought to a key of an earlier attempt', async () => {
      const token = randomUUID();
      const cloudFormation = type.cloudFormation();
      const properties = { UserName: userName, Description: 'for CI' };
      const id = idOf(await cloudFormation.create(properties, { token }));
      await type.untag(userName, id);

      const again = await cloudFormation.create(properties, { token });

      expect(again).toMatchObject({ status: 'SUCCESS', resourceModel: { Id: id } });
      expect(await type.tagsOf(userName)).toEqual(untouched({ [id]: 'for CI' }));
    });
  });

  const expectNothingLeft = async () => {
    expect(type.mintedSecrets.length).toBeGreaterThan(0);
    expect([await type.keysOf(userName), await type.parameters()]).toEqual([[], []]);
    expect(await type.tagsOf(userName)).toEqual(others);
  };
});

function idOf({ resourceModel }: Outcome): string {
  return String(resourceModel?.Id);
}
