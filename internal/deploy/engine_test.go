package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

const testStack = "arn:aws:cloudformation:eu-west-1:111122223333:stack/st/1"

// A world is where test resources are: their properties, by physical id.
type world struct {
	mu     sync.Mutex
	things map[string]map[string]any
	order  []string       // what was done
	fail   map[string]int // how often; below 0: always
}

// fails says whether a deed fails this time.
func (w *world) fails(what string) bool {
	n := w.fail[what]
	if n > 0 {
		w.fail[what] = n - 1
	}
	return n != 0
}

func (w *world) did(what string) { w.order = append(w.order, what) }

// types are resources of the world: A is changed in place but for Name and
// Fixed; what one is called comes of its name, or is made up.
func (w *world) types() resource.Table {
	return resource.NewTable([]*resource.Type{{
		Name:       "Test::Thing",
		Properties: resource.Props("Name@ Fixed@ Value Other Tags"),
		Attributes: []string{"Value"},
		Naming:     resource.Naming{Property: "Name"},
		Create: func(op *resource.Op) (*resource.Made, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			id := op.Named("Name")
			if w.fails("create " + op.LogicalID) {
				return nil, aws.ValidationException.Errorf("cannot create %s", op.LogicalID)
			}
			if w.things[id] != nil {
				return nil, aws.Fault{Code: "AlreadyExists", Status: 400}.Errorf("%s already exists", id)
			}
			w.things[id] = maps.Clone(op.New)
			w.did("create " + op.LogicalID)
			return made(id, op.New), nil
		},
		Update: func(op *resource.Op) (*resource.Made, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.things[op.PhysicalID] == nil {
				return nil, aws.Fault{Code: "NotFound", Status: 404}.Errorf("no %s", op.PhysicalID)
			}
			w.things[op.PhysicalID] = maps.Clone(op.New)
			w.did("update " + op.LogicalID)
			if w.fails("update " + op.LogicalID) {
				return nil, aws.ValidationException.Errorf("cannot update %s", op.LogicalID)
			}
			return made(op.PhysicalID, op.New), nil
		},
		Delete: func(op *resource.Op) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.fails("delete " + op.LogicalID) {
				return aws.ValidationException.Errorf("cannot delete %s", op.LogicalID)
			}
			if w.things[op.PhysicalID] == nil {
				return aws.Fault{Code: "NotFound", Status: 404}.Errorf("no %s", op.PhysicalID)
			}
			delete(w.things, op.PhysicalID)
			w.did("delete " + op.LogicalID)
			return nil
		},
		Find: func(op *resource.Op) (*resource.Made, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			id := op.Named("Name")
			if w.things[id] == nil {
				return nil, nil
			}
			return made(id, w.things[id]), nil
		},
	}})
}

func made(id string, properties map[string]any) *resource.Made {
	v, _ := template.Text(properties["Value"])
	return &resource.Made{PhysicalID: id, Attributes: map[string]any{"Value": v}}
}

// A journal in memory. After crashAt saves it fails, as a process that stops.
type journal struct {
	mu      sync.Mutex
	stack   Stack
	rows    map[string]Row
	events  []Event
	saves   int
	crashAt int // 0: never
	crash   context.CancelFunc
}

func (j *journal) Load(context.Context, string) (*Stack, []Row, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var rows []Row
	for _, id := range slices.Sorted(maps.Keys(j.rows)) {
		rows = append(rows, reread(j.rows[id]))
	}
	st := reread(j.stack)
	st.Spec.Template, st.Spec.Processed = j.stack.Spec.Template, reread(j.stack.Spec.Processed)
	if st.Next != nil {
		st.Next.Template, st.Next.Processed = j.stack.Next.Template, reread(j.stack.Next.Processed)
	}
	return &st, rows, nil
}

