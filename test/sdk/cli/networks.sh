#!/usr/bin/env bash
# The default network, one of our own, and groups with rules, with the AWS CLI, $1.
set -euo pipefail
ec2="$1 ec2 --endpoint-url $AWS_ENDPOINT_URL --output text"
vpc=$($ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId')
[[ $vpc = vpc-* ]]
[ "$($ec2 describe-vpcs --vpc-ids "$vpc" --query 'Vpcs[0].CidrBlock')" = 172.31.0.0/16 ]
[ "$($ec2 describe-subnets --filters "Name=vpc-id,Values=$vpc" --query 'length(Subnets)')" -ge 2 ]
[ "$($ec2 describe-security-groups --filters "Name=vpc-id,Values=$vpc" Name=group-name,Values=default --query 'length(SecurityGroups)')" = 1 ]

group=$($ec2 create-security-group --group-name web --description 'the web' --vpc-id "$vpc" --query GroupId)
! $ec2 create-security-group --group-name web --description again --vpc-id "$vpc" 2> "$WORK/error"
grep -q 'InvalidGroup.Duplicate' "$WORK/error"
$ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 443 --cidr 0.0.0.0/0 > /dev/null
! $ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 443 --cidr 0.0.0.0/0 2> "$WORK/error"
grep -q 'InvalidPermission.Duplicate' "$WORK/error"
[ "$($ec2 describe-security-groups --group-ids "$group" --query 'SecurityGroups[0].IpPermissions[0].[FromPort,ToPort,IpProtocol,IpRanges[0].CidrIp]')" = $'443\t443\ttcp\t0.0.0.0/0' ]
rule=$($ec2 describe-security-group-rules --filters "Name=group-id,Values=$group" --query 'SecurityGroupRules[?!IsEgress].SecurityGroupRuleId')
$ec2 revoke-security-group-ingress --group-id "$group" --security-group-rule-ids "$rule" > /dev/null
[ "$($ec2 describe-security-groups --group-ids "$group" --query 'length(SecurityGroups[0].IpPermissions)')" = 0 ]

own=$($ec2 create-vpc --cidr-block 10.1.0.0/16 --tag-specifications 'ResourceType=vpc,Tags=[{Key=Name,Value=own}]' --query Vpc.VpcId)
subnet=$($ec2 create-subnet --vpc-id "$own" --cidr-block 10.1.1.0/24 --query Subnet.SubnetId)
! $ec2 create-subnet --vpc-id "$own" --cidr-block 10.1.1.128/25 2> "$WORK/error"
grep -q 'InvalidSubnet.Conflict' "$WORK/error"
! $ec2 delete-vpc --vpc-id "$own" 2> "$WORK/error"
grep -q 'DependencyViolation' "$WORK/error"
gateway=$($ec2 create-internet-gateway --query InternetGateway.InternetGatewayId)
$ec2 attach-internet-gateway --internet-gateway-id "$gateway" --vpc-id "$own"
table=$($ec2 create-route-table --vpc-id "$own" --query RouteTable.RouteTableId)
$ec2 create-route --route-table-id "$table" --destination-cidr-block 0.0.0.0/0 --gateway-id "$gateway" > /dev/null
$ec2 associate-route-table --route-table-id "$table" --subnet-id "$subnet" > /dev/null
[ "$($ec2 describe-route-tables --filters "Name=association.subnet-id,Values=$subnet" --query 'RouteTables[0].RouteTableId')" = "$table" ]
[ "$($ec2 describe-vpcs --filters Name=tag:Name,Values=own --query 'Vpcs[].VpcId')" = "$own" ]
! $ec2 describe-vpcs --vpc-ids vpc-00000000 2> "$WORK/error"
grep -q 'InvalidVpcID.NotFound' "$WORK/error"
