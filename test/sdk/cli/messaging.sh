#!/usr/bin/env bash
# Queues and topics with the AWS CLI, $1.
set -euo pipefail
# Version 1 takes no endpoint from the environment for SQS in us-east-1.
aws="$1 --endpoint-url $AWS_ENDPOINT_URL"
policy='{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}]}"}'
url=$($aws sqs create-queue --queue-name cli --attributes "$policy" --query QueueUrl --output text)
topic=$($aws sns create-topic --name cli --query TopicArn --output text)
$aws sns subscribe --topic-arn "$topic" --protocol sqs --notification-endpoint arn:aws:sqs:us-east-1:000000000000:cli \
  --attributes RawMessageDelivery=true > /dev/null
$aws sns publish --topic-arn "$topic" --message 'from the CLI' > /dev/null
handle=$($aws sqs receive-message --queue-url "$url" --wait-time-seconds 10 --query "Messages[?Body=='from the CLI'].ReceiptHandle" --output text)
[ -n "$handle" ] && [ "$handle" != None ]
$aws sqs delete-message --queue-url "$url" --receipt-handle "$handle"
[ "$($aws sqs get-queue-attributes --queue-url "$url" --attribute-names All --query Attributes.ApproximateNumberOfMessagesNotVisible --output text)" = 0 ]
$aws sqs purge-queue --queue-url "$url"
$aws sqs list-queues --query QueueUrls --output text | grep -q /cli
$aws sns list-subscriptions-by-topic --topic-arn "$topic" --query 'Subscriptions[0].Endpoint' --output text | grep -q cli
$aws sns delete-topic --topic-arn "$topic"
$aws sqs delete-queue --queue-url "$url"
! $aws sqs get-queue-url --queue-name cli 2> "$WORK/error"
grep -q 'AWS.SimpleQueueService.NonExistentQueue' "$WORK/error"
