// Package service says what a service is. Each folder below it is one, and
// all of them have the same shape; see doc.go of package dynamodb for a tour.
package service

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A Definition is all the platform knows of a service.
type Definition struct {
	API        *smithy.Service // what it could answer: generated
	Also       []string        // other names of it in ARNs and in what requests are signed for: "s3-object-lambda"
	Operations []Operation     // what it does answer
	Tasks      []task.Task     // what it does in the background
	Hosts      []Host          // HTTP that is not the API: execute-api, websites
	Pages      []Page          // HTTP that is not the API either, by path

	// Receive says which operation answers a delivery to a resource of the
	// service. nil: nothing can be delivered to it.
	Receive event.Receiver

	// Dead returns the attributes of the dead letter of a delivery that the
	// service sent. nil: it has those of the message.
	Dead func(d *event.Delivery, why event.Failure) map[string]event.Attribute

	// Settled returns the delivery that reports what became of one that the
	// service sent and that asks for that. nil: it reports nothing.
	Settled func(d *event.Delivery, o event.Outcome) (report event.Delivery, wanted bool)

	// Measure counts an operation of the service that was done, for its metrics.
	// It is called on hot paths. nil: the service has none of operations.
	Measure func(*meter.Meter, *Done)

	// Gauge measures what the service holds, and says whether any of it was used
	// lately, so that it is to be measured again in a minute. nil: it has nothing.
	Gauge func(context.Context, *meter.Meter) (used bool, err error)

	// Delivered counts an attempt to make a delivery that the service sent, and
	// err is why it failed. nil: the service has no metrics of deliveries.
	Delivered func(m *meter.Meter, d *event.Delivery, err error)

	// Policy returns the resource policy of a resource, a JSON document, or
	// "" if it has none. nil: the service has no resource policies.
	Policy func(ctx context.Context, resource aws.ARN) (string, error)

	// Owner returns the account of a resource whose ARN does not say it, such
	// as a bucket, or "" if there is no such resource. nil: ARNs say it.
	Owner func(ctx context.Context, resource aws.ARN) (string, error)

	// Opens returns to whom an access control list that the resource has of its
	// own, besides policies, gives what access says: "*", the account of the
	// caller, or "" if it does not. nil: resources have no such lists.
	Opens func(ctx context.Context, call *aws.Call, access *Access) (string, error)

	// Origin lets pages of other sites that may do so read the answer to r,
	// which has an Origin, by headers it sets in h; and it answers what
	// browsers ask before: then answered is true, and err a refusal. nil: no
	// pages may.
	Origin func(h http.Header, r *http.Request) (answered bool, err error)

	// Form answers r, an HTML form with a file that is posted to the service and
	// is no operation of its API. authenticate finds out who signed a text of
	// it. nil: the service takes no forms.
	Form func(w http.ResponseWriter, r *http.Request, authenticate func(*sigv4.Text) (*aws.Call, error)) error

	// Epoch changes with every change that Policy or Owner would see, once it
	// is committed, so that auth may remember what they said. nil: auth asks
	// them at each call.
	Epoch func() uint64
}

// A Host is HTTP that a service answers itself, on hosts of its own.
type Host struct {
	// Suffix follows the id in the host's name: "execute-api" takes
	// abc123.execute-api.eu-central-1.amazonaws.com and
	// abc123.execute-api.localhost, whatever the region and the domain.
	// Without one, it takes the hosts that it owns, whatever they are called.
	Suffix string

	// Owns reports whether a resource is the service's, for a suffix that
	// several share. nil: all that no other service owns are.
	Owns func(ctx context.Context, id string) bool

	// Serve answers r for the resource id, the labels before Suffix, or all.
	Serve func(w http.ResponseWriter, r *http.Request, call *aws.Call, id string)
}

// A Page is HTTP that a service answers itself, on hosts of no service.
type Page struct {
	// Prefix is what the path begins with: "/_aloft/inbox".
	Prefix string

	// Takes reports whether r is for the page, of those whose path begins with
	// Prefix. nil: all are.
	Takes func(r *http.Request) bool

	// Own says that the service finds out itself who asks: call is nobody's.
	Own bool

	// Serve answers r. call says who asks, if they say so.
	Serve func(w http.ResponseWriter, r *http.Request, call *aws.Call)
}

// An Operation is one row of a service's table.
type Operation struct {
	Service string // "sqs"
	Name    string // "SendMessage"
	Note    string // what it does not do yet, for the compatibility page

	// Own are the Go names of input members whose limits the handler checks
	// itself, because AWS refuses them in other words or another order than
	// those of its model; "*" is all.
	Own []string

	NewInput func() any // a new *In
	// Access yields what the caller must be allowed to do.
	Access func(call *aws.Call, in any, check func(Access) error) error
	Handle func(ctx context.Context, call *aws.Call, in any) (any, error)

	// Measure is that of the definition; the table sets it.
	Measure func(*meter.Meter, *Done)

	// Some answers in place of Access and Handle, if it is not nil: it does of
	// several things those that the caller may do.
	Some func(ctx context.Context, call *aws.Call, in any, check func(Access) error) (any, error)
}

