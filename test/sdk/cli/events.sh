#!/usr/bin/env bash
# Buses, schedules, streams and pipes with the AWS CLI, $1.
set -euo pipefail
# Version 1 takes no endpoint from the environment for SQS in us-east-1.
aws="$1 --endpoint-url $AWS_ENDPOINT_URL"
root=us-east-1:000000000000
policy='{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}]}"}'
url=$($aws sqs create-queue --queue-name cli --attributes "$policy" --query QueueUrl --output text)
receive() { $aws sqs receive-message --queue-url "$url" --wait-time-seconds 10 --visibility-timeout 30 --query 'Messages[0].Body' --output text; }
$aws events put-rule --name cli --event-pattern '{"source":["cli"]}' > /dev/null
$aws events put-targets --rule cli --targets "Id=q,Arn=arn:aws:sqs:$root:cli,InputPath=\$.detail.n" > /dev/null
$aws events put-events --entries '[{"Source":"cli","DetailType":"d","Detail":"{\"n\":42}"}]' > /dev/null
[ "$(receive)" = 42 ]
[ "$($aws events test-event-pattern --event-pattern '{"source":["cli"]}' --event '{"id":"1","source":"cli","account":"1","time":"2024-01-01T00:00:00Z","region":"r","resources":[],"detail-type":"t"}' --query Result --output text)" = True ]
! $aws events put-rule --name bad --schedule-expression 'rate(1 minutes)' 2> "$WORK/error"
grep -q 'Parameter ScheduleExpression is not valid' "$WORK/error"

$aws kinesis create-stream --stream-name cli --shard-count 1
$aws kinesis put-record --stream-name cli --partition-key k --data "$(printf one | base64)" --query ShardId --output text > /dev/null
it=$($aws kinesis get-shard-iterator --stream-name cli --shard-id shardId-000000000000 --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)
$aws kinesis get-records --shard-iterator "$it" --query 'Records[0].PartitionKey' --output text | grep -q k

$aws iam create-role --role-name cli --assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["scheduler.amazonaws.com","pipes.amazonaws.com"]},"Action":"sts:AssumeRole"}]}' > /dev/null
$aws iam put-role-policy --role-name cli --policy-name all --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
$aws scheduler create-schedule --name cli --schedule-expression 'rate(1 hour)' --flexible-time-window Mode=OFF \
  --target "{\"Arn\":\"arn:aws:sqs:$root:cli\",\"RoleArn\":\"arn:aws:iam::000000000000:role/cli\",\"Input\":\"scheduled\"}" > /dev/null
[ "$(receive)" = scheduled ]
$aws pipes create-pipe --name cli --source "arn:aws:sqs:$root:cli" --target "arn:aws:kinesis:$root:stream/cli" --role-arn arn:aws:iam::000000000000:role/cli \
  --target-parameters '{"KinesisStreamParameters":{"PartitionKey":"$.messageId"},"InputTemplate":"piped"}' > /dev/null
[ "$($aws pipes describe-pipe --name cli --query CurrentState --output text)" = RUNNING ]
