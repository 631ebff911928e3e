# The commands of guides/migrate.md, for the stack $STACK.

# Makes a change set and shows what it will do.
change() { # NAME TEMPLATE OPTIONS…
  aws cloudformation create-change-set --stack-name "$STACK" --change-set-name "$1" \
    --template-body "$2" --capabilities CAPABILITY_NAMED_IAM "${@:3}"
  aws cloudformation wait change-set-create-complete --stack-name "$STACK" --change-set-name "$1"
  aws cloudformation describe-change-set --stack-name "$STACK" --change-set-name "$1" --output text \
    --query 'Changes[].ResourceChange.[Action,LogicalResourceId,Replacement,PolicyAction,PhysicalResourceId]'
}

execute() { # NAME OPERATION
  aws cloudformation execute-change-set --stack-name "$STACK" --change-set-name "$1"
  aws cloudformation wait "stack-$2-complete" --stack-name "$STACK"
}

keys() { # USER
  aws iam list-access-keys --user-name "$1" --query 'AccessKeyMetadata[].[AccessKeyId,Status]' --output text
}
