import type { Properties } from '../../local/cloudformation.ts';
import type { Holdings } from './aws.ts';
import { holds, versionOf } from './secret-verdict.ts';
import { PREFIX } from './stage.ts';
import type { Deed } from './verdict.ts';

/** Whether the model says what is there, with the secret that AWS gave out for the key. */
export function judgeModel(
  { stage, operation, arranged, outcome }: Deed,
  after: Holdings,
): string[] {
  const model = outcome.resourceModel ?? {};
  const id = String(model.Id);
  const key = after.keys.get(id);
  const value = after.parameters.get(`${PREFIX}/${id}`);
  const recorded = value === undefined ? undefined : (JSON.parse(value) as Properties);
  const problems: string[] = [];
  const expectSame = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected)
      problems.push(`${what}: ${String(found)} in place of ${String(expected)}`);
  };
  if (arranged.model) expectSame('Id', model.Id, arranged.model.Id);
  expectSame('UserName', model.UserName, key?.userName);
  expectSame('Status', model.Status, key?.status);
  const { SesRegion, SecretKeys } = arranged.model ?? operation.desired;
  expectSame('SesRegion', model.SesRegion, SesRegion);
  expectSame('SecretKeys', JSON.stringify(model.SecretKeys), JSON.stringify(SecretKeys));
  expectSame('Description', model.Description, after.tags.get(id));
  if (operation.kind !== 'READ')
    expectSame('status of the key', key?.status, operation.desired.Status);

  const { previous } = arranged;
  const { PreviousKey } = operation.desired;
  const previousStatus = previous === undefined ? undefined : after.keys.get(previous)?.status;
  const ofReplaced = operation.kind === 'CREATE' && PreviousKey ? arranged.bystander : undefined;
  expectSame('PreviousKeyId', model.PreviousKeyId, previousStatus ? previous : ofReplaced);
  expectSame('PreviousKey', model.PreviousKey, previousStatus ?? PreviousKey);
  if (previousStatus && operation.kind === 'UPDATE')
    expectSame('status of the key before', previousStatus, PreviousKey);

  const secret = stage.proxy.secrets.get(id);
  const isInSecret = after.secrets.length > 0;
  const isDelivered = after.secrets.some((each) => holds(each, id, secret));
  const recordedSecret = isInSecret ? undefined : secret;
  const isSealed = stage.proxy.lags.undecryptable.includes(`${PREFIX}/${id}`);
  const shown = isSealed ? undefined : recordedSecret;
  expectSame('do readers of the secret get it', isDelivered, isInSecret);
  expectSame('SecretVersionId', model.SecretVersionId, isInSecret ? versionOf(id) : undefined);
  expectSame('is the secret the one that signs', model.SecretAccessKey === shown, true);
  expectSame('is it the recorded one', recorded?.secretAccessKey === recordedSecret, true);
  expectSame('is there a password', 'SesSmtpPassword' in model, shown !== undefined);
  if (Number.isNaN(Date.parse(String(model.CreateDate)))) problems.push('no CreateDate');
  if ('Serial' in model) problems.push('a write-only property was returned');
  return problems;
}