// reread is v as it comes back from a store.
func reread[T any](v T) T {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out T
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

func (j *journal) Save(_ context.Context, st *Stack, c Change) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.saves++; j.crashAt > 0 && j.saves >= j.crashAt {
		j.crash()
		return errors.New("crashed")
	}
	for _, row := range c.Rows {
		j.rows[row.ID] = row
	}
	for _, id := range c.Remove {
		delete(j.rows, id)
	}
	j.events = append(j.events, c.Events...)
	if j.stack.Deed != st.Deed || j.stack.Phase != st.Phase {
		return ErrSuperseded
	}
	if c.Stack != nil {
		c.Stack(&j.stack)
	}
	return nil
}

func (j *journal) Finish(ctx context.Context, st *Stack, c Change) error { return j.Save(ctx, st, c) }
func (j *journal) InUse(context.Context, string) (string, error)         { return "", nil }
func (j *journal) Import(_ context.Context, _, name string) (string, error) {
	return "", aws.ValidationException.Errorf("No export named %s found.", name)
}

// statuses are the events in short.
func (j *journal) statuses() []string {
	var out []string
	for _, e := range j.events {
		out = append(out, e.LogicalID+" "+e.Status)
	}
	return out
}

// A bench is an engine with its world.
type bench struct {
	*testing.T
	w *world
	j *journal
}

func newBench(t *testing.T) *bench {
	return &bench{T: t, w: &world{things: make(map[string]map[string]any), fail: make(map[string]int)}, j: &journal{rows: make(map[string]Row)}}
}

func (b *bench) engine() *Engine {
	return &Engine{Types: b.w.types, Journal: b.j, Actor: func(context.Context, *Stack, *Spec) (*aws.Call, error) {
		return &aws.Call{Account: "111122223333", Region: "eu-west-1"}, nil
	}}
}

func (b *bench) run(phase Phase, text string) {
	b.Helper()
	b.begin(phase, text)
	if err := b.engine().Run(b.Context(), testStack); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) begin(phase Phase, text string) {
	b.Helper()
	s := &b.j.stack
	s.ID, s.Name, s.Phase, s.Deed = testStack, "st", phase, aws.NewRequestID()
	s.Next = nil
	if text != "" {
		d, err := template.Parse(text, template.Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.Next = &Spec{Template: text, Processed: d.Root}
	}
	b.j.events = nil
	b.w.order = nil
}

func (b *bench) status(want string) {
	b.Helper()
	if b.j.stack.Status != want {
		b.Fatalf("status %s: %s; want %s; events %v", b.j.stack.Status, b.j.stack.Reason, want, b.j.statuses())
	}
}

func (b *bench) events(want ...string) {
	b.Helper()
	if got := b.j.statuses(); !slices.Equal(got, want) {
		b.Errorf("events\ngot  %q\nwant %q", got, want)
	}
}

// state is the stack as the API shows it, without times.
func (b *bench) state() string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(b.j.rows)) {
		row := b.j.rows[id]
		if row.Status == "DELETE_COMPLETE" {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s %s", id, row.PhysicalID, resource.JSON(map[string]any(row.Properties))))
	}
	for _, id := range slices.Sorted(maps.Keys(b.w.things)) {
		out = append(out, id+" "+resource.JSON(b.w.things[id]))
	}
	return strings.Join(append(out, resource.JSON(b.j.stack.Outputs), b.j.stack.Spec.Template), "\n")
}

const (
	first = `
Resources:
  A: {Type: Test::Thing, Properties: {Value: 1}}
  B: {Type: Test::Thing, Properties: {Other: !Ref A, Value: !GetAtt A.Value}}
Outputs: {B: {Value: !Ref B}, V: {Value: !GetAtt B.Value}}
`
	second = `
Resources:
  A: {Type: Test::Thing, Properties: {Value: 2}}
  B: {Type: Test::Thing, Properties: {Other: !Ref A, Value: !GetAtt A.Value, Fixed: 1}}
  C: {Type: Test::Thing, Properties: {Other: !Ref B}}
`
)

