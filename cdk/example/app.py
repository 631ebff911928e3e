"""The same app as app.ts."""

from aws_cdk import App, CfnOutput, Stack, aws_iam as iam
from aws_cdk.aws_secretsmanager import Secret
from org_iam_accesskey_cdk import AccessKey, PreviousKey, SecretKeys

app = App()
stack = Stack(app, "AccessKeys")

# As with aws_iam: raise `serial` to rotate. The key before then works on, until this is taken out.
deployer = iam.User(stack, "Deployer", path="/ci/")
deployer_key = AccessKey(
    stack,
    "DeployerKey",
    user=deployer,
    serial=1,
    status=iam.AccessKeyStatus.ACTIVE,
    previous_key=PreviousKey.ACTIVE,
)
CfnOutput(stack, "DeployerKeyId", value=deployer_key.access_key_id)

# A key for mail whose secret goes to Secrets Manager alone, where the mailing function reads it.
mailer = iam.User(stack, "Mailer", path="/ci/")
# The registration's SecretNamePattern, ci/* say, lets the type write to it.
secret = Secret(stack, "MailerSecret", secret_name="ci/mailer")
mailer_key = AccessKey(
    stack,
    "MailerKey",
    user=mailer,
    description="Sends the mail of the shop",
    secret=secret,
    secret_keys=SecretKeys(access_key_id="username", ses_smtp_password="password"),
    ses_region="eu-west-1",
)
shop = iam.Role(
    stack,
    "Shop",
    assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
)
mailer_key.grant_read(shop)
CfnOutput(stack, "SmtpHost", value=mailer_key.ses_smtp_endpoint)

app.synth()
