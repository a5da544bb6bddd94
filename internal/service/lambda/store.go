package lambda

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	functions      = store.NewTable[aws.ARN, function]("lambda.function")
	versions       = store.NewTable[versionKey, version]("lambda.version") // published ones
	aliases        = store.NewTable[aliasKey, alias]("lambda.alias")
	policies       = store.NewTable[policyKey, policy]("lambda.policy")
	layers         = store.NewTable[aws.ARN, layer]("lambda.layer")
	layerVersions  = store.NewTable[layerKey, layerVersion]("lambda.layerversion")
	codes          = store.NewTable[aws.ARN, code]("lambda.code")
	eventConfigs   = store.NewTable[aliasKey, eventConfig]("lambda.eventconfig")
	queued         = store.NewBytes[aws.ARN]("lambda.queued") // events, under their function; see queuedKey
	codeSignings   = store.NewTable[aws.ARN, codeSigning]("lambda.codesigning")
	runtimeUpdates = store.NewTable[aliasKey, runtimeUpdate]("lambda.runtime")
	provisions     = store.NewTable[aliasKey, provisioned]("lambda.provisioned")
	usages         = store.NewTable[usageKey, usage]("lambda.usage")
	mappings       = store.NewTable[aws.ARN, mapping]("lambda.mapping")
	urls           = store.NewTable[aliasKey, urlConfig]("lambda.url")      // the name is empty for the function itself
	urlOwners      = store.NewTable[aws.ARN, aliasKey]("lambda.urlowner")   // by urlKey
	pendings       = store.NewTable[versionKey, struct{}]("lambda.pending") // to be made active
)

// A function is a function with its version $LATEST.
type function struct {
	Latest      version
	Published   int64             `json:",omitempty"` // number of the last version published
	Tags        map[string]string `json:",omitempty"`
	Reserved    *int32            `json:",omitempty"` // concurrency
	MayLoop     bool              `json:",omitempty"` // it may invoke itself without end
	CodeSigning string            `json:",omitempty"` // ARN of a codeSigning
}

type versionKey struct {
	Function aws.ARN
	Number   int64 // 0 is $LATEST
}

// A version is code and how to run it.
type version struct {
	settings
	Code        packed
	Image       *imageOf `json:",omitempty"` // what Code is, if it is a container image
	Description string
	Modified    time.Time
	Revision    string // changes with the version
	Build       string // changes with code and settings
	State       string // of api.State
	Updated     string // of api.LastUpdateStatus; empty until it is active
}

// settings are what a function is told to be. Those of a published version do
// not change.
type settings struct {
	Runtime      string
	Role         string
	Handler      string
	Timeout      int32 // s
	MemoryMB     int32
	TmpMB        int32
	Env          map[string]string // nil if it was never given
	Architecture string
	Tracing      string
	DeadLetter   string         `json:",omitempty"` // ARN of a queue or topic
	Network      *network       `json:",omitempty"`
	KMSKey       string         `json:",omitempty"` // ARN
	Mounts       []mount        `json:",omitempty"`
	SnapStart    string         `json:",omitempty"`
	Durable      *durableConfig `json:",omitempty"`
	Tenancy      string         `json:",omitempty"` // how tenants are kept apart, if they are
	LogFormat    string
	LogGroup     string
	LogLevel     string  `json:",omitempty"` // of the code's own lines, if the format is JSON
	SystemLevel  string  `json:",omitempty"` // of Lambda's
	Layers       []useOf `json:",omitempty"`

	ImageConfig *imageConfig `json:",omitempty"`
}

// A network is where in a VPC a function would be. It is remembered, and no more.
type network struct {
	Subnets, SecurityGroups []string
	IPv6                    bool `json:",omitempty"`
}

// A useOf is a layer's version that a function uses. Its code stays when the
// layer is deleted.
type useOf struct {
	ARN  string
	Code packed
}

// packed is what a row remembers of code: see table codes.
type packed struct {
	Key      aws.ARN
	Size     int64 // of the zip file
	Unpacked int64
}

// A code is a zip file, kept once for all rows of an account and region that
// use it. The key is that of codeKey.
type code struct {
	Body store.Body
	Uses int64 // rows that name it
}

type aliasKey struct {
	Function aws.ARN
	Name     string
}

