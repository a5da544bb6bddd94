package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Use is what a document is kept for. Each has rules of its own.
type Use uint8

// Uses of documents.
const (
	ForIdentity Use = iota // inline, of a user, group or role; or of a session
	ForManaged             // a policy of its own
	ForTrust               // who may take on a role
	ForResource            // of a bucket, a queue, a function
)

var (
	errSyntax = refuse("Syntax errors in policy.")
	errLegacy = refuse("The policy failed legacy parsing")
)

// words are an error as AWS spells it, which is not as Go does.
type words string

func (w words) Error() string { return string(w) }

func refuse(format string, args ...any) error { return words(fmt.Sprintf(format, args...)) }

var (
	sidForm    = regexp.MustCompile(`^[0-9A-Za-z]*$`)
	vendorForm = regexp.MustCompile(`^[a-zA-Z0-9.-]+$`)
)

// Check reports in AWS's words what keeps text from being a document for a use.
// The order is AWS's too: a text with several faults is refused for the same one.
func Check(text string, use Use) error {
	src, err := parseSource(text)
	if err != nil {
		return err
	}
	switch use {
	case ForTrust:
		return src.checkTrust()
	case ForResource:
		return src.checkResourcePolicy()
	}
	for _, s := range src.statements {
		if s.principals != nil || s.notPrincipals != nil {
			return refuse("Policy document should not specify a principal.")
		}
	}
	if use == ForManaged && src.version != version2012 {
		return refuse("Policy document must be version 2012-10-17 or greater.")
	}
	if err := src.checkLegacy(); err != nil {
		return err
	}
	resourceErr := src.checkResources()
	if errors.Is(resourceErr, errLegacy) {
		return errLegacy
	}
	if err := src.checkSids(); err != nil {
		return err
	}
	if err := src.checkHasActions(); err != nil {
		return err
	}
	if resourceErr != nil {
		return resourceErr
	}
	if err := src.checkActions(); err != nil {
		return err
	}
	for _, s := range src.statements {
		if len(s.resources)+len(s.notResource) == 0 {
			return refuse("Policy statement must contain resources.")
		}
	}
	return nil
}

// checkLegacy checks what the oldest parser of IAM minds.
func (src *source) checkLegacy() error {
	for _, s := range src.statements {
		if s.effect != "Allow" && s.effect != "Deny" {
			return errLegacy
		}
		for _, c := range s.conditions {
			compiled, ok := newCondition(c.operator, c.key, c.values, false)
			if !ok || compiled.op.family != dateFamily {
				continue
			}
			if slices.ContainsFunc(c.values, func(v string) bool { return !isDate(v) }) {
				return errLegacy
			}
		}
	}
	return nil
}

var dateForm = regexp.MustCompile(`(?i)^-?\d{1,9}(-(0?[1-9]|1[0-2])(-(0?[1-9]|[12]\d|3[01]))?)?` +
	`(t(([01]?\d|2[0-3])(:[0-5]?\d(:[0-5]?\d(\.\d{1,9})?(z|[+-]([01]\d|2[0-3])(:[0-5]\d)?)?)?)?)?)?$`)

var secondsForm = regexp.MustCompile(`^\d{1,19}$`)

// isDate reports whether s is a date by the oldest parser, which takes more
// than has a meaning.
func isDate(s string) bool {
	if secondsForm.MatchString(s) {
		return len(s) < 19 || s <= "9223372036854775807"
	}
	return dateForm.MatchString(s)
}

