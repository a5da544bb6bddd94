package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

var dynamicReference = regexp.MustCompile(`\{\{resolve:([a-z-]+):([^}]+)\}\}`)

// resolveDynamic replaces references to parameters and secrets in the properties
// of a step. What is remembered of the resource keeps the references.
func resolveDynamic(op *resource.Op) error {
	for _, properties := range []*map[string]any{&op.Old, &op.New} {
		v, err := replaceDynamic(op, *properties)
		if err != nil {
			return err
		}
		*properties, _ = v.(map[string]any)
	}
	return nil
}

func replaceDynamic(op *resource.Op, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v, nil
		}
		out := make(map[string]any, len(v))
		for key, member := range v {
			got, err := replaceDynamic(op, member)
			if err != nil {
				return nil, err
			}
			out[key] = got
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			got, err := replaceDynamic(op, element)
			if err != nil {
				return nil, err
			}
			out[i] = got
		}
		return out, nil
	case string:
		return replaceText(op, v)
	}
	return v, nil
}

func replaceText(op *resource.Op, text string) (string, error) {
	var failed error
	out := dynamicReference.ReplaceAllStringFunc(text, func(reference string) string {
		m := dynamicReference.FindStringSubmatch(reference)
		v, err := dynamic(op, m[1], m[2], reference)
		if err != nil && failed == nil {
			failed = err
		}
		return v
	})
	return out, failed
}

// dynamic finds what a reference refers to.
func dynamic(op *resource.Op, service, name, reference string) (string, error) {
	switch service {
	case "ssm", "ssm-secure":
		return Stored(op.Ctx, op.Table, op.Call, name)
	case "secretsmanager":
		return secret(op, name, reference)
	}
	return "", &resource.Refusal{Message: fmt.Sprintf("Invalid dynamic reference pattern in template: %s", reference)}
}

// Stored returns the value of a parameter of Systems Manager, by its name and,
// after a colon, its version.
func Stored(ctx context.Context, table *dispatch.Table, call *aws.Call, name string) (string, error) {
	var out struct{ Parameter struct{ Value string } }
	err := askJSON(ctx, table, call, "ssm", "GetParameter", map[string]any{"Name": name, "WithDecryption": true}, &out)
	if refusal := aws.Refusal(err); err != nil && strings.HasPrefix(refusal.Code, "Parameter") {
		return "", &resource.Refusal{Message: "Parameters: [ssm:" + name + "] cannot be found."}
	}
	return out.Parameter.Value, err
}

// secret returns a secret, or a member of one: SECRET:SecretString:member:stage:version.
func secret(op *resource.Op, name, reference string) (string, error) {
	id, rest := name, ""
	if i := strings.Index(name, ":SecretString"); i >= 0 {
		id, rest = name[:i], name[i+len(":SecretString"):]
	}
	parts := append(strings.Split(strings.TrimPrefix(rest, ":"), ":"), "", "")
	in := map[string]any{"SecretId": id}
	if parts[1] != "" {
		in["VersionStage"] = parts[1]
	}
	if parts[2] != "" {
		in["VersionId"] = parts[2]
	}
	var out struct{ SecretString string }
	if err := askJSON(op.Ctx, op.Table, op.Call, "secretsmanager", "GetSecretValue", in, &out); err != nil || parts[0] == "" {
		return out.SecretString, err
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(out.SecretString), &members); err != nil {
		return "", &resource.Refusal{Message: "Could not parse SecretString JSON of " + reference}
	}
	v, has := members[parts[0]]
	if !has {
		return "", &resource.Refusal{Message: "Could not find a value associated with JSONKey in SecretString"}
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	return resource.JSON(v), nil
}

// askJSON runs an operation of a service that need not be there.
func askJSON(ctx context.Context, table *dispatch.Table, call *aws.Call, service, operation string, in, out any) error {
	if _, err := table.Find(service, operation); err != nil {
		return aws.NotImplemented.Errorf("Aloft does not answer %s:%s yet.", service, operation)
	}
	mine := *call
	mine.RequestID = aws.NewRequestID()
	text, err := table.CallJSON(ctx, &mine, service, operation, []byte(resource.JSON(in)))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}
