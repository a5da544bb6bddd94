#!/usr/bin/env bash
# Stacks with the AWS CLI, $1: packaged, deployed, changed, refused, deleted.
set -Eeuo pipefail
trap 'echo "stacks.sh: line $LINENO" >&2; cat again error >&2 2> /dev/null || true' ERR
aws=$1
mkdir -p "$WORK/app/src" && cd "$WORK/app"
echo 'exports.handler = async () => process.env.STAGE' > src/index.js
cat > template.yaml <<'T'
Transform: AWS::Serverless-2016-10-31
Parameters: {Stage: {Type: String, AllowedValues: [dev, prod]}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs22.x
      CodeUri: src
      Environment: {Variables: {STAGE: !Ref Stage}}
Outputs: {Name: {Value: !Ref F, Export: {Name: cli-function}}}
T
$aws s3 mb s3://cli-artifacts > /dev/null
$aws cloudformation package --template-file template.yaml --s3-bucket cli-artifacts --output-template-file packaged.yaml > /dev/null
# The change sets of this command are named by the second.
deploy() { sleep 1; $aws cloudformation deploy --template-file packaged.yaml --stack-name cli --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND "$@" || { $aws cloudformation describe-stack-events --stack-name cli --query "StackEvents[].[LogicalResourceId,ResourceStatus,ResourceStatusReason]" --output text >&2; return 1; }; }
deploy --parameter-overrides Stage=dev > /dev/null
deploy --no-fail-on-empty-changeset --parameter-overrides Stage=dev > again 2>&1
grep -q 'No changes to deploy' again
deploy --parameter-overrides Stage=prod > /dev/null
name=$($aws cloudformation describe-stacks --stack-name cli --query 'Stacks[0].Outputs[0].OutputValue' --output text)
$aws lambda invoke --function-name "$name" answer.json > /dev/null
[ "$(cat answer.json)" = '"prod"' ]
[ "$($aws cloudformation list-exports --query 'Exports[0].Value' --output text)" = "$name" ]
$aws cloudformation detect-stack-drift --stack-name cli > /dev/null
[ "$($aws cloudformation describe-stacks --stack-name cli --query 'Stacks[0].DriftInformation.StackDriftStatus' --output text)" = IN_SYNC ]
$aws cloudcontrol get-resource --type-name AWS::Lambda::Function --identifier "$name" --query ResourceDescription.Identifier --output text | grep -q "$name"
! $aws cloudformation create-stack --stack-name bad --template-body '{"Resources":{"A":{"Type":"AWS::Nope::Nope"}}}' 2> error
grep -q 'Unrecognized resource types: \[AWS::Nope::Nope\]' error
$aws cloudformation delete-stack --stack-name cli
$aws cloudformation wait stack-delete-complete --stack-name cli
! $aws lambda get-function --function-name "$name" 2> error
grep -q ResourceNotFoundException error

# A tool that knows the addresses of AWS alone reaches Aloft by its proxy.
ca=$2
endpoint=$AWS_ENDPOINT_URL
env -u AWS_ENDPOINT_URL HTTPS_PROXY="$endpoint" AWS_CA_BUNDLE="$ca" $aws sts get-caller-identity --query Account --output text | grep -q 000000000000
