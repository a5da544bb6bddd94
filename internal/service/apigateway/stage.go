package apigateway

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	stageName     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	variableName  = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	variableValue = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#&=,]*$`)
)

func newStage(name, deploymentID string) *api.Stage {
	return &api.Stage{
		StageName: &name, DeploymentId: &deploymentID, CacheClusterEnabled: new(false), CacheClusterStatus: new("NOT_AVAILABLE"),
		MethodSettings: map[string]api.MethodSetting{}, TracingEnabled: new(false), CreatedDate: now(), LastUpdatedDate: now(),
	}
}

// setCluster sets whether a stage keeps answers, and how many.
func setCluster(row *api.Stage, enabled *bool, size *string) {
	if size != nil {
		row.CacheClusterSize = size
	}
	if enabled == nil {
		return
	}
	row.CacheClusterEnabled, row.CacheClusterStatus = enabled, new("NOT_AVAILABLE")
	if *enabled {
		row.CacheClusterStatus = new("AVAILABLE")
		if row.CacheClusterSize == nil {
			row.CacheClusterSize = new("0.5")
		}
	}
}

// putStage keeps a stage, which serves from then on what it says now.
func (s *Service) putStage(tx *store.Tx, key partKey, row *api.Stage) error {
	if !stageName.MatchString(*row.StageName) {
		return errBad("Stage name only allows a-zA-Z0-9_-")
	}
	for name, value := range row.Variables {
		if !variableName.MatchString(name) {
			return errBad("Stage variable name can only contain alphanumeric characters and underscores: %s", name)
		}
		if !variableValue.MatchString(value) {
			return errBad("Stage variable value does not match the pattern [A-Za-z0-9-._~:/?#&=,]+: %s", name)
		}
	}
	s.dropAfter(tx, strings.TrimPrefix(key.API.Resource, "/restapis/"))
	return stages.Put(tx, key, *row)
}

// dropAfter has an API compiled anew once tx is kept.
func (s *Service) dropAfter(tx *store.Tx, id string) {
	tx.AfterCommit(func() { s.cache.Drop(id) })
}