// A Done is an operation that was done, or refused.
type Done struct {
	Call    *aws.Call
	Op      *Operation
	In, Out any
	Err     error
	Began   time.Time
	Took    time.Duration
}

// An Access is one thing a caller must be allowed to do.
type Access struct {
	Action   string // "s3:GetObject"
	Resource aws.ARN
	Keys     Keys // condition keys of the service that apply, such as dynamodb:LeadingKeys
	Granted  bool // the service lets the caller, whose policies need not: a grant of KMS
}

// Keys are the values of condition keys, by full name: "s3:prefix".
type Keys map[string][]string

// Op is the row for op: the handler that answers it, and the resource on which
// the caller must be allowed the action of that name.
func Op[In, Out any](
	op smithy.Operation[In, Out],
	handle func(context.Context, *aws.Call, *In) (*Out, error),
	resource func(*aws.Call, *In) aws.ARN,
) Operation {
	return on(op.Service, op.Name, handle, resource)
}

// on is Op of pointers to shapes: code that is generic in pointers alone exists
// once for all of them, and there are thousands of shapes.
func on[In, Out any](service, name string, handle func(context.Context, *aws.Call, In) (Out, error), resource func(*aws.Call, In) aws.ARN) Operation {
	action := service + ":" + name
	return onEach(service, name, handle, func(call *aws.Call, in In, check func(Access) error) error {
		return check(Access{Action: action, Resource: resource(call, in)})
	})
}

// OpEach is the row for an operation that needs several permissions, or one
// that is not named as the operation is: access calls check for each, and
// returns the first refusal.
func OpEach[In, Out any](
	op smithy.Operation[In, Out],
	handle func(context.Context, *aws.Call, *In) (*Out, error),
	access func(call *aws.Call, in *In, check func(Access) error) error,
) Operation {
	return onEach(op.Service, op.Name, handle, access)
}

// onEach is OpEach of pointers to shapes; see on.
func onEach[In, Out any](
	service, name string,
	handle func(context.Context, *aws.Call, In) (Out, error),
	access func(call *aws.Call, in In, check func(Access) error) error,
) Operation {
	input := reflect.TypeFor[In]().Elem()
	return Operation{
		Service:  service,
		Name:     name,
		NewInput: func() any { return reflect.New(input).Interface() },
		Access: func(call *aws.Call, in any, check func(Access) error) error {
			return access(call, in.(In), check)
		},
		Handle: func(ctx context.Context, call *aws.Call, in any) (any, error) {
			out, err := handle(ctx, call, in.(In))
			if err != nil {
				return nil, err // not a nil pointer in an interface
			}
			return out, nil
		},
	}
}

// OpSome is the row for an operation on several things, which it does to those
// that the caller may do it to. access returns why not, or nil, for each, and
// handle answers with it.
func OpSome[In, Out any](
	op smithy.Operation[In, Out],
	handle func(ctx context.Context, call *aws.Call, in *In, refused []error) (*Out, error),
	access func(call *aws.Call, in *In, check func(Access) error) (refused []error),
) Operation {
	row := OpEach[In, Out](op, nil, nil)
	row.Some = func(ctx context.Context, call *aws.Call, in any, check func(Access) error) (any, error) {
		out, err := handle(ctx, call, in.(*In), access(call, in.(*In), check))
		if err != nil {
			return nil, err // not a nil pointer in an interface
		}
		return out, nil
	}
	return row
}

// Named is the resource that a request names by its ARN. What is none is refused by the handler.
func Named(text string) aws.ARN {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return aws.AnyResource
	}
	return arn
}

// ResourceArn is the resource of operations whose input has its ARN in a member of that name.
func ResourceArn[In interface{ GetResourceArn() string }](_ *aws.Call, in In) aws.ARN {
	return Named(in.GetResourceArn())
}

// ResourceARN is the resource of operations whose input has its ARN in a member of that name.
func ResourceARN[In interface{ GetResourceARN() string }](_ *aws.Call, in In) aws.ARN {
	return Named(in.GetResourceARN())
}

// Any is the resource of operations that are about no one resource.
func Any[In any](*aws.Call, *In) aws.ARN { return aws.AnyResource }

// Checks returns op with members that its handler checks itself; see Own.
func (op Operation) Checks(members ...string) Operation {
	op.Own = members
	return op
}

// But returns op with a note of what it does not do yet.
func (op Operation) But(note string) Operation {
	op.Note = note
	return op
}
