import { randomUUID } from 'node:crypto';

/** The variables that Lambda sets, and none of this process: no credentials, profile or endpoint. */
export function lambdaEnvironment(
  folder: string,
  entrypoint: string,
  region: string,
): NodeJS.ProcessEnv {
  const name = 'TypeFunction';
  return {
    PATH: process.env.PATH,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    // Not the user's own, where the AWS configuration files are.
    HOME: folder,
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: `dist/handlers.${entrypoint}`,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `local/[$LATEST]${randomUUID().replaceAll('-', '')}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  };
}
