import type { AccessKey } from '../aws/access-keys.ts';
import { HandlerError } from '../runtime/progress-event.ts';

export function refuseExpired({ accessKeyId, userName, status }: AccessKey): void {
  if (status !== 'Expired') return;
  throw new HandlerError(
    'InvalidRequest',
    `setting access key ${accessKeyId} of user ${userName} to Active: it has expired and stays so; raise Serial to rotate it`,
  );
}
