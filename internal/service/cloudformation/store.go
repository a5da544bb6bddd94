package cloudformation

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	stacks    = store.NewTable[aws.ARN, deploy.Stack]("cloudformation.stack")
	names     = store.NewTable[aws.ARN, aws.ARN]("cloudformation.name") // of stacks that are not deleted
	active    = store.NewTable[aws.ARN, struct{}]("cloudformation.active")
	resources = store.NewTable[resourceKey, deploy.Row]("cloudformation.resource")
	events    = store.NewLog[aws.ARN, deploy.Event]("cloudformation.event")
	bodies    = store.NewTable[bodyKey, body]("cloudformation.body")

	changeSets = store.NewTable[changeSetKey, changeSet]("cloudformation.changeset")
	stackOfSet = store.NewTable[aws.ARN, aws.ARN]("cloudformation.changesetstack")

	exports = store.NewTable[exportKey, export]("cloudformation.export")
	imports = store.NewTable[importKey, string]("cloudformation.import") // the deed that imports
)

type resourceKey struct {
	Stack aws.ARN
	ID    string // logical
}

// A bodyKey names one of the two texts of a spec: they may be long, and are
// seldom wanted.
type bodyKey struct {
	Stack aws.ARN
	ID    string // Spec.Body
	Part  string // "original" or "processed"
}

// A body is a template, as it was given or with its macros expanded.
type body struct {
	Text string      `json:",omitempty"`
	Tree deploy.Tree `json:",omitempty"`
}

type changeSetKey struct {
	Stack aws.ARN
	Name  string
}

// A changeSet is what an update would do.
type changeSet struct {
	ID            aws.ARN
	Name          string
	Description   string
	Type          string // "CREATE", "UPDATE" or "IMPORT"
	Status        string
	Reason        string
	Execution     string // status
	Created       time.Time
	Spec          deploy.Spec
	Steps         []deploy.Step
	OnFailure     string
	IncludeNested bool
	NoEcho        []string
	Watch         deploy.Watch
	Import        map[string]string // by logical id, what identifies the resources to import

	Parent, Root aws.ARN             // change sets that it is a part of
	Nested       map[string]nestedID // by logical id, of the stacks within the stack

	children []child // that are to be kept with it
}

// A nestedID names the change set of a nested stack.
type nestedID struct {
	Set, Stack aws.ARN
	Adds       bool // the stack is not there yet
}

type exportKey struct {
	Place aws.ARN // account and region
	Name  string
}

// An export is a value that a stack shares.
type export struct {
	Value string
	Stack aws.ARN
}

type importKey struct {
	Place    aws.ARN
	Name     string
	Importer string // id of the stack
}

// place is where exports of stacks like id are.
func place(id aws.ARN) aws.ARN {
	return aws.ARN{Service: "cloudformation", Region: id.Region, Account: id.Account, Resource: "exports"}
}

const stackPrefix = "stack/"

// nameARN is how names of stacks are looked up.
func nameARN(call *aws.Call, name string) aws.ARN {
	return call.ARN("cloudformation", stackPrefix+name)
}

// newStackID is the id of a new stack of that name.
func newStackID(call *aws.Call, name string) aws.ARN {
	return call.ARN("cloudformation", stackPrefix+name+"/"+aws.NewRequestID())
}

// stackID parses an id as stacks remember it.
func stackID(id string) aws.ARN {
	arn, _ := aws.ParseARN(id)
	return arn
}

// findStack returns the stack of a name or an id. Deleted ones are found by
// their id alone.
func findStack(tx *store.Tx, call *aws.Call, name string) (deploy.Stack, error) {
	id := aws.ARN{}
	if strings.HasPrefix(name, "arn:") {
		id = stackID(name)
		if id.Account != call.Account {
			return deploy.Stack{}, store.ErrNotFound
		}
	} else {
		var err error
		if id, err = names.Get(tx, nameARN(call, name)); err != nil {
			return deploy.Stack{}, err
		}
	}
	return stacks.Get(tx, id)
}

// needStack is findStack that refuses with missing if there is no such stack.
func needStack(tx *store.Tx, call *aws.Call, name string, missing func(string) error) (deploy.Stack, error) {
	st, err := findStack(tx, call, name)
	if errors.Is(err, store.ErrNotFound) {
		return st, missing(name)
	}
	return st, err
}

// putStack writes a stack, and whether it is to be worked on. Texts that it no
// longer names are removed.
func putStack(tx *store.Tx, old *deploy.Stack, st deploy.Stack) error {
	id := stackID(st.ID)
	if old != nil {
		for _, b := range specBodies(old) {
			if !contains(specBodies(&st), b) {
				if err := bodies.DeletePrefix(tx, bodyKey{Stack: id, ID: b}); err != nil {
					return err
				}
			}
		}
	}
	name := aws.ARN{Service: "cloudformation", Region: id.Region, Account: id.Account, Resource: stackPrefix + st.Name}
	if !st.Deleted.IsZero() {
		if err := names.Delete(tx, name); err != nil {
			return err
		}
	}
	if st.Phase == deploy.AtRest {
		st.Names = nil
		if err := dropReceivers(tx, id, !st.Deleted.IsZero()); err != nil {
			return err
		}
		if err := active.Delete(tx, id); err != nil {
			return err
		}
	} else if err := active.Put(tx, id, struct{}{}); err != nil {
		return err
	}
	return stacks.Put(tx, id, st)
}

func specBodies(st *deploy.Stack) []string {
	var out []string
	if st.Spec.Body != "" {
		out = append(out, st.Spec.Body)
	}
	if st.Next != nil && st.Next.Body != "" {
		out = append(out, st.Next.Body)
	}
	return out
}

func contains(list []string, s string) bool {
	for _, element := range list {
		if element == s {
			return true
		}
	}
	return false
}

// putBody keeps the texts of a spec.
func putBody(tx *store.Tx, stack aws.ARN, spec *deploy.Spec) error {
	if err := bodies.Put(tx, bodyKey{stack, spec.Body, "original"}, body{Text: spec.Template}); err != nil {
		return err
	}
	return bodies.Put(tx, bodyKey{stack, spec.Body, "processed"}, body{Tree: spec.Processed})
}

// loadBody finds the texts of a spec again.
func loadBody(tx *store.Tx, stack aws.ARN, spec *deploy.Spec) error {
	if spec == nil || spec.Body == "" {
		return nil
	}
	original, err := bodies.Get(tx, bodyKey{stack, spec.Body, "original"})
	if err != nil {
		return fmt.Errorf("template of %s: %w", stack, err)
	}
	processed, err := bodies.Get(tx, bodyKey{stack, spec.Body, "processed"})
	if err != nil {
		return fmt.Errorf("processed template of %s: %w", stack, err)
	}
	spec.Template, spec.Processed = original.Text, processed.Tree
	return nil
}

// rowsOf returns the resources of a stack, by logical id.
func rowsOf(tx *store.Tx, stack aws.ARN) []deploy.Row {
	var rows []deploy.Row
	for _, row := range resources.Scan(tx, resourceKey{Stack: stack}) {
		rows = append(rows, row)
	}
	return rows
}

// newID is an id within a stack.
func newID() string {
	var b [9]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
