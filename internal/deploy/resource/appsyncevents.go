package resource

import (
	"maps"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
)

func eventAPI() *Type {
	made := func(a *api.Api) *Made {
		return &Made{PhysicalID: *a.ApiArn, Attributes: map[string]any{
			"ApiArn": *a.ApiArn, "ApiId": *a.ApiId, "Dns.Http": a.Dns["HTTP"], "Dns.Realtime": a.Dns["REALTIME"],
			"Dns": map[string]any{"Http": a.Dns["HTTP"], "Realtime": a.Dns["REALTIME"]},
		}}
	}
	return &Type{
		Name:       "AWS::AppSync::Api",
		Properties: Props("EventConfig Name! OwnerContact Tags"),
		Attributes: []string{"ApiArn", "ApiId", "Dns", "Dns.Http", "Dns.Realtime"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateApiInput{}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			in.Tags = origin(op)
			maps.Copy(in.Tags, tagMap(op.New["Tags"]))
			out, err := Do(op, api.CreateApi, in)
			if err != nil {
				return nil, err
			}
			return made(out.Api), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateApiInput{}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			in.ApiId = lastOf(op.PhysicalID)
			out, err := Do(op, api.UpdateApi, in)
			if err != nil {
				return nil, err
			}
			return made(out.Api), retagAppSync(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteApi, &api.DeleteApiInput{ApiId: lastOf(op.PhysicalID)})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			in := &api.ListApisInput{}
			for {
				out, err := Do(op, api.ListApis, in)
				if err != nil {
					return nil, err
				}
				for _, a := range out.Apis {
					if a.Tags["aws:cloudformation:stack-id"] == op.Stack.ID && a.Tags["aws:cloudformation:logical-id"] == op.LogicalID && *a.ApiArn != op.Except {
						return made(&a), nil
					}
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return nil, nil
				}
			}
		},
	}
}

func channelNamespace() *Type {
	made := func(n *api.ChannelNamespace) *Made {
		return &Made{PhysicalID: *n.ChannelNamespaceArn, Attributes: map[string]any{"ChannelNamespaceArn": *n.ChannelNamespaceArn}}
	}
	return &Type{
		Name:       "AWS::AppSync::ChannelNamespace",
		Properties: Props("ApiId!@ CodeHandlers CodeS3Location HandlerConfigs Name!@ PublishAuthModes SubscribeAuthModes Tags"),
		Attributes: []string{"ChannelNamespaceArn"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateChannelNamespaceInput{}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			in.Tags = tagMap(op.New["Tags"])
			var err error
			if in.CodeHandlers, err = located(op, "CodeHandlers", "CodeS3Location"); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateChannelNamespace, in)
			if err != nil {
				return nil, err
			}
			return made(out.ChannelNamespace), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateChannelNamespaceInput{}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			var err error
			if in.CodeHandlers, err = located(op, "CodeHandlers", "CodeS3Location"); err != nil {
				return nil, err
			}
			out, err := Do(op, api.UpdateChannelNamespace, in)
			if err != nil {
				return nil, err
			}
			return made(out.ChannelNamespace), retagAppSync(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteChannelNamespace, &api.DeleteChannelNamespaceInput{ApiId: text(op.Old["ApiId"]), Name: text(op.Old["Name"])})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, api.GetChannelNamespace, &api.GetChannelNamespaceInput{ApiId: op.Text("ApiId"), Name: op.Text("Name")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(out.ChannelNamespace), nil
		},
	}
}