func TestCreateUpdateDelete(t *testing.T) {
	b := newBench(t)
	b.run(Creating, first)
	b.status("CREATE_COMPLETE")
	b.events("A CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS", "A CREATE_COMPLETE", "B CREATE_IN_PROGRESS", "B CREATE_IN_PROGRESS", "B CREATE_COMPLETE", "st CREATE_COMPLETE")
	if o := b.j.stack.Outputs; len(o) != 2 || o[0].Value != b.j.rows["B"].PhysicalID || o[1].Value != "1" {
		t.Errorf("outputs %v", o)
	}
	old := b.j.rows["B"].PhysicalID

	b.run(Updating, second)
	b.status("UPDATE_COMPLETE")
	b.events("A UPDATE_IN_PROGRESS", "A UPDATE_COMPLETE", "B UPDATE_IN_PROGRESS", "B UPDATE_IN_PROGRESS", "B UPDATE_COMPLETE",
		"C CREATE_IN_PROGRESS", "C CREATE_IN_PROGRESS", "C CREATE_COMPLETE", "st UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
		"B DELETE_IN_PROGRESS", "B DELETE_COMPLETE", "st UPDATE_COMPLETE")
	if b.w.things[old] != nil || len(b.w.things) != 3 {
		t.Errorf("what was replaced is still there: %v", b.w.things)
	}

	b.run(Updating, strings.ReplaceAll(first, "Value: 1", "Value: 2"))
	b.status("UPDATE_COMPLETE")
	if b.j.rows["C"].ID != "" || len(b.w.things) != 2 {
		t.Errorf("C is still there: %v", b.w.things)
	}

	b.run(Deleting, "")
	b.status("DELETE_COMPLETE")
	b.events("B DELETE_IN_PROGRESS", "B DELETE_COMPLETE", "A DELETE_IN_PROGRESS", "A DELETE_COMPLETE", "st DELETE_COMPLETE")
	if len(b.w.things) != 0 {
		t.Errorf("left over: %v", b.w.things)
	}
}

func TestCreateFails(t *testing.T) {
	b := newBench(t)
	b.w.fail["create B"] = -1
	b.run(Creating, first)
	b.status("ROLLBACK_COMPLETE")
	b.events("A CREATE_IN_PROGRESS", "A CREATE_IN_PROGRESS", "A CREATE_COMPLETE", "B CREATE_IN_PROGRESS", "B CREATE_FAILED",
		"st ROLLBACK_IN_PROGRESS", "B DELETE_IN_PROGRESS", "B DELETE_COMPLETE", "A DELETE_IN_PROGRESS", "A DELETE_COMPLETE", "st ROLLBACK_COMPLETE")
	for _, e := range b.j.events {
		if e.Status == "ROLLBACK_IN_PROGRESS" && e.Reason != "The following resource(s) failed to create: [B]. Rollback requested by user." {
			t.Errorf("reason %q", e.Reason)
		}
		if e.Status == "CREATE_FAILED" && !strings.Contains(e.Reason, "cannot create B") {
			t.Errorf("reason %q", e.Reason)
		}
	}
	if len(b.w.things) != 0 {
		t.Errorf("left over: %v", b.w.things)
	}
}

func TestUpdateFails(t *testing.T) {
	for _, fail := range []string{"update A", "create B", "create C"} {
		b := newBench(t)
		b.run(Creating, first)
		before := b.state()
		b.w.fail[fail] = 1 // an update that is taken back is an update too
		b.run(Updating, second)
		b.status("UPDATE_ROLLBACK_COMPLETE")
		if after := b.state(); after != before {
			t.Errorf("%s fails:\nbefore %s\nafter  %s\nevents %v", fail, before, after, b.j.statuses())
		}
	}
}

