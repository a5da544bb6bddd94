package schemas

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
	"unicode"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// discovered is the registry of what discoverers found.
const discovered = "discovered-schemas"

// maxDiscovered is how many versions of a schema are found.
const maxDiscovered = 100

// observe tells a discoverer of an event. AWS has no such operation.
var observe = smithy.Operation[observeInput, observeOutput]{Service: "schemas", Name: "Observe"}

type observeInput struct {
	discoverer aws.ARN
	event      []byte
}

type observeOutput struct{}

// receive answers deliveries to discoverers.
func receive(d *event.Delivery) (operation string, in any, err error) {
	return observe.Name, &observeInput{d.Target, d.Body}, nil
}

// mayObserve lets rules tell of events, and nobody else.
func mayObserve(call *aws.Call, in *observeInput, check func(service.Access) error) error {
	if call.Principal.Kind == aws.Service && call.Principal.Source.Service == "events" && call.Account == in.discoverer.Account {
		return nil
	}
	return aws.AccessDenied.Errorf("Only rules of event buses tell discoverers of events.")
}

// observe finds the schema of an event, and keeps it if it says more than the
// one that was found before.
func (s *Service) observe(ctx context.Context, call *aws.Call, in *observeInput) (*observeOutput, error) {
	var e struct {
		Account, Source string
		DetailType      string `json:"detail-type"`
		Detail          map[string]any
	}
	if err := json.Unmarshal(in.event, &e); err != nil || e.Detail == nil {
		return &observeOutput{}, nil // an input that somebody gave the target is no event
	}
	title := titleOf(e.DetailType)
	shape, ok := shapeOf(e.Detail, 0)
	name := e.Source + "@" + title
	if !ok || title == "" || !schemaNames.MatchString(name) {
		return &observeOutput{}, nil
	}
	arn := schemaARN(call, discovered, name)
	return &observeOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		d, err := findDiscoverer(tx, in.discoverer)
		if err != nil || d.State != api.DiscovererStateStarted || !d.Across && e.Account != in.discoverer.Account {
			return err
		}
		return keepFound(tx, arn, e.Source, e.DetailType, title, shape)
	})
}

// keepFound keeps what an event looks like as the next version of its schema,
// unless the latest says as much.
func keepFound(tx *store.Tx, arn aws.ARN, source, detailType, title string, shape map[string]any) error {
	row, v, _, err := findVersion(tx, arn, nil)
	switch {
	case errors.Is(err, api.NotFoundException):
		row = schema{Description: "Schema for event type " + detailType + ", published by AWS service " + source, Type: "OpenApi3"}
		if !strings.HasPrefix(source, "aws.") {
			row.Description = ""
		}
	case err != nil:
		return err
	default:
		had, ok := detailOf(v.Content, title)
		if merged := merge(had, shape); ok && reflect.DeepEqual(plain(merged), had) || row.Last >= maxDiscovered {
			return nil
		} else if ok {
			shape = merged
		}
	}
	content, err := json.Marshal(eventDocument(source, detailType, title, shape))
	if err != nil {
		return err
	}
	registry := arn
	registry.Resource = registryKind + discovered
	there, err := registries.Has(tx, registry)
	if err != nil {
		return err
	}
	if !there {
		if err := registries.Put(tx, registry, newDiscovered()); err != nil {
			return err
		}
	}
	now := time.Now()
	row.Last++
	row.Modified = now
	return errors.Join(versions.Put(tx, versionKey{arn, row.Last}, version{string(content), row.Type, now}), schemas.Put(tx, arn, row))
}

func newDiscovered() registry {
	return registry{Description: "Registry for discovered event schemas"}
}

// titleOf is a detail type as the name of a schema: "Order placed" is OrderPlaced.
func titleOf(detailType string) string {
	var b strings.Builder
	up := true
	for _, r := range detailType {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
		up = false
	}
	return b.String()
}

// eventDocument is the document that describes events of a type.
func eventDocument(source, detailType, title string, detail map[string]any) map[string]any {
	text := map[string]any{"type": "string"}
	envelope := map[string]any{
		"type":                        "object",
		"required":                    []string{"detail-type", "resources", "detail", "id", "source", "time", "region", "version", "account"},
		"x-amazon-events-detail-type": detailType,
		"x-amazon-events-source":      source,
		"properties": map[string]any{
			"detail":      map[string]any{"$ref": "#/components/schemas/" + title},
			"account":     text,
			"detail-type": text,
			"id":          text,
			"region":      text,
			"resources":   map[string]any{"type": "array", "items": map[string]any{"type": "object"}},
			"source":      text,
			"time":        map[string]any{"type": "string", "format": "date-time"},
			"version":     text,
		},
	}
	return map[string]any{
		"openapi":    "3.0.0",
		"info":       map[string]any{"version": "1.0.0", "title": title},
		"paths":      map[string]any{},
		"components": map[string]any{"schemas": map[string]any{"AWSEvent": envelope, title: detail}},
	}
}

// detailOf is what a document of eventDocument says of the detail.
func detailOf(content, title string) (map[string]any, bool) {
	var doc struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if json.Unmarshal([]byte(content), &doc) != nil {
		return nil, false
	}
	detail, ok := doc.Components.Schemas[title]
	return detail, ok && detail["properties"] != nil
}

// plain is a schema as it is read from JSON.
func plain(shape map[string]any) (out map[string]any) {
	b, err := json.Marshal(shape)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return nil
	}
	return out
}
