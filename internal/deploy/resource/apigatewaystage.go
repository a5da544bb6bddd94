package resource

import (
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
)

func restStage() *Type {
	return &Type{
		Name: "AWS::ApiGateway::Stage",
		Properties: Props(`AccessLogSetting CacheClusterEnabled CacheClusterSize CanarySetting ClientCertificateId DeploymentId Description
			DocumentationVersion MethodSettings RestApiId!@ StageName@ Tags TracingEnabled Variables`),
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateStageInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, pick(op.New, "CacheClusterEnabled", "CacheClusterSize", "DeploymentId", "Description", "DocumentationVersion", "RestApiId",
				"StageName", "TracingEnabled", "Variables"), in); err != nil {
				return nil, err
			}
			if in.StageName == "" {
				in.StageName = "default"
			}
			if c := object(op.New["CanarySetting"]); c != nil {
				in.CanarySettings = new(api.CanarySettings)
				if err := Bind(op, c, in.CanarySettings); err != nil {
					return nil, err
				}
			}
			if _, err := Do(op, api.CreateStage, in); err != nil {
				return nil, err
			}
			made := &Made{PhysicalID: in.StageName}
			rest := *op
			rest.New = pick(op.New, "AccessLogSetting", "ClientCertificateId", "MethodSettings")
			patch := stagePatch(&rest)
			if len(patch) == 0 {
				return made, nil
			}
			_, err := Do(op, api.UpdateStage, &api.UpdateStageInput{RestApiId: in.RestApiId, StageName: in.StageName, PatchOperations: patch})
			return made, err
		},
		Update: func(op *Op) (*Made, error) {
			id := op.Text("RestApiId")
			if patch := stagePatch(op); len(patch) > 0 {
				if _, err := Do(op, api.UpdateStage, &api.UpdateStageInput{RestApiId: id, StageName: op.PhysicalID, PatchOperations: patch}); err != nil {
					return nil, err
				}
			}
			return &Made{PhysicalID: op.PhysicalID}, retagRest(op, "/restapis/"+id+"/stages/"+op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteStage, &api.DeleteStageInput{RestApiId: text(op.Old["RestApiId"]), StageName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Text("StageName")
			if name == "" {
				name = "default"
			}
			_, err := Do(op, api.GetStage, &api.GetStageInput{RestApiId: op.Text("RestApiId"), StageName: name})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
	}
}

// stagePatch is what makes a stage of op.Old one of op.New.
func stagePatch(op *Op) []api.PatchOperation {
	patch := replaces(op, map[string]string{
		"CacheClusterEnabled": "/cacheClusterEnabled", "CacheClusterSize": "/cacheClusterSize", "ClientCertificateId": "/clientCertificateId",
		"DeploymentId": "/deploymentId", "Description": "/description", "DocumentationVersion": "/documentationVersion", "TracingEnabled": "/tracingEnabled",
	})
	old, now := object(op.Old["Variables"]), object(op.New["Variables"])
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if !Equal(old[name], now[name]) {
			patch = append(patch, replaceAt("/variables/"+pointer(name), text(now[name])))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, has := now[name]; !has {
			patch = append(patch, removeAt("/variables/"+pointer(name), ""))
		}
	}
	if op.Changed("AccessLogSetting") {
		if l := object(op.New["AccessLogSetting"]); l == nil {
			patch = append(patch, removeAt("/accessLogSettings", ""))
		} else {
			patch = append(patch, replaceAt("/accessLogSettings/destinationArn", text(l["DestinationArn"])), replaceAt("/accessLogSettings/format", text(l["Format"])))
		}
	}
	if op.Changed("CanarySetting") {
		patch = append(patch, canaryPatch(object(op.New["CanarySetting"]))...)
	}
	return append(patch, settingsPatch(op)...)
}

func canaryPatch(c map[string]any) []api.PatchOperation {
	if c == nil {
		return []api.PatchOperation{removeAt("/canarySettings", "")}
	}
	var patch []api.PatchOperation
	for property, path := range map[string]string{"DeploymentId": "deploymentId", "PercentTraffic": "percentTraffic", "UseStageCache": "useStageCache"} {
		if c[property] != nil {
			patch = append(patch, replaceAt("/canarySettings/"+path, text(c[property])))
		}
	}
	for name, v := range object(c["StageVariableOverrides"]) {
		patch = append(patch, replaceAt("/canarySettings/stageVariableOverrides/"+pointer(name), text(v)))
	}
	return patch
}

// methodSettings are the properties of settings of methods, and where patches
// have them.
var methodSettings = map[string]string{
	"MetricsEnabled": "metrics/enabled", "DataTraceEnabled": "logging/dataTrace", "LoggingLevel": "logging/loglevel",
	"ThrottlingBurstLimit": "throttling/burstLimit", "ThrottlingRateLimit": "throttling/rateLimit", "CachingEnabled": "caching/enabled",
	"CacheTtlInSeconds": "caching/ttlInSeconds", "CacheDataEncrypted": "caching/dataEncrypted",
}

// settingsPatch sets the settings of methods anew, where they differ.
func settingsPatch(op *Op) []api.PatchOperation {
	if !op.Changed("MethodSettings") {
		return nil
	}
	var patch []api.PatchOperation
	seen := make(map[string]bool)
	for _, element := range list(op.Old["MethodSettings"]) {
		if path := settingPath(object(element)); !seen[path] {
			seen[path] = true
			patch = append(patch, removeAt(path, ""))
		}
	}
	for _, element := range list(op.New["MethodSettings"]) {
		s := object(element)
		for _, property := range slices.Sorted(maps.Keys(methodSettings)) {
			if s[property] != nil {
				patch = append(patch, replaceAt(settingPath(s)+"/"+methodSettings[property], text(s[property])))
			}
		}
	}
	return patch
}

// settingPath is where the settings of a method are: /~1pets/GET, or /*/*.
func settingPath(s map[string]any) string {
	path, method := text(s["ResourcePath"]), text(s["HttpMethod"])
	if method == "" {
		method = "*"
	}
	if path == "/*" || path == "*" || path == "" {
		return "/*/" + method
	}
	if !strings.HasPrefix(path, "/~1") {
		path = "/" + pointer(path)
	}
	return path + "/" + method
}