func (src *source) checkSids() error {
	seen := make(map[string]bool)
	for _, s := range src.statements {
		if !sidForm.MatchString(s.sid) {
			return refuse("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		}
		if s.sid != "" && seen[s.sid] {
			return refuse("Statement IDs (SID) in a single policy must be unique.")
		}
		seen[s.sid] = true
	}
	return nil
}

func (src *source) checkHasActions() error {
	for _, s := range src.statements {
		if len(s.actions)+len(s.notActions) == 0 {
			return refuse("Policy statement must contain actions.")
		}
	}
	return nil
}

func (src *source) checkActions() error {
	for _, s := range src.statements {
		for _, action := range slices.Concat(s.actions, s.notActions) {
			if action == "*" {
				continue
			}
			vendor, name, found := strings.Cut(action, ":")
			switch {
			case !found:
				return refuse("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			case strings.Contains(name, ":"):
				return refuse("Actions/Condition can contain only one colon.")
			case vendor != "*" && !vendorForm.MatchString(vendor):
				return refuse("Vendor %s is not valid", vendor)
			}
		}
	}
	return nil
}

// checkResources returns the first fault in how resources are written. One
// that the oldest parser finds goes before those in later statements alone.
func (src *source) checkResources() error {
	for _, s := range src.statements {
		all := slices.Concat(s.resources, s.notResource)
		for _, r := range all {
			if err := checkResource(r); err != nil {
				return err
			}
		}
		for _, r := range all {
			if f := strings.Split(r, ":"); r != "*" && (len(f) < 6 && strings.Contains(r, "::") || len(f) > 2 && f[2] == "") {
				return errLegacy
			}
		}
	}
	return nil
}

var iamPaths = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// checkResource checks one value of Resource.
func checkResource(r string) error {
	if r == "*" {
		return nil
	}
	f := strings.SplitN(r, ":", 6)
	if len(f) == 1 {
		return refuse(`Resource %s must be in ARN format or "*".`, r)
	}
	if f[1] != "aws" && f[1] != "*" {
		shown := []string{"*", "*", "*", "*"}
		copy(shown, f[2:])
		return refuse("Partition %q is not valid for resource \"arn:%s:%s\".", f[1], f[1], strings.Join(shown, ":"))
	}
	if len(f) == 2 {
		return refuse("Resource vendor must be fully qualified and cannot contain regexes.")
	}
	for len(f) < 6 {
		f = append(f, "")
	}
	region, account, path := f[3], f[4], f[5]
	switch {
	case f[2] == "iam" && region != "":
		return refuse("IAM resource %s cannot contain region information.", r)
	case f[2] == "s3" && region != "" && account == "" && strings.Count(r, ":") >= 5:
		return refuse("Resource %s can not contain region information.", r)
	case f[2] == "iam" && path != "*" && strings.Count(r, ":") >= 5 &&
		!slices.ContainsFunc(iamPaths, func(p string) bool { return strings.HasPrefix(path, p) }):
		return refuse("IAM resource path must either be \"*\" or start with %s.", strings.Join(iamPaths, ", "))
	}
	return nil
}

// checkTrust checks who may take on a role.
func (src *source) checkTrust() error {
	if err := src.checkLegacy(); err != nil {
		return err
	}
	for _, s := range src.statements {
		switch {
		case s.resources != nil:
			return refuse("Has prohibited field Resource")
		case s.notResource != nil:
			return refuse("Has prohibited field NotResource")
		case s.notPrincipals != nil:
			return refuse("Has prohibited field NotPrincipal")
		case s.principals == nil:
			return refuse("Missing required field Principal")
		case len(s.actions)+len(s.notActions) == 0:
			return refuse("Missing required field Action")
		}
		for _, action := range s.actions {
			if action != "*" && !strings.HasPrefix(strings.ToLower(action), "sts:") {
				return refuse("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
	}
	if err := src.checkActions(); err != nil {
		return err
	}
	return src.checkPrincipals()
}

func (src *source) checkPrincipals() error {
	for _, s := range src.statements {
		all := slices.Concat(s.principals, s.notPrincipals)
		if len(all) == 0 {
			return refuse("Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!")
		}
		for _, p := range all {
			if !p.valid() {
				return ErrPrincipal(p.kind, p.name)
			}
		}
	}
	return nil
}

// ErrPrincipal refuses a document for a principal that there is not.
func ErrPrincipal(kind, name string) error {
	if kind == "Service" {
		kind = "SERVICE"
	}
	return refuse("Invalid principal in policy: %q:%q", kind, name)
}

var (
	principalForm = regexp.MustCompile(`^(\*|\d{12}|A[A-Z]{3}[A-Z0-9]{13,}|arn:aws:(iam|sts)::(\d{12}|cloudfront):[^*?]+)$`)
	serviceForm   = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com|aws\.internal|amazon\.com)$`)
)

func (p sourcePrincipal) valid() bool {
	switch p.kind {
	case "AWS":
		return principalForm.MatchString(p.name)
	case "Service":
		return serviceForm.MatchString(p.name)
	}
	return p.name != ""
}

// checkResourcePolicy checks what all services mind in policies of resources.
func (src *source) checkResourcePolicy() error {
	for _, s := range src.statements {
		switch {
		case s.effect != "Allow" && s.effect != "Deny":
			return refuse("Invalid effect: %s", s.effect)
		case s.principals == nil && s.notPrincipals == nil:
			return refuse("Missing required field Principal")
		case len(s.actions)+len(s.notActions) == 0:
			return refuse("Missing required field Action")
		}
	}
	if err := src.checkActions(); err != nil {
		return err
	}
	return src.checkPrincipals()
}

// Principals returns the ARNs of users and roles that a document names, so
// that whoever keeps it may look whether there are such.
func (d *Document) Principals() []string {
	var arns []string
	for _, s := range d.source.statements {
		for _, p := range slices.Concat(s.principals, s.notPrincipals) {
			if p.kind == "AWS" && strings.HasPrefix(p.name, "arn:") && !strings.HasSuffix(p.name, ":root") {
				arns = append(arns, p.name)
			}
		}
	}
	return arns
}
