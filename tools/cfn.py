"""The CloudFormation CLI with STS at AWS_ENDPOINT_URL.

The CLI computes the STS endpoint by itself, so that the variable, which every other client
follows, would be ignored for this one service.
"""

import os
import sys

from rpdk.core import boto_helpers
from rpdk.core.cli import main

boto_helpers.get_service_endpoint = lambda service, region: os.environ["AWS_ENDPOINT_URL"]

if __name__ == "__main__":
    sys.exit(main())
