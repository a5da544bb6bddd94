#!/usr/bin/env bash
# A round over the services with the AWS CLI. $1 is the CLI, $WORK an empty folder.
set -euo pipefail
aws() { "$AWS" --output text "$@"; }
AWS=$1
cd "$WORK"
fail() { echo "round.sh: $*" >&2; exit 1; }
is() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }
refuses() { # refuses CODE COMMAND…: the command fails with that code
  local code=$1 out; shift
  if out=$("$@" 2>&1); then fail "$* succeeded, want $code"; fi
  [[ $out == *"($code)"* ]] || fail "$*: got $out, want $code"
}

# Who am I
is "$(aws sts get-caller-identity --query Account)" 000000000000

# IAM: a role for functions, and a user who may do one thing
trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
role=$(aws iam create-role --role-name cli-role --assume-role-policy-document "$trust" --query Role.Arn)
is "$role" arn:aws:iam::000000000000:role/cli-role
aws iam attach-role-policy --role-name cli-role --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
aws iam create-user --user-name reader >/dev/null
aws iam put-user-policy --user-name reader --policy-name read --policy-document '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*"}}'
read -r key secret <<<"$(aws iam create-access-key --user-name reader --query 'AccessKey.[AccessKeyId,SecretAccessKey]')"

# DynamoDB
aws dynamodb create-table --table-name cli-table --billing-mode PAY_PER_REQUEST \
  --attribute-definitions AttributeName=pk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH >/dev/null
aws dynamodb wait table-exists --table-name cli-table
aws dynamodb put-item --table-name cli-table --item '{"pk":{"S":"a"},"n":{"N":"1"}}'
aws dynamodb update-item --table-name cli-table --key '{"pk":{"S":"a"}}' --update-expression 'SET n = n + :one' --expression-attribute-values '{":one":{"N":"1"}}'
is "$(aws dynamodb get-item --table-name cli-table --key '{"pk":{"S":"a"}}' --query Item.n.N)" 2
refuses ConditionalCheckFailedException aws dynamodb put-item --table-name cli-table --item '{"pk":{"S":"a"}}' --condition-expression 'attribute_not_exists(pk)'
refuses ResourceNotFoundException aws dynamodb scan --table-name none-such

# The user's key is verified and its policy enforced
as_reader() { AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret aws "$@"; }
is "$(as_reader dynamodb get-item --table-name cli-table --key '{"pk":{"S":"a"}}' --query Item.n.N)" 2
refuses AccessDeniedException as_reader dynamodb delete-item --table-name cli-table --key '{"pk":{"S":"a"}}'
secret=wrong
refuses InvalidSignatureException as_reader dynamodb get-item --table-name cli-table --key '{"pk":{"S":"a"}}'

# S3
aws s3 mb s3://cli-bucket >/dev/null
head -c 300000 /dev/urandom >big
mkdir tree && echo one >tree/one && echo two >'tree/t w+o'
aws s3 cp big s3://cli-bucket/a/big >/dev/null
aws s3 sync tree s3://cli-bucket/tree >/dev/null
aws s3 cp s3://cli-bucket/a/big back >/dev/null
cmp big back
is "$(aws s3api list-objects-v2 --bucket cli-bucket --query 'length(Contents)')" 3
is "$(aws s3api get-object --bucket cli-bucket --key a/big --range bytes=0-9 part --query ContentLength)" 10
refuses NoSuchKey aws s3api get-object --bucket cli-bucket --key none part
refuses BucketNotEmpty aws s3api delete-bucket --bucket cli-bucket

# Lambda and its log
cat >index.py <<'PY'
def handler(event, context):
    print("hello from", context.function_name)
    return {"got": event["n"] + 1}
PY
"$(dirname "$AWS")/python" -m zipfile -c code.zip index.py
fn=$(aws lambda create-function --function-name cli-fn --runtime python3.12 --handler index.handler --role "$role" --zip-file fileb://code.zip --query FunctionArn)
aws lambda wait function-active-v2 --function-name cli-fn
aws lambda invoke --function-name cli-fn --payload '{"n":41}' out.json >/dev/null
is "$(cat out.json)" '{"got": 42}'
for _ in 1 2 3 4 5 6 7 8 9 10; do # logs come a moment later
  lines=$(aws logs filter-log-events --log-group-name /aws/lambda/cli-fn --filter-pattern hello --query 'events[].message' 2>/dev/null || true)
  [ -n "$lines" ] && break
done
[[ $lines == *"hello from cli-fn"* ]] || fail "the log has '$lines'"

# HTTP API
read -r api url <<<"$(aws apigatewayv2 create-api --name cli --protocol-type HTTP --target "$fn" --query '[ApiId,ApiEndpoint]')"
aws lambda add-permission --function-name cli-fn --statement-id api --action lambda:InvokeFunction --principal apigateway.amazonaws.com >/dev/null
[[ $url == *"$api"* ]] || fail "the endpoint of $api is $url"

# CloudFormation
cat >template.yaml <<'YAML'
Parameters: {Name: {Type: String}}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub '${Name}-table'
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
Outputs: {Arn: {Value: !GetAtt Table.Arn}}
YAML
aws cloudformation create-stack --stack-name cli --template-body file://template.yaml --parameters ParameterKey=Name,ParameterValue=cfn >/dev/null
aws cloudformation wait stack-create-complete --stack-name cli
is "$(aws cloudformation describe-stacks --stack-name cli --query 'Stacks[0].Outputs[0].OutputValue')" arn:aws:dynamodb:us-east-1:000000000000:table/cfn-table
aws cloudformation delete-stack --stack-name cli
aws cloudformation wait stack-delete-complete --stack-name cli
refuses ResourceNotFoundException aws dynamodb describe-table --table-name cfn-table

# What is not there is refused by name
out=$(AWS_MAX_ATTEMPTS=1 aws cloudtrail describe-trails 2>&1) && fail "cloudtrail answered"
[[ $out == *cloudtrail* ]] || fail "cloudtrail is refused by: $out"
