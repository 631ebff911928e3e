export { AccessKey, type AccessKeyProps } from './access-key.ts';
export { CfnAccessKey, type CfnAccessKeyProps } from './access-key.generated.ts';
