import { createHmac } from 'node:crypto';
import { partition } from '@aws-sdk/core/client';

const VERSION = 0x04;

/** The fixed fields that SES has in place of a request's date, service, terminator and content. */
const DATE = '11111111';
const SCOPE = ['ses', 'aws4_request', 'SendRawEmail'];

/**
 * The password for Amazon SES's SMTP interface in one Region; the user name is the access key id.
 * Source: "Obtaining Amazon SES SMTP credentials" in the SES Developer Guide.
 */
export function toSesSmtpPassword(secretAccessKey: string, region: string): string {
  const signature = [DATE, region, ...SCOPE].reduce<Buffer | string>(
    (key, message) => createHmac('sha256', key).update(message).digest(),
    `AWS4${secretAccessKey}`,
  );
  return Buffer.concat([Buffer.of(VERSION), signature as Buffer]).toString('base64');
}

/**
 * The host of that interface. Where SES has none, as in China, it is the name that there would be.
 * Source: "Amazon Simple Email Service endpoints and quotas" in the AWS General Reference.
 */
export function toSesSmtpEndpoint(region: string): string {
  return `email-smtp.${region}.${partition(region).dnsSuffix}`;
}
