export * from './access-key';
export * from './access-key.generated';
