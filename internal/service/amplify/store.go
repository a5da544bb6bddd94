package amplify

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"iter"
	"net/url"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	apps     = store.NewTable[aws.ARN, api.App]("amplify.app")
	branches = store.NewTable[partKey, branch]("amplify.branch")
	domains  = store.NewTable[partKey, api.DomainAssociation]("amplify.domain")
	backends = store.NewTable[partKey, api.BackendEnvironment]("amplify.backend")
	webhooks = store.NewTable[aws.ARN, api.Webhook]("amplify.webhook")
	jobs     = store.NewTable[jobKey, job]("amplify.job")
	queue    = store.NewTable[jobKey, struct{}]("amplify.queue") // jobs that the worker has to do
	files    = store.NewTable[fileKey, file]("amplify.file")
	uploads  = store.NewTable[fileKey, upload]("amplify.upload") // what is put for deployments, by ticket
	tickets  = store.NewTable[setKey, ticket]("amplify.ticket")
	expiries = due.NewTimes[jobKey]("amplify.expiry")           // of jobs that nobody has started
	drops    = store.NewTable[setKey, struct{}]("amplify.drop") // sets, and tickets, whose files are to go
)

// A partKey names a part of an app.
type partKey struct {
	App  aws.ARN
	Name string
}

// A branch is one of an app.
type branch struct {
	api.Branch
	Jobs int64  // number of the latest
	Set  string `json:",omitempty"` // the files that are served
}

type jobKey struct {
	App    aws.ARN
	Branch string
	ID     int64
}

// A job is a deployment, before and after it is done.
type job struct {
	api.JobSummary
	Reason string `json:",omitempty"` // why it failed
	Ticket string `json:",omitempty"` // by which its files are put
	Set    string `json:",omitempty"` // the files, once it began

	Expires time.Time `json:",omitzero"` // when it fails, if nobody starts it
}

// A setKey names files that come and go together.
type setKey struct {
	App aws.ARN
	Set string
}

type fileKey struct {
	App  aws.ARN
	Set  string
	Path string // "index.html"
}

// A file is one of a deployment.
type file struct {
	Body     store.Body
	MD5      string // in hexadecimal digits
	Modified time.Time
}

// An upload is a file that a deployment awaits, or a zip file, without a name.
type upload struct {
	Want  string     // what it should sum to, or ""
	There bool       `json:",omitempty"`
	MD5   string     `json:",omitempty"`
	Body  store.Body `json:",omitzero"`
}

// A ticket lets those who know it put files for a job.
type ticket struct{ Expires time.Time }

const (
	appKind     = "apps/"
	webhookKind = "webhooks/"
)

func appARN(call *aws.Call, id string) aws.ARN { return call.ARN("amplify", appKind+id) }

// below names a part of an app in ARNs.
func below(app aws.ARN, kind, name string) aws.ARN {
	app.Resource += "/" + kind + "/" + url.PathEscape(name)
	return app
}

func appID(app aws.ARN) string { return app.Resource[len(appKind):] }

const letters = "0123456789abcdefghijklmnopqrstuvwxyz"

// newID returns a random name of n letters and digits.
func newID(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[b[i]%36]
	}
	return string(b)
}

func findApp(tx *store.Tx, arn aws.ARN) (api.App, error) {
	a, err := apps.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return a, api.NotFoundException.Errorf("App %s not found.", appID(arn))
	}
	return a, err
}

func findBranch(tx *store.Tx, app aws.ARN, name string) (branch, error) {
	if _, err := findApp(tx, app); err != nil {
		return branch{}, err
	}
	b, err := branches.Get(tx, partKey{app, name})
	if errors.Is(err, store.ErrNotFound) {
		return b, api.NotFoundException.Errorf("Branch %s not found.", name)
	}
	return b, err
}

// maxPage is how many items a list has at most.
const maxPage = 50

// page takes a page of rows, which scan yields past a name, and returns the
// token with which the list goes on.
func page[K, V, Item any](token *string, maxResults *int32, scan func(after string) iter.Seq2[K, V], item func(K, V) (name string, it Item)) ([]Item, *string, error) {
	after := ""
	if token != nil {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(b) == 0 {
			return nil, nil, api.BadRequestException.Errorf("Invalid nextToken.")
		}
		after = string(b)
	}
	limit := int(aws.Or(maxResults, maxPage))
	if limit < 1 {
		limit = maxPage
	}
	items, last := []Item{}, ""
	for k, v := range scan(after) {
		name, it := item(k, v)
		if len(items) == limit {
			return items, new(base64.RawURLEncoding.EncodeToString([]byte(last))), nil
		}
		items, last = append(items, it), name
	}
	return items, nil, nil
}

// put sets what to is, if a caller says so.
func put[T any](to *T, said *T) {
	if said != nil {
		*to = *said
	}
}

// putOr is put where nothing said is nil.
func putOr[T any](to **T, said *T) {
	if said != nil {
		*to = said
	}
}

// orNotFound is err in AWS's words, if it says that there is no such row.
func orNotFound(err error, words, name string) error {
	if errors.Is(err, store.ErrNotFound) {
		return api.NotFoundException.Errorf(words, name)
	}
	return err
}

// orMissing is orNotFound for operations on resources by their ARNs.
func orMissing(err error, arn string) error {
	if errors.Is(err, store.ErrNotFound) {
		return api.ResourceNotFoundException.Errorf("Resource %s not found.", arn)
	}
	return err
}