// An alias is another name for a version, or two.
type alias struct {
	Version     string
	Weights     map[string]float64 `json:",omitempty"` // share of events that other versions get
	Description string
	Revision    string
}

// A urlConfig is the URL of a function or an alias.
type urlConfig struct {
	ID       string // first label of its host
	Auth     string
	Mode     string    `json:",omitempty"` // of api.InvokeMode
	Cors     *api.Cors `json:",omitempty"`
	Created  time.Time
	Modified time.Time
}

// An eventConfig says what becomes of events that nobody waits for. It is kept
// under version or alias, $LATEST for the function itself.
type eventConfig struct {
	Modified  time.Time
	Retries   *int32 `json:",omitempty"`
	MaxAge    *int32 `json:",omitempty"` // s
	OnSuccess string `json:",omitempty"` // ARN of a destination
	OnFailure string `json:",omitempty"`
}

// A queuedEvent is an event that nobody waits for.
type queuedEvent struct {
	Qualifier     string `json:",omitempty"`
	RequestID     string
	Payload       []byte
	ClientContext string `json:",omitempty"`
	Tenant        string `json:",omitempty"`
	Trace         string `json:",omitempty"` // header
	Accepted      time.Time
	Invokes       int `json:",omitempty"` // that failed
	Throttles     int `json:",omitempty"` // times that there was no room
}

// queuedKey is the key of an event under its function: when it is due, and an id.
func queuedKey(due time.Time, id string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(due.UnixMilli())), id...)
}

// queuedDue is when the event of that key is due.
func queuedDue(key []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(key)))
}

type policyKey struct {
	Resource  aws.ARN // a function without version, or a layer
	Qualifier string  // version or alias, empty for the function itself
}

// A policy is a resource policy.
type policy struct {
	Statements []statement
	Revision   string
}

// A statement is one of a policy's, in the order of members that AWS has.
type statement struct {
	Sid       string
	Effect    string
	Principal json.RawMessage
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// A layer is the name of a layer's versions.
type layer struct {
	Published int64 // number of the last
}

type layerKey struct {
	Layer  aws.ARN
	Number int64
}

// A layerVersion is code that functions share.
type layerVersion struct {
	Code          packed
	Description   string
	Created       time.Time
	Runtimes      []string
	Architectures []string
	License       string `json:",omitempty"`
}

// findFunction returns the function arn, or a refusal if there is none.
func findFunction(tx *store.Tx, arn aws.ARN) (function, error) {
	row, err := functions.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, errNoFunction(arn)
	}
	return row, err
}

// findVersion returns the version that r names, of number 0 if it is $LATEST,
// or a refusal if there is none. An alias names the version it points to.
func findVersion(tx *store.Tx, r ref) (version, int64, error) {
	qualifier := r.qualifier
	if qualifier != "" && isAlias(qualifier) {
		a, err := aliases.Get(tx, aliasKey{r.function, qualifier})
		if errors.Is(err, store.ErrNotFound) {
			return version{}, 0, errNoFunction(r.arn())
		}
		if err != nil {
			return version{}, 0, err
		}
		qualifier = a.Version
	}
	if qualifier == "" || qualifier == latest {
		row, err := functions.Get(tx, r.function)
		if errors.Is(err, store.ErrNotFound) {
			err = errNoFunction(r.arn())
		}
		return row.Latest, 0, err
	}
	n, err := strconv.ParseInt(qualifier, 10, 64)
	if err != nil || n < 1 {
		return version{}, 0, errNoFunction(r.arn())
	}
	row, err := versions.Get(tx, versionKey{r.function, n})
	if errors.Is(err, store.ErrNotFound) {
		err = errNoFunction(r.arn())
	}
	return row, n, err
}

// putVersion sets a version, be it published or not.
func putVersion(tx *store.Tx, key versionKey, v version) error {
	if key.Number != 0 {
		return versions.Put(tx, key, v)
	}
	fn, err := functions.Get(tx, key.Function)
	if err != nil {
		return err
	}
	fn.Latest = v
	return functions.Put(tx, key.Function, fn)
}

// versionName is the text for a version's number.
func versionName(n int64) string {
	if n == 0 {
		return latest
	}
	return strconv.FormatInt(n, 10)
}