// CreateStage makes a stage that serves a deployment.
func (s *Service) CreateStage(ctx context.Context, call *aws.Call, in *api.CreateStageInput) (*api.Stage, error) {
	row := newStage(in.StageName, in.DeploymentId)
	row.Description, row.Variables, row.DocumentationVersion, row.Tags = in.Description, in.Variables, in.DocumentationVersion, in.Tags
	row.TracingEnabled = new(aws.Value(in.TracingEnabled))
	setCluster(row, in.CacheClusterEnabled, in.CacheClusterSize)
	if c := in.CanarySettings; c != nil {
		row.CanarySettings = &api.CanarySettings{
			DeploymentId: c.DeploymentId, PercentTraffic: new(aws.Value(c.PercentTraffic)), StageVariableOverrides: c.StageVariableOverrides, UseStageCache: new(aws.Value(c.UseStageCache)),
		}
		if c.DeploymentId == nil {
			row.CanarySettings.DeploymentId = &in.DeploymentId
		}
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		key := partKey{arn, in.StageName}
		if found, err := stages.Has(tx, key); err != nil {
			return err
		} else if found {
			return api.ConflictException.Errorf("Stage already exists")
		}
		if err := checkDeployments(tx, arn, row); err != nil {
			return err
		}
		if v := in.DocumentationVersion; v != nil {
			if found, err := docVersions.Has(tx, partKey{arn, *v}); err != nil {
				return err
			} else if !found {
				return errNo("Documentation version")
			}
		}
		return s.putStage(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return row, nil
}

// checkDeployments refuses a stage of deployments, or of a certificate, that
// are not there.
func checkDeployments(tx *store.Tx, arn aws.ARN, row *api.Stage) error {
	if id := aws.Value(row.ClientCertificateId); id != "" {
		at := arn
		at.Resource = "/clientcertificates/" + id
		if found, err := clientCerts.Has(tx, at); err != nil {
			return err
		} else if !found {
			return errBad("Invalid client certificate identifier specified")
		}
	}
	ids := []string{*row.DeploymentId}
	if c := row.CanarySettings; c != nil {
		ids = append(ids, aws.Value(c.DeploymentId))
	}
	for _, id := range ids {
		if found, err := deployments.Has(tx, partKey{arn, id}); err != nil {
			return err
		} else if !found {
			return errBad("Deployment id does not exist")
		}
	}
	return nil
}

// GetStage returns a stage.
func (s *Service) GetStage(ctx context.Context, call *aws.Call, in *api.GetStageInput) (*api.Stage, error) {
	var row api.Stage
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, stages, call, in.RestApiId, "stage", in.StageName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetStages lists the stages of an API, or those of one deployment.
func (s *Service) GetStages(ctx context.Context, call *aws.Call, in *api.GetStagesInput) (*api.GetStagesOutput, error) {
	var out *api.GetStagesOutput
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.GetStagesOutput{Item: []api.Stage{}}
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		for _, row := range stages.Scan(tx, partKey{API: arn}) {
			if in.DeploymentId == nil || *row.DeploymentId == *in.DeploymentId {
				out.Item = append(out.Item, row)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateStage changes a stage.
func (s *Service) UpdateStage(ctx context.Context, call *aws.Call, in *api.UpdateStageInput) (*api.Stage, error) {
	var row api.Stage
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, stages, call, in.RestApiId, "stage", in.StageName)
		if err != nil {
			return err
		}
		row = found
		if err := apply(in.PatchOperations, func(c *change) error { return patchStage(&row, c) }); err != nil {
			return err
		}
		if err := checkDeployments(tx, key.API, &row); err != nil {
			return err
		}
		row.LastUpdatedDate = now()
		return s.putStage(tx, key, &row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func patchStage(row *api.Stage, c *change) error {
	switch {
	case c.at(0) == "variables" && len(c.parts) == 2 && c.op != opCopy:
		row.Variables = member(row.Variables, c, c.parts[1], c.value)
		if len(row.Variables) == 0 {
			row.Variables = nil
		}
		return nil
	case c.at(0) == "canarySettings":
		return patchCanary(row, c)
	case c.at(0) == "accessLogSettings":
		return patchAccessLog(row, c)
	case c.op == opCopy && c.from == "/canarySettings/deploymentId" && c.path == "/deploymentId" && row.CanarySettings != nil:
		row.DeploymentId = row.CanarySettings.DeploymentId
		return nil
	case c.op == opCopy && c.from == "/canarySettings/stageVariableOverrides" && c.path == "/variables" && row.CanarySettings != nil:
		row.Variables = maps.Clone(row.Variables)
		if row.Variables == nil {
			row.Variables = make(map[string]string)
		}
		maps.Copy(row.Variables, row.CanarySettings.StageVariableOverrides)
		return nil
	}
	if len(c.parts) >= 2 {
		return patchSettings(row, c)
	}
	if c.op != opReplace {
		return errBad("Invalid patch path  '%s' specified for op '%s'. Please choose supported operations", c.path, c.op)
	}
	switch c.path {
	case "/deploymentId":
		row.DeploymentId = &c.value
	case "/description":
		row.Description = c.text()
	case "/clientCertificateId":
		row.ClientCertificateId = c.text()
	case "/cacheClusterEnabled":
		setCluster(row, c.truth(), nil)
	case "/cacheClusterSize":
		row.CacheClusterSize = c.text()
	case "/tracingEnabled":
		row.TracingEnabled = c.truth()
	case "/documentationVersion":
		row.DocumentationVersion = c.text()
	default:
		return errBad("Invalid patch path  '%s' specified for op 'replace'. Must be one of: [/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, "+
			"/clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, /{resourcePath}/{httpMethod}/metrics/enabled, "+
			"/{resourcePath}/{httpMethod}/logging/dataTrace, /{resourcePath}/{httpMethod}/logging/loglevel, /{resourcePath}/{httpMethod}/throttling/burstLimit, "+
			"/{resourcePath}/{httpMethod}/throttling/rateLimit, /{resourcePath}/{httpMethod}/caching/ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, "+
			"/{resourcePath}/{httpMethod}/caching/dataEncrypted, /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, "+
			"/{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, /*/*/logging/dataTrace, /*/*/logging/loglevel, "+
			"/*/*/throttling/burstLimit, /*/*/throttling/rateLimit, /*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, "+
			"/*/*/caching/requireAuthorizationForCacheControl, /*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled]", c.path)
	}
	return nil
}

func patchCanary(row *api.Stage, c *change) error {
	if len(c.parts) == 1 {
		if c.op != opRemove {
			return c.errPath()
		}
		row.CanarySettings = nil
		return nil
	}
	if row.CanarySettings == nil {
		row.CanarySettings = &api.CanarySettings{DeploymentId: row.DeploymentId, PercentTraffic: new(0.0), UseStageCache: new(false)}
	}
	canary, err := row.CanarySettings, error(nil)
	switch c.at(1) {
	case "deploymentId":
		canary.DeploymentId = &c.value
	case "percentTraffic":
		canary.PercentTraffic, err = c.float()
		if err == nil && (*canary.PercentTraffic < 0 || *canary.PercentTraffic > 100) {
			err = errBad("Canary percent traffic must be between 0.0 and 100.0")
		}
	case "useStageCache":
		canary.UseStageCache = c.truth()
	case "stageVariableOverrides":
		if len(c.parts) == 3 {
			canary.StageVariableOverrides = member(canary.StageVariableOverrides, c, c.parts[2], c.value)
		} else if c.op == opRemove {
			canary.StageVariableOverrides = nil
		}
	default:
		err = c.errPath()
	}
	return err
}

func patchAccessLog(row *api.Stage, c *change) error {
	if c.op == opRemove {
		if len(c.parts) > 1 || row.AccessLogSettings == nil {
			return errNoSetting(strings.Join(c.parts, "/"))
		}
		row.AccessLogSettings = nil
		return nil
	}
	name := c.at(1)
	if len(c.parts) != 2 || name != "destinationArn" && name != "format" {
		return errBad("Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, /accessLogSettings/format]")
	}
	if c.value == "" {
		return errBad("Access Log value must not be empty")
	}
	if row.AccessLogSettings == nil {
		row.AccessLogSettings = new(api.AccessLogSettings)
	}
	if name == "format" {
		row.AccessLogSettings.Format = &c.value
		return nil
	}
	if strings.HasPrefix(c.value, "arn:aws:firehose:") {
		return errNotYet("access logs to Firehose")
	}
	if !strings.HasPrefix(c.value, "arn:aws:logs:") {
		return errBad("Invalid ARN specified in the request. ARNs must start with 'arn:' and should not contain wildcards")
	}
	row.AccessLogSettings.DestinationArn = new(strings.TrimSuffix(c.value, ":*"))
	return nil
}

func errNoSetting(path string) error {
	return errBad("Cannot remove method setting %s because there is no method setting for this method ", path)
}

// usualSetting is a method's, where a stage says nothing else.
func usualSetting() api.MethodSetting {
	return api.MethodSetting{
		MetricsEnabled: new(false), DataTraceEnabled: new(false), ThrottlingBurstLimit: new(int32(5000)), ThrottlingRateLimit: new(10000.0),
		CachingEnabled: new(false), CacheTtlInSeconds: new(int32(usualVerdict)), CacheDataEncrypted: new(false), RequireAuthorizationForCacheControl: new(true),
		UnauthorizedCacheControlHeaderStrategy: new("SUCCEED_WITH_RESPONSE_HEADER"),
	}
}

// patchSettings changes the settings of a method: /~1pets/GET/caching/enabled.
func patchSettings(row *api.Stage, c *change) error {
	if c.op == opAdd {
		return errBad("Invalid patch path  '%s' specified for op 'add'. Please choose supported operations", c.path)
	}
	key := c.at(0) + "/" + c.at(1)
	if strings.HasPrefix(c.at(0), "/") { // the settings of /pets are at pets/GET
		key = strings.TrimPrefix(key, "/")
	}
	_, there := row.MethodSettings[key]
	switch {
	case c.op == opRemove && (len(c.parts) != 2 || !there):
		return errNoSetting(strings.Join(c.parts, "/"))
	case c.op == opRemove:
		delete(row.MethodSettings, key)
		return nil
	case len(c.parts) != 4:
		return errBad("Invalid method setting path: %s. Must be one of: [/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /variables, /tracingEnabled]", c.path)
	}
	set, ok := row.MethodSettings[key]
	if !ok {
		set = usualSetting()
	}
	if err := patchSetting(&set, c, c.parts[2]+"/"+c.parts[3]); err != nil {
		return err
	}
	if row.MethodSettings == nil {
		row.MethodSettings = make(map[string]api.MethodSetting)
	}
	row.MethodSettings[key] = set
	return nil
}

func patchSetting(set *api.MethodSetting, c *change, name string) (err error) {
	switch name {
	case "metrics/enabled":
		set.MetricsEnabled = c.truth()
	case "logging/dataTrace":
		set.DataTraceEnabled = c.truth()
	case "logging/loglevel":
		if !slices.Contains([]string{"OFF", "ERROR", "INFO"}, c.value) {
			return errBad("Invalid logging level specified. Must be one of: [OFF, ERROR, INFO]")
		}
		set.LoggingLevel = &c.value
	case "throttling/burstLimit":
		set.ThrottlingBurstLimit, err = c.int32()
	case "throttling/rateLimit":
		set.ThrottlingRateLimit, err = c.float()
	case "caching/enabled":
		set.CachingEnabled = c.truth()
	case "caching/ttlInSeconds":
		if set.CacheTtlInSeconds, err = c.int32(); err == nil && (*set.CacheTtlInSeconds < 0 || *set.CacheTtlInSeconds > maxVerdict) {
			err = errBad("Invalid cache TTL specified. Must be between 0 and 3600 seconds")
		}
	case "caching/dataEncrypted":
		set.CacheDataEncrypted = c.truth()
	case "caching/requireAuthorizationForCacheControl":
		set.RequireAuthorizationForCacheControl = c.truth()
	case "caching/unauthorizedCacheControlHeaderStrategy":
		if !slices.Contains([]string{"FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER"}, c.value) {
			return errBad("Invalid unauthorizedCacheControlHeaderStrategy specified")
		}
		set.UnauthorizedCacheControlHeaderStrategy = &c.value
	default:
		err = errBad("Invalid method setting path: %s", c.path)
	}
	return err
}

// DeleteStage removes a stage.
func (s *Service) DeleteStage(ctx context.Context, call *aws.Call, in *api.DeleteStageInput) (*api.DeleteStageOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, stages, call, in.RestApiId, "stage", in.StageName)
		if err != nil {
			return err
		}
		if err := checkUnplanned(tx, call, in.RestApiId, in.StageName); err != nil {
			return err
		}
		s.dropAfter(tx, in.RestApiId)
		return errors.Join(stages.Delete(tx, key))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteStageOutput{}, nil
}
