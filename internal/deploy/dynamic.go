package deploy

import (
	"fmt"
	"regexp"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
)

var dynamicReference = regexp.MustCompile(`\{\{resolve:([a-z-]+):([^}]+)\}\}`)

// resolveDynamic replaces references to parameters and secrets in the properties
// of a step. What is remembered of the resource keeps the references.
func resolveDynamic(op *resource.Op) error {
	for _, properties := range []*map[string]any{&op.Old, &op.New} {
		v, err := replaceDynamic(*properties)
		if err != nil {
			return err
		}
		*properties, _ = v.(map[string]any)
	}
	return nil
}

func replaceDynamic(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v, nil
		}
		out := make(map[string]any, len(v))
		for key, member := range v {
			got, err := replaceDynamic(member)
			if err != nil {
				return nil, err
			}
			out[key] = got
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			got, err := replaceDynamic(element)
			if err != nil {
				return nil, err
			}
			out[i] = got
		}
		return out, nil
	case string:
		if m := dynamicReference.FindStringSubmatch(v); m != nil {
			return nil, noDynamic(m[1], m[0])
		}
	}
	return v, nil
}

func noDynamic(service, reference string) error {
	operation := map[string]string{"ssm": "ssm:GetParameter", "ssm-secure": "ssm:GetParameter", "secretsmanager": "secretsmanager:GetSecretValue"}[service]
	if operation == "" {
		return &resource.Refusal{Message: fmt.Sprintf("Invalid dynamic reference pattern in template: %s", reference)}
	}
	return aws.NotImplemented.Errorf("Could not resolve %s: Aloft does not answer %s yet.", reference, operation)
}
