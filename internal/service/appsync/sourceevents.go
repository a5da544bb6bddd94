package appsync

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// askBus puts events on a bus of EventBridge.
func (r *resolution) askBus(ctx context.Context, d *api.DataSource, doc *vtl.Map) (any, *mapping.Problem) {
	if op := textOf(doc, "operation"); op != "PutEvents" {
		return nil, &mapping.Problem{Type: "MappingTemplate", Message: "Unsupported operation '" + op + "'."}
	}
	call, problem := r.as(ctx, d)
	if problem != nil {
		return nil, problem
	}
	entries := &vtl.List{Items: []any{}, JSON: true}
	given, _ := lookup(doc, "events").(*vtl.List)
	if given == nil || len(given.Items) == 0 {
		return nil, &mapping.Problem{Type: "MappingTemplate", Message: "The events are missing from the request."}
	}
	for _, item := range given.Items {
		m, _ := item.(*vtl.Map)
		detail := lookup(m, "detail")
		if _, isText := detail.(string); !isText {
			detail = vtl.JSON(detail)
		}
		entry := vtl.NewMap().Set("EventBusName", d.EventBridgeConfig.EventBusArn).Set("Source", lookup(m, "source")).
			Set("DetailType", lookup(m, "detailType")).Set("Detail", detail)
		for member, name := range map[string]string{"Resources": "resources", "Time": "time"} {
			if v := lookup(m, name); v != nil {
				entry.Set(member, v)
			}
		}
		entries.Items = append(entries.Items, entry)
	}
	b, err := r.cfg.Table.CallJSON(ctx, call, "events", "PutEvents", []byte(vtl.JSON(vtl.NewMap().Set("Entries", entries))))
	if err != nil {
		return nil, r.refused("EventBridge", err)
	}
	out, err := vtl.ParseJSON(string(b))
	if err != nil {
		return nil, r.refused("EventBridge", err)
	}
	return out, nil
}
