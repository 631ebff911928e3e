"""Uploads the package and the registration template to a bucket, and prints how to register.

The package's key holds a hash of what is in the package, so that a key never changes its content
and the same content is never a new version. AWS_ENDPOINT_URL is followed.
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


def main():
    parser = argparse.ArgumentParser(prog="make publish", description=__doc__.splitlines()[0])
    parser.add_argument("bucket")
    parser.add_argument("--prefix", default="org-iam-accesskey", help="the folder in the bucket")
    arguments = parser.parse_args()

    with open(PACKAGE, "rb") as file:
        package = file.read()
    with open(TEMPLATE, "rb") as file:
        template = file.read()
    folder = f"{arguments.prefix.strip('/')}/" if arguments.prefix.strip("/") else ""
    package_key = f"{folder}{content_hash(package)}.zip"
    template_key = f"{folder}template-{short(hashlib.sha256(template))}.yml"

    s3 = boto3.client("s3")
    upload(s3, arguments.bucket, package_key, package, "application/zip")
    upload(s3, arguments.bucket, template_key, template, "application/yaml")
    print(commands(f"s3://{arguments.bucket}/{package_key}", url_of(arguments.bucket, template_key)))


def content_hash(package):
    """The packaging time, which each file in a ZIP archive carries, plays no part."""
    digest = hashlib.sha256()
    for name, content in sorted(files_of(package)):
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return short(digest)


def files_of(archive, folder=""):
    with zipfile.ZipFile(io.BytesIO(archive)) as zip_file:
        for name in zip_file.namelist():
            content = zip_file.read(name)
            if name.endswith(".zip"):
                yield from files_of(content, f"{folder}{name}/")
            else:
                yield f"{folder}{name}", content


def short(digest):
    return digest.hexdigest()[:32]


def upload(s3, bucket, key, body, content_type):
    if exists(s3, bucket, key):
        print(f"s3://{bucket}/{key} is there already")
        return
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    print(f"uploaded s3://{bucket}/{key}")


def exists(s3, bucket, key):
    try:
        s3.head_object(Bucket=bucket, Key=key)
        return True
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise


def url_of(bucket, key):
    region = boto3.client("s3").head_bucket(Bucket=bucket).get("BucketRegion")
    s3 = boto3.client("s3", region_name=region, config=Config(signature_version=UNSIGNED))
    return s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})


def commands(package_uri, template_url):
    return f"""
Register it in the account and Region of your credentials:

aws cloudformation deploy --stack-name {STACK} --capabilities CAPABILITY_IAM \\
  --template-file {TEMPLATE} \\
  --parameter-overrides SchemaHandlerPackage={package_uri} \\
  UserPath=/ci/ SecretNamePattern='ci/*'

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
  --deployment-targets OrganizationalUnitIds=OU --regions REGION"""


if __name__ == "__main__":
    try:
        main()
    except (OSError, BotoCoreError, ClientError) as error:
        sys.exit(f"publishing: {error}")
