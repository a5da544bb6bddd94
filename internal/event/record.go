package event

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// kept are the services, by their names in ARNs, whose resources AWS delivers
// to and Aloft keeps as records.
var kept = map[string]bool{
	"batch": true, "codebuild": true, "codepipeline": true, "ecs": true, "glue": true, "inspector": true, "redshift": true,
	"redshift-serverless": true, "sagemaker": true, "ssm": true, "ssm-incidents": true, "timestream": true,
}

// builtIn begins the resource of what EventBridge does itself: snapshots of
// volumes, and stopping, rebooting and terminating instances.
const builtIn = "target/"

// ToRecord refuses a delivery to a resource that Aloft keeps as a record, and
// is nil for any other. Rules, pipes and schedules accept such targets, as AWS
// does, so that applications with them deploy; nothing pretends that they ran.
func ToRecord(target aws.ARN) error {
	switch {
	case kept[target.Service]:
		return aws.NotImplemented.Errorf("Aloft does not have targets of %s yet.", target.Service)
	case target.Service == "events" && strings.HasPrefix(target.Resource, builtIn):
		return aws.NotImplemented.Errorf("Aloft does not have the built-in target %s yet.", strings.TrimPrefix(target.Resource, builtIn))
	}
	return nil
}
