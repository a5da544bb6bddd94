#!/usr/bin/env bash
# Folders that are synced to a bucket and back with the AWS CLI, $1.
set -euo pipefail
aws="$1 --endpoint-url $AWS_ENDPOINT_URL"
here=$WORK/here there=$WORK/there
mkdir -p "$here/deep/er" "$there"
echo one > "$here/one.txt"
echo two > "$here/deep/two words.txt"
echo drei > "$here/deep/er/grüße+&.txt"
head -c 12582912 /dev/urandom > "$here/large.bin" # in parts
find "$here" -type f -exec touch -d '1 minute ago' {} + # times of objects have no fractions of seconds
$aws s3 mb s3://sync > /dev/null
$aws s3 sync "$here" s3://sync/base --no-progress > "$WORK/up"
[ "$(grep -c ^upload "$WORK/up")" = 4 ]
$aws s3 sync s3://sync/base "$there" --no-progress > /dev/null
diff -r "$here" "$there"

# Nothing is left to do, either way.
[ -z "$($aws s3 sync "$here" s3://sync/base)" ]
[ -z "$($aws s3 sync s3://sync/base "$there")" ]

# What changed goes, and what went goes too.
echo 'one more' > "$here/one.txt"
rm "$here/deep/two words.txt"
$aws s3 sync "$here" s3://sync/base --delete --no-progress > "$WORK/again"
[ "$(wc -l < "$WORK/again")" = 2 ]
$aws s3 sync s3://sync/base "$there" --delete --no-progress > /dev/null
diff -r "$here" "$there"

# From bucket to bucket, and away.
$aws s3 mb s3://copy > /dev/null
$aws s3 sync s3://sync/base s3://copy --no-progress > /dev/null
[ "$($aws s3 ls s3://copy --recursive | wc -l)" = 3 ]
$aws s3 rb s3://copy --force > /dev/null
! $aws s3 ls s3://copy 2> "$WORK/error"
grep -q NoSuchBucket "$WORK/error"
