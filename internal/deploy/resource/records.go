package resource

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
)

//go:embed records.txt
var recordsText string

// RecordNote is what is said of each resource that is a record.
const RecordNote = "A record: it is kept and can be referred to; Aloft does nothing else with it."

// targetNote begins what is said of rules, pipes and schedules whose targets are records.
const targetNote = "What it sends to a target fails: "

// noteTarget says so of made if one of these targets, by ARN, is a record.
func noteTarget(made *Made, targets ...string) {
	for _, target := range targets {
		arn, err := aws.ParseARN(target)
		if err != nil {
			continue
		}
		if err := event.ToRecord(arn); err != nil {
			made.Note = targetNote + aws.Refusal(err).Message
		}
	}
}

// A recordForm is how resources of a type that is kept as a record look.
type recordForm struct {
	name, id   string
	properties string
	attributes map[string]string
}

// Records has the types that are records: kept, and referred to, and no more.
// records.txt says how they look.
func Records() []*Type {
	var types []*Type
	var form *recordForm
	for line := range strings.Lines(recordsText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case line[0] != '\t':
			if form != nil {
				types = append(types, form.typ())
			}
			form = &recordForm{name: words[0], id: words[1], attributes: make(map[string]string)}
		case words[0] == "has":
			form.properties = strings.Join(words[1:], " ")
		case words[0] == "gives":
			for _, word := range words[1:] {
				name, value, _ := strings.Cut(word, "=")
				form.attributes[name] = value
			}
		}
	}
	return append(types, form.typ())
}

// nameOf are the properties that name a resource, as ids of records have them.
var nameOf = regexp.MustCompile(`\{(?:\w+\.)?([A-Z]\w*Name|Name|Family)\}$`)

func (f *recordForm) typ() *Type {
	t := &Type{
		Name: f.name, Properties: Props(f.properties), Attributes: slices.Sorted(maps.Keys(f.attributes)),
		Note: RecordNote, Record: true,
		Create: f.made, Update: f.made,
		Delete: func(*Op) error { return nil },
	}
	if m := nameOf.FindStringSubmatch(strings.TrimSuffix(f.id, ":1")); m != nil {
		t.Naming = Naming{Property: m[1]}
	}
	return t
}

var inRecord = regexp.MustCompile(`\{([\w.]+)\}`)

// made makes a record. The same step makes the same one again.
func (f *recordForm) made(op *Op) (*Made, error) {
	made := &Made{PhysicalID: op.PhysicalID, Attributes: make(map[string]any)}
	if made.PhysicalID == "" {
		made.PhysicalID = f.fill(op, f.id, "", op.Token)
	}
	for name, form := range f.attributes {
		if of, isList := strings.CutPrefix(form, "["); isList {
			elements := []any{}
			if of != "" {
				elements = append(elements, f.fill(op, of, made.PhysicalID, made.PhysicalID))
			}
			made.Attributes[name] = elements
			continue
		}
		made.Attributes[name] = f.fill(op, form, made.PhysicalID, made.PhysicalID)
	}
	return made, nil
}

// fill replaces what stands in braces. own is what makes digits the resource's own.
func (f *recordForm) fill(op *Op, form, id, own string) string {
	sum := sha256.Sum256([]byte(op.Stack.ID + "/" + op.LogicalID + "/" + own))
	digits := hex.EncodeToString(sum[:])
	return inRecord.ReplaceAllStringFunc(form, func(word string) string {
		switch name := word[1 : len(word)-1]; name {
		case "id":
			return id
		case "tail":
			return id[strings.LastIndexByte(id, '/')+1:]
		case "hex":
			return digits[:17]
		case "octet":
			return strconv.Itoa(1 + int(sum[0])%254)
		case "uuid":
			return strings.Join([]string{digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:32]}, "-")
		case "account":
			return op.Call.Account
		case "region":
			return op.Call.Region
		default:
			v := op.Text(name)
			if property, member, inside := strings.Cut(name, "."); inside {
				v = text(object(op.New[property])[member])
			}
			if v != "" {
				return v
			}
			if nameOf.MatchString(word) {
				return op.Name
			}
			return f.usual(op, name)
		}
	})
}

// usual is what a property has that the template leaves out.
func (f *recordForm) usual(op *Op, name string) string {
	switch name {
	case "AvailabilityZone":
		return op.Call.Region + "a"
	case "AvailabilityZoneId":
		return "use1-az1"
	}
	return ""
}
