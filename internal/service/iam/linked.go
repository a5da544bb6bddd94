package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// linkedPath begins the paths of roles that services make for themselves.
const linkedPath = "/aws-service-role/"

func isLinked(row *identity) bool { return strings.HasPrefix(row.Path, linkedPath) }

// linkedRoles are the names of service-linked roles after "AWSServiceRoleFor",
// by service.
var linkedRoles = map[string]string{
	"apidestinations.events":           "AmazonEventBridgeApiDestinations",
	"autoscaling":                      "AutoScaling",
	"backup":                           "Backup",
	"batch":                            "Batch",
	"cks.kms":                          "KeyManagementServiceCustomKeyStores",
	"cloudtrail":                       "CloudTrail",
	"config":                           "Config",
	"connect":                          "AmazonConnect",
	"dynamodb.application-autoscaling": "ApplicationAutoScaling_DynamoDBTable",
	"ecs":                              "ECS",
	"eks":                              "AmazonEKS",
	"elasticache":                      "ElastiCache",
	"elasticbeanstalk":                 "ElasticBeanstalk",
	"elasticfilesystem":                "AmazonElasticFileSystem",
	"elasticloadbalancing":             "ElasticLoadBalancing",
	"email.cognito-idp":                "AmazonCognitoIdpEmailService",
	"es":                               "AmazonElasticsearchService",
	"kafka":                            "Kafka",
	"lambda.application-autoscaling":   "ApplicationAutoScaling_LambdaConcurrency",
	"lexv2":                            "LexV2Bots",
	"logger.cloudfront":                "CloudFrontLogger",
	"mrk.kms":                          "KeyManagementServiceMultiRegionKeys",
	"opensearchservice":                "AmazonOpenSearchService",
	"ops.apigateway":                   "APIGateway",
	"rds":                              "RDS",
	"replication.dynamodb":             "DynamoDBReplication",
	"replication.ecr":                  "ECRReplication",
	"replicator.lambda":                "LambdaReplicator",
	"ses":                              "AmazonSES",
	"ssm":                              "AmazonSSM",
	"waf":                              "WAFLogging",
	"wafv2":                            "WAFV2Logging",
}

// linkedWithSuffix are the services that may have several roles.
var linkedWithSuffix = []string{"autoscaling", "connect", "lexv2"}

// linkedRole is the role that in is about to make.
func linkedRole(in *api.CreateServiceLinkedRoleInput) (identity, bool) {
	label := strings.TrimSuffix(in.AWSServiceName, ".amazonaws.com")
	name, known := linkedRoles[label]
	name = "AWSServiceRoleFor" + cmp.Or(name, label)
	if in.CustomSuffix != nil {
		name += "_" + *in.CustomSuffix
	}
	return identity{
		Name: name, Path: linkedPath + in.AWSServiceName + "/", Description: aws.Value(in.Description), MaxSession: usualSession,
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + in.AWSServiceName + `"},"Action":"sts:AssumeRole"}]}`,
	}, known
}

// linkedRoleNew is what CreateServiceLinkedRole is about.
func linkedRoleNew(call *aws.Call, in *api.CreateServiceLinkedRoleInput) aws.ARN {
	row, _ := linkedRole(in)
	return row.arn(call.Account, role)
}

// CreateServiceLinkedRole adds a role that only a service can take on.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, call *aws.Call, in *api.CreateServiceLinkedRoleInput) (*api.CreateServiceLinkedRoleOutput, error) {
	row, known := linkedRole(in)
	if in.CustomSuffix != nil && !slices.Contains(linkedWithSuffix, strings.TrimSuffix(in.AWSServiceName, ".amazonaws.com")) {
		return nil, api.InvalidInputException.Errorf("Custom suffix is not allowed for %s", in.AWSServiceName)
	}
	if !known {
		return nil, api.InvalidInputException.Errorf("Aloft knows no service-linked role of %s", in.AWSServiceName)
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		row.ID, row.Created = newID("AROA"), now()
		switch taken, err := identities.Has(tx, newNameKey(call.Account, role, row.Name)); {
		case err != nil:
			return err
		case taken:
			return api.InvalidInputException.Errorf("Service role name %s has been taken in this account, please try a different suffix.", row.Name)
		}
		return createIdentity(tx, call.Account, role, row)
	})
	return &api.CreateServiceLinkedRoleOutput{Role: describeRole(call.Account, &row)}, err
}

// DeleteServiceLinkedRole deletes a service-linked role, at once.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, call *aws.Call, in *api.DeleteServiceLinkedRoleInput) (*api.DeleteServiceLinkedRoleOutput, error) {
	var id string
	err := s.remove(ctx, call, role, in.RoleName, func(_ *store.Tx, row *identity, _ aws.ARN) error {
		if !isLinked(row) {
			return errNone("role", in.RoleName)
		}
		id = "task" + row.Path + row.Name + "/" + aws.NewRequestID()
		return nil
	})
	return &api.DeleteServiceLinkedRoleOutput{DeletionTaskId: id}, err
}

// GetServiceLinkedRoleDeletionStatus says that the role is gone, which it was
// when the task got its id.
func (s *Service) GetServiceLinkedRoleDeletionStatus(ctx context.Context, call *aws.Call, in *api.GetServiceLinkedRoleDeletionStatusInput) (*api.GetServiceLinkedRoleDeletionStatusOutput, error) {
	if parts := strings.Split(in.DeletionTaskId, "/"); len(parts) != 5 || parts[0]+"/"+parts[1] != "task/aws-service-role" {
		return nil, api.NoSuchEntityException.Errorf("Could not find deletion task %s", in.DeletionTaskId)
	}
	return &api.GetServiceLinkedRoleDeletionStatusOutput{Status: api.DeletionTaskStatusTypeSucceeded}, nil
}
