import { AccessKeys, isYoung, notFound } from './access-keys.ts';
import { toModel, type Model, type Request } from './model.ts';
import { succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore } from './secret-store.ts';
import { poll, RECORD_PATIENCE_MS } from './stabilization.ts';

/** Reports what IAM and Parameter Store hold of the key, whose id alone is enough to go by. */
export async function read(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { id: accessKeyId = '', userName } = request.model;
  const store = new SecretStore(session, request.typeConfiguration);

  const record = await store.find(accessKeyId);
  const accessKey = await new AccessKeys(session).find(accessKeyId, record?.userName ?? userName);
  if (!accessKey) throw notFound(accessKeyId);

  const mayAppear = !record && isYoung(accessKey);
  const late = mayAppear
    ? await poll(RECORD_PATIENCE_MS, () => store.find(accessKeyId))
    : undefined;
  return succeeded(toModel(accessKey, record ?? late, request));
}