func TestRetain(t *testing.T) {
	b := newBench(t)
	b.run(Creating, `Resources: {A: {Type: Test::Thing, DeletionPolicy: Retain, UpdateReplacePolicy: Retain, Properties: {Fixed: 1}}, B: {Type: Test::Thing}}`)
	b.run(Updating, `Resources: {A: {Type: Test::Thing, DeletionPolicy: Retain, UpdateReplacePolicy: Retain, Properties: {Fixed: 2}}, B: {Type: Test::Thing}}`)
	b.status("UPDATE_COMPLETE")
	if len(b.w.things) != 3 {
		t.Errorf("things %v", b.w.things)
	}
	b.run(Deleting, "")
	b.status("DELETE_COMPLETE")
	if len(b.w.things) != 2 {
		t.Errorf("things %v", b.w.things)
	}
}

func TestCustomName(t *testing.T) {
	b := newBench(t)
	b.run(Creating, `Resources: {A: {Type: Test::Thing, Properties: {Name: x, Fixed: 1}}}`)
	b.run(Updating, `Resources: {A: {Type: Test::Thing, Properties: {Name: x, Fixed: 2}}}`)
	b.status("UPDATE_ROLLBACK_COMPLETE")
	if r := b.j.events[0].Reason; r != "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename x and update the stack again." {
		t.Errorf("reason %q", r)
	}
}

func TestDeleteFails(t *testing.T) {
	b := newBench(t)
	b.run(Creating, first)
	b.w.fail["delete A"] = -1
	b.run(Deleting, "")
	b.status("DELETE_FAILED")
	if want := "The following resource(s) failed to delete: [A]. "; b.j.stack.Reason != want {
		t.Errorf("reason %q, want %q", b.j.stack.Reason, want)
	}
	b.w.fail["delete A"] = 0
	b.run(Deleting, "")
	b.status("DELETE_COMPLETE")
}

// Whenever the platform stops, the stack ends as it would have, and nothing is
// left over that no row knows of.
func TestCrashes(t *testing.T) {
	for _, fail := range []string{"", "create B", "create C"} {
		for at := 1; ; at++ {
			b := newBench(t)
			b.run(Creating, first)
			before := b.state()
			b.w.fail[fail] = -1
			b.begin(Updating, second)
			if !b.crashing(at) {
				if at == 1 {
					t.Error("it never crashed")
				}
				break
			}
			want := "UPDATE_COMPLETE"
			if fail != "" {
				want = "UPDATE_ROLLBACK_COMPLETE"
				if after := b.state(); after != before {
					t.Errorf("%s fails, crash at %d:\nbefore %s\nafter  %s\nevents %v", fail, at, before, after, b.j.statuses())
				}
			}
			b.status(want)
			b.noOrphans()
		}
	}
	for at := 1; ; at++ {
		b := newBench(t)
		b.begin(Creating, first)
		if !b.crashing(at) {
			break
		}
		b.status("CREATE_COMPLETE")
		b.noOrphans()
	}
	for at := 1; ; at++ {
		b := newBench(t)
		b.run(Creating, first)
		b.begin(Deleting, "")
		if !b.crashing(at) {
			break
		}
		b.status("DELETE_COMPLETE")
		b.noOrphans()
	}
}

// crashing runs the engine, stops it at a save, and runs it again. It says
// whether it was stopped.
func (b *bench) crashing(at int) bool {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.j.saves, b.j.crashAt, b.j.crash = 0, at, cancel
	err := b.engine().Run(ctx, testStack)
	b.j.crashAt = 0
	if err == nil {
		return false
	}
	if err := b.engine().Run(b.Context(), testStack); err != nil {
		b.Fatalf("after a crash at %d: %v", at, err)
	}
	return true
}

func (b *bench) noOrphans() {
	b.Helper()
	known := make(map[string]bool)
	for _, row := range b.j.rows {
		if row.Status != "DELETE_COMPLETE" {
			known[row.PhysicalID] = true
		}
	}
	for id := range b.w.things {
		if !known[id] {
			b.Errorf("%s is left over: %v", id, b.j.statuses())
		}
	}
	if want := len(known); len(b.w.things) != want {
		b.Errorf("%d things, %d rows: %v", len(b.w.things), want, b.j.rows)
	}
}

