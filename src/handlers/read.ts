import { Services } from '../aws/services.ts';
import { getResource } from '../resource/find.ts';
import { findPrevious } from '../resource/previous-key.ts';
import { toModel } from '../resource/what-read-returns.ts';
import { succeeded, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, Request } from '../schema.ts';

/** Reports what IAM and Parameter Store hold of the key, whose id alone is enough to go by. */
export async function read(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model } = request;
  const services = new Services(request, session);
  const findDescription = (userName: string) =>
    services.descriptions.find(userName, model.id ?? '');

  const { accessKey, record, ofUser } = await getResource(model, services, findDescription);
  if (record?.kmsFailure) throw record.kmsFailure;
  const previous = await findPrevious(accessKey, record, services);
  return succeeded(toModel(accessKey, record, ofUser, request, previous));
}
