package ses

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	identities = store.NewTable[aws.ARN, identity]("ses.identity")
	templates  = store.NewTable[aws.ARN, template]("ses.template")
	sets       = store.NewTable[aws.ARN, set]("ses.set")
	accounts   = store.NewTable[aws.ARN, account]("ses.account")
	suppressed = store.NewTable[addressKey, suppression]("ses.suppressed")
	counts     = store.NewTable[countKey, count]("ses.count")
	ruleSets   = store.NewTable[aws.ARN, ruleSet]("ses.ruleset")
	active     = store.NewTable[aws.ARN, string]("ses.active") // name of the active rule set of an account
	filters    = store.NewTable[aws.ARN, ses.ReceiptIpFilter]("ses.filter")
	// Templates of letters that verify addresses.
	verifications = store.NewTable[aws.ARN, verification]("ses.verification")
	arrivals      = store.NewTable[arrivalKey, arrival]("ses.arrival")
)

// An identity is an address or a domain that may send.
type identity struct {
	Token     string `json:",omitempty"` // that verifies it; "": it is verified
	Letter    string `json:",omitempty"` // template of the letter that verifies it; "": the usual one
	Created   time.Time
	Signing   bool                    // by DKIM, is wanted
	Forward   bool                    // bounces are to be forwarded
	MailFrom  string                  `json:",omitempty"`
	OnFailure string                  `json:",omitempty"` // of MX for MailFrom, as the second API has it
	Topics    map[string]notification `json:",omitempty"` // by type
	Policies  map[string]string       `json:",omitempty"`
	Set       string                  `json:",omitempty"` // configuration set of messages that name none
	Tags      map[string]string       `json:",omitempty"`
}

// A notification is where an identity's owner hears of a type of event.
type notification struct {
	Topic   string `json:",omitempty"`
	Headers bool   `json:",omitempty"` // of the message, are told too
}

func (i *identity) verified() bool { return i.Token == "" }

// A template is of messages.
type template struct {
	Subject, Text, HTML string
	Created             time.Time
	Tags                map[string]string `json:",omitempty"`
}

// A set is a configuration set. Options that change nothing here are kept as
// they were written.
type set struct {
	Created      time.Time
	Paused       bool                      `json:",omitempty"`
	Suppress     []string                  // reasons for which addresses get nothing; nil: those of the account
	Metrics      bool                      `json:",omitempty"` // of reputation, are wanted
	Destinations []destination             `json:",omitempty"`
	Tracking     *sesv2.TrackingOptions    `json:",omitempty"`
	Delivery     *sesv2.DeliveryOptions    `json:",omitempty"`
	VDM          *sesv2.VdmOptions         `json:",omitempty"`
	Suppression  *sesv2.SuppressionOptions `json:",omitempty"`
	Tags         map[string]string         `json:",omitempty"`
}

// A destination is where events of a configuration set go, as the second API has it.
type destination struct {
	Name string
	sesv2.EventDestinationDefinition
}

// An account is what is set for an account in a region. The zero value is that
// of one that nobody has set.
type account struct {
	Sandbox  bool
	Paused   bool
	Suppress []string // reasons; nil: both
	Details  *sesv2.AccountDetails
}

type addressKey struct {
	Account aws.ARN
	Address string
}

// A suppression is why an address gets nothing.
type suppression struct {
	Reason string // as the second API has it
	At     time.Time
}

// A countKey is a quarter of an hour.
type countKey struct {
	Account aws.ARN
	At      time.Time
}

// A count is what was sent in it.
type count struct{ Attempts, Bounces, Complaints, Rejects int64 }

// A ruleSet is receipt rules, in the order in which they are tried.
type ruleSet struct {
	Created time.Time
	Rules   []ses.ReceiptRule
}

// index is the place of a rule, or -1.
func (r *ruleSet) index(name string) int {
	return slices.IndexFunc(r.Rules, func(rule ses.ReceiptRule) bool { return rule.Name == name })
}

// An arrivalKey is mail that came for an account in a region.
type arrivalKey struct {
	Account aws.ARN
	ID      string
}

// An arrival is mail that came, and is there until all is done with it that the
// rules say which it met.
type arrival struct {
	At     time.Time
	From   string // whom bounces go to
	To     []string
	Head   string // headers that were put before the message, here and by rules
	Body   store.Body
	Checks checks
	Set    string // whose rules they are
	Rules  []met
	Rule   int // that is next
	Action int // of it that is next
}

// A met rule is one that mail has met, as it was when the mail came.
type met struct {
	ses.ReceiptRule
	For []string // recipients that it is about
}

func accountARN(call *aws.Call) aws.ARN { return call.ARN("ses", "") }

// Kinds of resources, as they begin.
const (
	identityKind     = "identity/"
	templateKind     = "template/"
	setKind          = "configuration-set/"
	ruleSetKind      = "receipt-rule-set/"
	filterKind       = "receipt-filter/"
	verificationKind = "custom-verification-email-template/"
)

// named is the resource of a kind and name.
func named(call *aws.Call, kind, name string) aws.ARN { return call.ARN("ses", kind+name) }

// nameOf is the name in a resource of that kind.
func nameOf(arn aws.ARN, kind string) string { return strings.TrimPrefix(arn.Resource, kind) }

// identityARN is the identity of an address or a domain. Case makes none else.
func identityARN(call *aws.Call, name string) aws.ARN {
	return named(call, identityKind, strings.ToLower(strings.TrimSpace(name)))
}

func findTemplate(tx *store.Tx, arn aws.ARN) (template, error) {
	row, err := templates.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, ses.TemplateDoesNotExistException.Errorf("Template %s does not exist", nameOf(arn, templateKind))
	}
	return row, err
}

func findSet(tx *store.Tx, arn aws.ARN) (set, error) {
	row, err := sets.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, ses.ConfigurationSetDoesNotExistException.Errorf("Configuration set <%s> does not exist.", nameOf(arn, setKind))
	}
	return row, err
}

// findIdentity returns an identity, or a refusal if there is no such.
func findIdentity(tx *store.Tx, arn aws.ARN) (identity, error) {
	row, err := identities.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, errIdentity.Errorf("Email identity %s does not exist.", nameOf(arn, identityKind))
	}
	return row, err
}

// findAccount returns what is set for an account.
func findAccount(tx *store.Tx, arn aws.ARN) (account, error) {
	row, err := accounts.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return account{}, nil
	}
	return row, err
}
