"""Uploads the package and the registration template to a bucket, and prints how to register.

An object's key holds the hash of its bytes, and is written once: what lies there already has to be
the very same bytes, whoever put it there. AWS_ENDPOINT_URL is followed.
"""

import argparse
import hashlib
import io
import sys
import zipfile

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PACKAGE = "org-iam-accesskey.zip"
TEMPLATE = "registration/template.yml"
STACK = "org-iam-accesskey-type"
FOLDER = "org-iam-accesskey"
UNIX = 3


def main():
    parser = argparse.ArgumentParser(prog="make publish", description=__doc__.splitlines()[0])
    parser.add_argument("bucket")
    parser.add_argument("--prefix", default=FOLDER, help="the folder in the bucket")
    arguments = parser.parse_args()

    folder = f"{arguments.prefix.strip('/')}/" if arguments.prefix.strip("/") else ""
    s3 = boto3.client("s3")
    package_uri = publish_package(s3, arguments.bucket, folder)
    with open(TEMPLATE, "rb") as file:
        template = file.read()
    template_key = f"{folder}template-{hash_of(template)}.yml"
    upload(s3, arguments.bucket, template_key, template, "application/yaml")
    print(commands(arguments.bucket, package_uri, url_of(arguments.bucket, template_key)))


def publish_package(s3, bucket, folder=f"{FOLDER}/"):
    """@returns the package's address, which holds the hash of its bytes."""
    with open(PACKAGE, "rb") as file:
        package = reproducible(file.read())
    key = f"{folder}{hash_of(package)}.zip"
    upload(s3, bucket, key, package, "application/zip")
    return f"s3://{bucket}/{key}"


def reproducible(archive):
    """The same files as the same bytes, whenever, where and by whichever zlib they were packed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(packed, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            entry = zipfile.ZipInfo(name)
            entry.create_system = UNIX
            entry.external_attr = 0o644 << 16
            target.writestr(entry, reproducible(content) if name.endswith(".zip") else content)
    return packed.getvalue()


def hash_of(content):
    return hashlib.sha256(content).hexdigest()[:32]


def upload(s3, bucket, key, body, content_type):
    address = f"s3://{bucket}/{key}"
    try:
        s3.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*"
        )
        print(f"uploaded {address}")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 412:
            raise
        if s3.get_object(Bucket=bucket, Key=key)["Body"].read() != body:
            raise ForeignContent(
                f"{address} is not what this project makes, although its name says so: do not"
                " register it, and find out who wrote it"
            ) from error
        print(f"{address} is there already")


class ForeignContent(Exception):
    """Somebody else wrote an object under a key of ours."""


def url_of(bucket, key):
    region = boto3.client("s3").head_bucket(Bucket=bucket).get("BucketRegion")
    s3 = boto3.client("s3", region_name=region, config=Config(signature_version=UNSIGNED))
    return s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})


def commands(bucket, package_uri, template_url):
    return f"""
Register it in the account and Region of your credentials:

make register USER_PATH=/ci/ SECRET_NAMES='ci/*' BUCKET={bucket}

The handlers can then change keys of the users below /ci/ and secrets named ci/… only.

Or in an organization, for which the bucket has to let its accounts read (registration/README.md):

aws cloudformation create-stack-set --stack-set-name {STACK} --capabilities CAPABILITY_IAM \\
  --permission-model SERVICE_MANAGED \\
  --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false \\
  --template-url {template_url} \\
  --parameters ParameterKey=SchemaHandlerPackage,ParameterValue={package_uri} \\
  ParameterKey=UserPath,ParameterValue=/ci/ \\
  ParameterKey=SecretNamePattern,ParameterValue='ci/*'
aws cloudformation create-stack-instances --stack-set-name {STACK} \\
  --deployment-targets OrganizationalUnitIds=OU --regions REGION

Where the type was registered before, its old versions keep their roles until they are deregistered:

make deregister-old-versions"""


if __name__ == "__main__":
    try:
        main()
    except (OSError, BotoCoreError, ClientError, ForeignContent) as error:
        sys.exit(f"publishing: {error}")
