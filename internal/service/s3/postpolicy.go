package s3

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
)

// A postPolicy says which forms may be posted: those that meet all conditions,
// and have no field besides.
type postPolicy struct {
	Expiration time.Time         `json:"expiration"`
	Conditions []json.RawMessage `json:"conditions"`
}

// checkForm refuses a form that its policy does not allow, and returns how
// large its file may be.
func checkForm(text string, f *form) (sizes, error) {
	limits := sizes{0, maxContent}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return limits, api.InvalidPolicyDocument.Errorf("Invalid Policy: Invalid Base64.")
	}
	var p postPolicy
	if err := json.Unmarshal(b, &p); err != nil {
		return limits, api.InvalidPolicyDocument.Errorf("Invalid Policy: Invalid JSON.")
	}
	switch {
	case p.Expiration.IsZero():
		return limits, api.InvalidPolicyDocument.Errorf("Invalid Policy: Policy missing expiration.")
	case p.Conditions == nil:
		return limits, api.InvalidPolicyDocument.Errorf("Invalid Policy: Policy missing conditions.")
	case !time.Now().Before(p.Expiration):
		return limits, api.AccessDenied.Errorf("Invalid according to Policy: Policy expired.")
	}
	met := map[string]bool{"policy": true, "x-amz-signature": true, "file": true, "bucket": true, "awsaccesskeyid": true, "signature": true}
	for _, c := range p.Conditions {
		if err := checkCondition(c, f, met, &limits); err != nil {
			return limits, err
		}
	}
	var extra []string
	for name := range f.fields {
		if !met[name] && !strings.HasPrefix(name, "x-ignore-") {
			extra = append(extra, name)
		}
	}
	if slices.Sort(extra); len(extra) > 0 {
		return limits, api.AccessDenied.Errorf("Invalid according to Policy: Extra input fields: %s", strings.Join(extra, ", "))
	}
	return limits, nil
}

// checkCondition refuses a form that does not meet a condition, which is an
// object of one member or an array of three. It notes the field in met.
func checkCondition(c json.RawMessage, f *form, met map[string]bool, limits *sizes) error {
	var exact map[string]string
	if json.Unmarshal(c, &exact) == nil && len(exact) == 1 {
		for name, want := range exact {
			name = strings.ToLower(name)
			if met[name] = true; f.fields[name] != want {
				return api.AccessDenied.Errorf("Invalid according to Policy: Policy Condition failed: [\"eq\", \"$%s\", \"%s\"]", name, want)
			}
		}
		return nil
	}
	var list []any
	if json.Unmarshal(c, &list) != nil || len(list) != 3 {
		return api.InvalidPolicyDocument.Errorf("Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
	}
	operator := strings.ToLower(fmt.Sprint(list[0]))
	if operator == "content-length-range" {
		least, ok := list[1].(float64)
		most, okay := list[2].(float64)
		if !ok || !okay || least < 0 || most < least {
			return api.InvalidPolicyDocument.Errorf("Invalid Policy: Invalid content-length-range.")
		}
		*limits = sizes{int64(least), min(int64(most), maxContent)}
		return nil
	}
	name, isField := strings.CutPrefix(strings.ToLower(fmt.Sprint(list[1])), "$")
	want, ok := list[2].(string)
	if !ok {
		return api.InvalidPolicyDocument.Errorf("Invalid Policy: Invalid %s condition.", operator)
	}
	met[name] = true
	got := f.fields[name]
	switch operator {
	case "eq":
		ok = got == want
	case "starts-with":
		ok = strings.HasPrefix(got, want)
	default:
		return api.InvalidPolicyDocument.Errorf("Invalid Policy: Invalid Condition: unknown operation '%s'.", operator)
	}
	if !ok || !isField {
		return api.AccessDenied.Errorf("Invalid according to Policy: Policy Condition failed: [%q, %q, %q]", list[0], list[1], want)
	}
	return nil
}
