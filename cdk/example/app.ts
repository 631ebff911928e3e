import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AccessKey, PreviousKey } from 'org-iam-accesskey-cdk';

const app = new App();
const stack = new Stack(app, 'AccessKeys');

// As with aws-iam: raise `serial` to rotate. The key before then works on, until this is taken out.
const deployer = new iam.User(stack, 'Deployer', { path: '/ci/' });
const deployerKey = new AccessKey(stack, 'DeployerKey', {
  user: deployer,
  serial: 1,
  status: iam.AccessKeyStatus.ACTIVE,
  previousKey: PreviousKey.ACTIVE,
});
new CfnOutput(stack, 'DeployerKeyId', { value: deployerKey.accessKeyId });

// A key for mail whose secret goes to Secrets Manager alone, where the mailing function reads it.
const mailer = new iam.User(stack, 'Mailer', { path: '/ci/' });
// The registration's SecretNamePattern, ci/* say, lets the type write to it.
const secret = new Secret(stack, 'MailerSecret', { secretName: 'ci/mailer' });
const mailerKey = new AccessKey(stack, 'MailerKey', {
  user: mailer,
  description: 'Sends the mail of the shop',
  secret,
  secretKeys: { accessKeyId: 'username', sesSmtpPassword: 'password' },
  sesRegion: 'eu-west-1',
});
const shop = new iam.Role(stack, 'Shop', {
  assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
});
mailerKey.grantRead(shop);
new CfnOutput(stack, 'SmtpHost', { value: mailerKey.sesSmtpEndpoint });

app.synth();
