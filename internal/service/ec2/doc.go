// Package ec2 keeps the networks of accounts as Amazon EC2 describes them: VPCs,
// subnets, route tables, gateways, addresses, security groups, endpoints and ACLs.
//
// They are records. What is made is kept, can be found again and depends on each
// other as in AWS, and no packet goes through it: functions reach what the operator lets them reach. No instance runs here, so
// the operations of instances and images are refused by name.
//
// An account has from the start, in each region, what AWS gives to new ones: a
// default VPC with a subnet in each zone. It is made when a region is first asked.
//
//   - service.go: the table, and what all operations have in common
//   - store.go: kinds of records, their ids and tags
//   - describe.go, filter.go: what is asked of many
//   - default.go: what an account has from the start
//   - vpc.go, subnet.go, route.go, gateway.go, group.go, rule.go, endpoint.go,
//     acl.go, dhcp.go, tag.go, image.go, account.go: the operations
package ec2
