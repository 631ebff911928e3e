import { AccessKeys, notFound } from './access-keys.ts';
import { isSameUser, toModel, type Model, type Request } from './model.ts';
import { succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore } from './secret-store.ts';
import { Users } from './users.ts';

/** Reports what IAM and Parameter Store hold of the key, whose id alone is enough to go by. */
export async function read(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { id: accessKeyId = '', userName } = request.model;
  const store = new SecretStore(session, request.typeConfiguration);
  const users = new Users(session);

  const record = await store.find(accessKeyId);
  const supposedOwner = record?.userName ?? userName;
  const [accessKey, supposedDescription] = await Promise.all([
    new AccessKeys(session).find(accessKeyId, supposedOwner),
    supposedOwner === undefined ? undefined : users.findDescription(supposedOwner, accessKeyId),
  ]);
  if (!accessKey) throw notFound(accessKeyId);

  const [late, description] = await Promise.all([
    record ? undefined : store.findLate(accessKey),
    isSameUser(supposedOwner, accessKey.userName)
      ? supposedDescription
      : users.findDescription(accessKey.userName, accessKeyId),
  ]);
  return succeeded(toModel(accessKey, record ?? late, description, request));
}
