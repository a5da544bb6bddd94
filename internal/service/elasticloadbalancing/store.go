package elasticloadbalancing

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"iter"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const serviceName = "elasticloadbalancing"

var (
	balancers = kind[balancer]{
		store.NewTable[aws.ARN, balancer]("elasticloadbalancing.balancer"), "loadbalancer/", "load balancer",
		func(arn string) error {
			return api.LoadBalancerNotFoundException.Errorf("Load balancers '[%s]' not found", arn)
		},
	}
	listeners = kind[listener]{
		store.NewTable[aws.ARN, listener]("elasticloadbalancing.listener"), "listener/", "listener",
		func(string) error { return api.ListenerNotFoundException.Errorf("One or more listeners not found") },
	}
	rules = kind[rule]{
		store.NewTable[aws.ARN, rule]("elasticloadbalancing.rule"), "listener-rule/", "listener rule",
		func(string) error { return api.RuleNotFoundException.Errorf("One or more rules not found") },
	}
	groups = kind[group]{
		store.NewTable[aws.ARN, group]("elasticloadbalancing.targetgroup"), "targetgroup/", "target group",
		func(string) error {
			return api.TargetGroupNotFoundException.Errorf("One or more target groups not found")
		},
	}
)

// A balancer is a load balancer. What answers show of it is kept as it is there.
type balancer struct {
	api.LoadBalancer
	Label      string            // of its host: "web-1234567890"
	Attributes map[string]string `json:",omitempty"` // that were changed
	Tags       map[string]string `json:",omitempty"`
}

func (b *balancer) network() bool { return *b.Type == api.LoadBalancerTypeEnumNetwork }

// A listener is one, but for its default actions: those are its last rule's.
type listener struct {
	api.Listener
	Default    aws.ARN             // the rule for what no other is for
	More       []string            `json:",omitempty"` // certificates besides the default
	Names      map[string][]string `json:",omitempty"` // of its certificates, by ARN
	Attributes map[string]string   `json:",omitempty"`
	Tags       map[string]string   `json:",omitempty"`
}

// A rule is one of a listener. The secrets of its actions are not in them.
type rule struct {
	api.Rule
	Secret []byte            `json:",omitempty"` // of the client that its action signs in by, sealed
	Tags   map[string]string `json:",omitempty"`
}

// A group is a target group, with its targets.
type group struct {
	api.TargetGroup
	Targets    []api.TargetDescription `json:",omitempty"`
	Attributes map[string]string       `json:",omitempty"`
	Tags       map[string]string       `json:",omitempty"`
}

func (g *group) is(target string) bool { return *g.TargetType == target }

// A kind is what there is of one sort.
type kind[V any] struct {
	store.Table[aws.ARN, V]
	prefix  string // of the resource in ARNs
	name    string // in refusals
	missing func(arn string) error
}

// parse returns the ARN that a caller means, of its own account and region.
func (k *kind[V]) parse(call *aws.Call, text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != serviceName || !strings.HasPrefix(arn.Resource, k.prefix) {
		return arn, aws.ValidationException.Errorf("'%s' is not a valid %s ARN", text, k.name)
	}
	if arn.Account != call.Account || arn.Region != call.Region {
		return arn, k.missing(text)
	}
	return arn, nil
}

// find returns what an ARN names.
func (k *kind[V]) find(tx *store.Tx, call *aws.Call, text string) (aws.ARN, V, error) {
	var v V
	arn, err := k.parse(call, text)
	if err != nil {
		return arn, v, err
	}
	v, err = k.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = k.missing(text)
	}
	return arn, v, err
}

// of returns all of the kind that the account and region of arn have.
func (k *kind[V]) of(tx *store.Tx, arn aws.ARN) iter.Seq2[aws.ARN, V] {
	arn.Service, arn.Resource = serviceName, ""
	return k.Scan(tx, arn)
}

// below returns what of the kind belongs to arn: the listeners of a load
// balancer, the rules of a listener.
func (k *kind[V]) below(tx *store.Tx, arn aws.ARN) iter.Seq2[aws.ARN, V] {
	all, from := arn, arn
	all.Resource = ""
	_, rest, _ := strings.Cut(arn.Resource, "/")
	from.Resource = k.prefix + rest + "/"
	return func(yield func(aws.ARN, V) bool) {
		for at, v := range k.ScanAfter(tx, all, from) {
			if !strings.HasPrefix(at.Resource, from.Resource) || !yield(at, v) {
				return
			}
		}
	}
}

// belowARN is a new name of the kind, of what belongs to arn.
func (k *kind[V]) belowARN(arn aws.ARN) aws.ARN {
	_, rest, _ := strings.Cut(arn.Resource, "/")
	arn.Resource = k.prefix + rest + "/" + newID()
	return arn
}

// above is what arn belongs to, of the kind.
func (k *kind[V]) above(arn aws.ARN) aws.ARN {
	_, rest, _ := strings.Cut(arn.Resource, "/")
	arn.Resource = k.prefix + rest[:max(0, strings.LastIndexByte(rest, '/'))]
	return arn
}

// newID is the end of an ARN: 16 digits of base 16.
func newID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// bad refuses a request in words of the service's own.
func bad(format string, args ...any) error { return aws.ValidationException.Errorf(format, args...) }

// notYet refuses what AWS has and we have not.
func notYet(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not answer elasticloadbalancing with %s yet.", what)
}

// page cuts a list that is in order of its names.
func page[T any](all []T, size *int32, marker *string, name func(*T) string) ([]T, *string) {
	from := 0
	for marker != nil && from < len(all) && name(&all[from]) <= *marker {
		from++
	}
	all = all[from:]
	most := int(aws.Or(size, 400))
	if len(all) <= most {
		return all, nil
	}
	return all[:most], new(name(&all[most-1]))
}
