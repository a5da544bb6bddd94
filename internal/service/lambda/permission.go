package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxPolicy is how many bytes a resource policy has at most.
const maxPolicy = 20480

// AddPermission adds a statement to the policy of a function, version or alias.
func (s *Service) AddPermission(ctx context.Context, call *aws.Call, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.qualifier == latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	principal, err := parsePrincipal(in.Principal)
	if err != nil {
		return nil, err
	}
	st := statement{Sid: in.StatementId, Effect: "Allow", Principal: principal, Action: in.Action, Resource: r.arn().String()}
	st.addConditions(in)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		revision, err := findQualified(tx, r)
		if err != nil {
			return err
		}
		return s.addStatement(tx, policyKey{r.function, r.qualifier}, st, in.RevisionId, revision, "GetPolicy")
	})
	if err != nil {
		return nil, err
	}
	return &api.AddPermissionOutput{Statement: new(toJSON(st))}, nil
}

// addConditions makes conditions of what an input says.
func (st *statement) addConditions(in *api.AddPermissionInput) {
	add := func(operator, key string, value *string) {
		if value == nil {
			return
		}
		if st.Condition == nil {
			st.Condition = make(map[string]map[string]string)
		}
		if st.Condition[operator] == nil {
			st.Condition[operator] = make(map[string]string)
		}
		st.Condition[operator][key] = *value
	}
	add("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	add("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	add("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	add("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	add("ArnLike", "AWS:SourceArn", in.SourceArn)
	if in.InvokedViaFunctionUrl != nil && *in.InvokedViaFunctionUrl {
		add("Bool", "lambda:InvokedViaFunctionUrl", new("true"))
	}
}

// parsePrincipal is a policy's principal for an account, an ARN, a service or everybody.
func parsePrincipal(text string) (json.RawMessage, error) {
	kind := "Service"
	switch {
	case text == "*":
		return json.RawMessage(`"*"`), nil
	case len(text) == 12 && isNumber(text):
		kind, text = "AWS", "arn:aws:iam::"+text+":root"
	case strings.HasPrefix(text, "arn:"):
		kind = "AWS"
		if arn, err := aws.ParseARN(text); err != nil || arn.Service != "iam" && arn.Service != "sts" {
			return nil, errPrincipal()
		}
	case !strings.HasSuffix(text, ".amazonaws.com") && !strings.HasSuffix(text, ".amazon.com"):
		return nil, errPrincipal()
	}
	return json.RawMessage(toJSON(map[string]string{kind: text})), nil
}

func errPrincipal() error {
	return invalid("The provided principal was invalid. Please check the principal and try again.")
}

// findQualified checks that there is what r names, and returns its revision.
func findQualified(tx *store.Tx, r ref) (string, error) {
	row, err := findFunction(tx, r.function)
	switch {
	case err != nil:
		return "", err
	case r.qualifier == "":
		return row.Latest.Revision, nil
	case isAlias(r.qualifier):
		a, err := findAlias(tx, aliasKey{r.function, r.qualifier})
		return a.Revision, err
	}
	v, _, err := findVersion(tx, r)
	return v.Revision, err
}

// addStatement adds st to a policy, if the revision that the caller expects is
// that of the policy or, if there is none yet, that of the resource.
func (s *Service) addStatement(tx *store.Tx, key policyKey, st statement, expected *string, resource, get string) error {
	p, err := policies.Get(tx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		p.Revision = resource
	case err != nil:
		return err
	}
	if expected != nil && *expected != p.Revision {
		return errRevision(get)
	}
	if slices.ContainsFunc(p.Statements, func(old statement) bool { return old.Sid == st.Sid }) {
		return errStatementExists(st.Sid)
	}
	p.Statements = append(p.Statements, st)
	p.Revision = aws.NewRequestID()
	if n := len(p.document()); n > maxPolicy {
		return api.PolicyLengthExceededException.Errorf("The final policy size (%d) is bigger than the limit (%d).", n, maxPolicy)
	}
	tx.AfterCommit(func() { s.epoch.Add(1) })
	return policies.Put(tx, key, p)
}

// RemovePermission removes a statement from the policy of a function, version or alias.
func (s *Service) RemovePermission(ctx context.Context, call *aws.Call, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := functions.Has(tx, r.function); err != nil || !exists {
			return cmp.Or(err, notFound("No policy found for: %s", r.arn()))
		}
		if _, err := findQualified(tx, r); err != nil {
			return err
		}
		return s.removeStatement(tx, policyKey{r.function, r.qualifier}, in.StatementId, in.RevisionId, "GetPolicy")
	})
	if err != nil {
		return nil, err
	}
	return &api.RemovePermissionOutput{}, nil
}

// removeStatement removes a statement from a policy.
func (s *Service) removeStatement(tx *store.Tx, key policyKey, sid string, expected *string, get string) error {
	p, err := policies.Get(tx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errNoPolicy()
	case err != nil:
		return err
	case expected != nil && *expected != p.Revision:
		return errRevision(get)
	}
	n := len(p.Statements)
	p.Statements = slices.DeleteFunc(p.Statements, func(st statement) bool { return st.Sid == sid })
	if len(p.Statements) == n {
		return notFound("Statement %s is not found in resource policy.", sid)
	}
	tx.AfterCommit(func() { s.epoch.Add(1) })
	if len(p.Statements) == 0 {
		return policies.Delete(tx, key)
	}
	p.Revision = aws.NewRequestID()
	return policies.Put(tx, key, p)
}

// GetPolicy returns the policy of a function, version or alias.
func (s *Service) GetPolicy(ctx context.Context, call *aws.Call, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p, err := s.findPolicy(ctx, policyKey{r.function, r.qualifier})
	if errors.Is(err, store.ErrNotFound) {
		err = errNoResource()
	}
	if err != nil {
		return nil, err
	}
	return &api.GetPolicyOutput{Policy: new(p.document()), RevisionId: &p.Revision}, nil
}

func (s *Service) findPolicy(ctx context.Context, key policyKey) (p policy, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err = policies.Get(tx, key)
		return err
	})
	return p, err
}

// policy is the resource policy of a function, a version or an alias, or of a
// layer's version.
func (s *Service) policy(ctx context.Context, resource aws.ARN) (string, error) {
	key := policyKey{Resource: resource}
	if kind, rest, ok := strings.Cut(resource.Resource, ":"); ok {
		name, qualifier, _ := strings.Cut(rest, ":")
		key.Resource.Resource, key.Qualifier = kind+":"+name, qualifier
	}
	p, err := s.findPolicy(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return p.document(), nil
}

// document is a policy in the language of policies.
func (p *policy) document() string {
	return toJSON(struct {
		Version   string
		Id        string
		Statement []statement
	}{"2012-10-17", "default", p.Statements})
}
