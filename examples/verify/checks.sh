# The commands of guides/verify.md. Secrets end up in shell variables: use an account that holds nothing else.

up() { # STACK TEMPLATE PARAMETERS…
  aws cloudformation deploy --stack-name "$1" --template-file "$2" --capabilities CAPABILITY_IAM \
    ${3:+--parameter-overrides "${@:3}"}
}

down() { # STACK
  aws cloudformation delete-stack --stack-name "$1"
  aws cloudformation wait stack-delete-complete --stack-name "$1"
}

output() { # STACK NAME
  aws cloudformation describe-stacks --stack-name "$1" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue"
}

secret() { # ARN
  aws secretsmanager get-secret-value --secret-id "$1" --query SecretString --output text
}

configure() { # TYPE_CONFIGURATION
  aws cloudformation set-type-configuration --type RESOURCE --type-name Org::IAM::AccessKey \
    --configuration-alias default --configuration "$1"
}

# Whom the key in the stack's secret signs for.
owner() { # STACK
  local key
  key=$(secret "$(output "$1" CredentialsArn)")
  env -u AWS_PROFILE AWS_ACCESS_KEY_ID="$(jq -r .AccessKeyId <<<"$key")" \
    AWS_SECRET_ACCESS_KEY="$(jq -r .SecretAccessKey <<<"$key")" aws sts get-caller-identity
}

logs() { # SINCE
  aws logs tail "$(output org-iam-accesskey-type LogGroupName)" --since "$1" --format short
}

# How often CREATE was throttled for that many keys at once, and how many client request tokens there were.
retries() { # KEYS
  for i in $(seq "$1"); do
    printf '  User%d:\n    Type: AWS::IAM::User\n    Properties: { Path: /ci/ }\n' "$i"
    printf '  Key%d:\n    Type: Org::IAM::AccessKey\n    Properties: { UserName: !Ref User%d }\n' "$i" "$i"
  done | (echo 'Resources:' && cat) >verify-retries.yaml
  up verify-retries verify-retries.yaml
  logs 1h | grep -c 'END FAILED Throttling'
  sleep 900 # until CloudTrail has the events
  aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=PutParameter \
    --query 'Events[].CloudTrailEvent' --output json |
    jq -r '.[] | fromjson | .requestParameters.name | select(test("/pending/"))' | sort -u | wc -l
}

stages() { # ARN
  aws secretsmanager list-secret-version-ids --secret-id "$1" \
    --query 'Versions[].[VersionId,join(`,`,VersionStages)]' --output text
}

# Says late for each second in which IAM does not show the tag that was just written.
tags() {
  aws iam create-user --user-name verify-tags
  for i in $(seq 50); do
    aws iam tag-user --user-name verify-tags --tags "Key=AKIAIOSFODNN7EXAMPLE,Value=$i"
    until aws iam list-user-tags --user-name verify-tags --query 'Tags[0].Value' --output text | grep -x "$i"; do
      echo late
      sleep 1
    done
  done
  aws iam delete-user --user-name verify-tags
}

smtp_login() { # ARN
  secret "$1" | python3 -c '
import json, smtplib, sys
account = json.load(sys.stdin)
with smtplib.SMTP(account["host"], 587) as smtp:
    smtp.starttls()
    print(smtp.login(account["username"], account["password"]))'
}