// A failed update restores what was, byte for byte, whatever the templates, the
// failures and the moment of a crash.
func TestRandomUpdates(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		b := newBench(t)
		b.run(Creating, randomTemplate(rnd))
		b.status("CREATE_COMPLETE")
		for range 3 {
			before := b.state()
			clear(b.w.fail)
			if rnd.IntN(2) == 0 {
				b.w.fail["create "+string(rune('A'+rnd.IntN(8)))] = -1
			}
			b.begin(Updating, randomTemplate(rnd))
			b.crashing(1 + rnd.IntN(30))
			switch b.j.stack.Status {
			case "UPDATE_COMPLETE":
			case "UPDATE_ROLLBACK_COMPLETE":
				if after := b.state(); after != before {
					t.Fatalf("seed %d:\nbefore %s\nafter  %s\nevents %v", seed, before, after, b.j.statuses())
				}
			default:
				t.Fatalf("seed %d: status %s", seed, b.j.stack.Status)
			}
			b.noOrphans()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		clear(b.w.fail)
		b.run(Deleting, "")
		b.status("DELETE_COMPLETE")
		b.noOrphans()
	}
}

// randomTemplate has some of eight things that refer to earlier ones.
func randomTemplate(rnd *rand.Rand) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	var there []string
	for i := range 8 {
		id := string(rune('A' + i))
		if rnd.IntN(3) == 0 && (i < 7 || there != nil) {
			continue
		}
		fmt.Fprintf(&b, "  %s: {Type: Test::Thing, Properties: {Value: %d, Fixed: %d", id, rnd.IntN(3), rnd.IntN(2))
		if there != nil && rnd.IntN(2) == 0 {
			other := there[rnd.IntN(len(there))]
			fmt.Fprintf(&b, ", Other: [!Ref %s, !GetAtt %s.Value]", other, other)
		}
		b.WriteString("}}\n")
		there = append(there, id)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	b := newBench(t)
	b.run(Creating, first)
	plan := func(text string) []Step {
		t.Helper()
		d, err := template.Parse(text, template.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Prepare(b.w.types(), d.Root, nil, nil, Place{Account: "1", Region: "r"})
		if err != nil {
			t.Fatal(err)
		}
		_, rows, _ := b.j.Load(t.Context(), "")
		steps, err := Plan(b.w.types(), p, nil, rows)
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	if steps := plan(first); steps != nil {
		t.Errorf("no change: %v", steps)
	}
	var got []string
	for _, s := range plan(strings.ReplaceAll(second, "Value: 2", "Fixed: 2")) {
		got = append(got, s.Action+" "+s.LogicalID+" "+s.Replacement)
	}
	if want := []string{"Modify A True", "Modify B True", "Add C "}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = nil
	for _, s := range plan(`Resources: {B: {Type: Test::Thing, Properties: {Value: 1}}}`) {
		got = append(got, s.Action+" "+s.LogicalID+" "+s.Replacement)
	}
	if want := []string{"Remove A ", "Modify B False"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPrepareRefuses(t *testing.T) {
	b := newBench(t)
	refuses := func(text, want string) {
		t.Helper()
		d, err := template.Parse(text, template.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Prepare(b.w.types(), d.Root, nil, nil, Place{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	refuses("Resources: {A: {Type: AWS::No::Such}, B: {Type: Test::Thing}}", "Template format error: Unrecognized resource types: [AWS::No::Such]")
	refuses("Resources: {A: {Type: Test::Thing, Properties: {Nope: 1}}}", "Properties validation failed for resource A with message:\n[#: extraneous key [Nope] is not permitted]")
	refuses("Resources: {A: {Type: Test::Thing}, B: {Type: Test::Thing, Properties: {Value: !GetAtt A.Nope}}}", "resource A does not support attribute type Nope in Fn::GetAtt")
}
