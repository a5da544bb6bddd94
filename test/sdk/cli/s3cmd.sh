#!/usr/bin/env bash
# Folders, lists and large files with s3cmd, $1, which signs and asks in its own way.
set -euo pipefail
host=${AWS_ENDPOINT_URL#http://}
s3="$1 --config=/dev/null --no-ssl --host=$host --host-bucket=$host --access_key=test --secret_key=test --no-progress"
do_s3() { $s3 --quiet "$@"; }
here=$WORK/here there=$WORK/there
mkdir -p "$here/deep" "$there"
echo one > "$here/one.txt"
echo 'grüße' > "$here/deep/two words+&.txt"
head -c 12582912 /dev/urandom > "$WORK/large.bin"

do_s3 mb s3://cmd
do_s3 sync "$here/" s3://cmd/base/
do_s3 sync s3://cmd/base/ "$there/"
diff -r "$here" "$there"
[[ $($s3 sync "$here/" s3://cmd/base/) != *upload* ]]

# In parts, and back.
do_s3 put --multipart-chunk-size-mb=5 "$WORK/large.bin" s3://cmd/large.bin
do_s3 get s3://cmd/large.bin "$WORK/back.bin"
cmp "$WORK/large.bin" "$WORK/back.bin"
[[ $($s3 info s3://cmd/large.bin) == *12582912* ]]

# Copied, renamed, with metadata, and shown to those who have the address.
[[ $($s3 setacl --acl-public s3://cmd/large.bin 2>&1) == *'does not allow ACLs'* ]]
do_s3 setownership s3://cmd ObjectWriter # s3cmd copies lists too
do_s3 setblockpublicaccess s3://cmd BlockPublicPolicy
do_s3 cp s3://cmd/base/one.txt s3://cmd/copy.txt
do_s3 modify --add-header='Cache-Control: max-age=60' s3://cmd/copy.txt
do_s3 mv s3://cmd/copy.txt s3://cmd/moved.txt
[[ $(curl -s -D- -o/dev/null "$($s3 signurl s3://cmd/moved.txt +60)") == *max-age=60* ]]
[ "$(curl -s "$($s3 signurl s3://cmd/moved.txt +60)")" = one ]
do_s3 setacl --acl-public s3://cmd/moved.txt
[ "$(curl -s "$AWS_ENDPOINT_URL/cmd/moved.txt")" = one ]

[ "$($s3 ls --recursive s3://cmd | wc -l)" = 4 ]
do_s3 del --recursive --force s3://cmd
do_s3 rb s3://cmd
