package lambda

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox/sdk"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const layerKind = "layer:"

// layerARN is the layer that a caller names, by name or ARN.
func layerARN(call *aws.Call, text string) aws.ARN {
	if arn, err := aws.ParseARN(text); err == nil {
		return arn
	}
	return call.ARN("lambda", layerKind+text)
}

// arn is the ARN of a layer's version.
func (k layerKey) arn() aws.ARN {
	a := k.Layer
	a.Resource += ":" + strconv.FormatInt(k.Number, 10)
	return a
}

// parseLayerVersion reads the ARN of a layer's version.
func parseLayerVersion(text string) (layerKey, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return layerKey{}, err
	}
	i := strings.LastIndexByte(arn.Resource, ':')
	n, err := strconv.ParseInt(arn.Resource[i+1:], 10, 64)
	if err != nil || i < len(layerKind) || !strings.HasPrefix(arn.Resource, layerKind) {
		return layerKey{}, invalid("Invalid Layer name: %s", text)
	}
	arn.Resource = arn.Resource[:i]
	return layerKey{arn, n}, nil
}

// layerOf is the layer an input names.
func layerOf[In interface{ GetLayerName() string }](call *aws.Call, in In) aws.ARN {
	return layerARN(call, in.GetLayerName())
}

// layerVersionOf is the layer's version an input names.
func layerVersionOf[In interface{ GetLayerName() string }](call *aws.Call, in In) aws.ARN {
	return layerKey{layerOf(call, in), numberOf(in)}.arn()
}

// numberOf is the number of the layer's version that an input names.
func numberOf(in any) int64 {
	switch in := in.(type) {
	case *api.GetLayerVersionInput:
		return in.VersionNumber
	case *api.DeleteLayerVersionInput:
		return in.VersionNumber
	case *api.GetLayerVersionPolicyInput:
		return in.VersionNumber
	case *api.AddLayerVersionPermissionInput:
		return in.VersionNumber
	case *api.RemoveLayerVersionPermissionInput:
		return in.VersionNumber
	}
	return 0
}

// mayGetLayer asks for the permission that GetLayerVersion needs.
func mayGetLayer(_ *aws.Call, in *api.GetLayerVersionByArnInput, check func(service.Access) error) error {
	key, err := parseLayerVersion(in.Arn)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "lambda:GetLayerVersion", Resource: key.arn()})
}

// findLayers finds the layers that a function is to use.
func findLayers(tx *store.Tx, call *aws.Call, list []string) ([]useOf, error) {
	if len(list) > maxLayers {
		return nil, invalid("Cannot reference more than %d layers.", maxLayers)
	}
	var uses []useOf
	seen := make(map[aws.ARN]string)
	for _, text := range list {
		key, err := parseLayerVersion(text)
		if err != nil {
			return nil, err
		}
		if key.Layer.Region != call.Region {
			return nil, invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", call.Region)
		}
		row, err := layerVersions.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil, invalid("Layer version %s does not exist.", text)
		}
		if err != nil {
			return nil, err
		}
		if other, twice := seen[key.Layer]; twice {
			return nil, invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer.", other, text)
		}
		seen[key.Layer] = text
		uses = append(uses, useOf{text, row.Code})
	}
	return uses, nil
}

// checkForeign refuses by name a layer of another account that was never
// published here, and is none that can be made here: nobody else can say what is
// in it. One of another region is refused later, as AWS does.
func (s *Service) checkForeign(call *aws.Call, text string) error {
	key, err := parseLayerVersion(text)
	if err != nil || key.Layer.Account == call.Account || key.Layer.Region != call.Region || sdk.HasLayer(key.name()) {
		return nil // what is wrong with it is said later
	}
	return s.db.View(context.Background(), func(tx *store.Tx) error {
		exists, err := layerVersions.Has(tx, key)
		if err != nil || exists {
			return err
		}
		return aws.NotImplemented.Errorf("Aloft has no layer %s: of other accounts it has the layers that were published here. Publish one with the same content, and name that.", text)
	})
}

// isPublic reports whether a layer's version is of those that can be made here.
func isPublic(text string) bool {
	key, err := parseLayerVersion(text)
	return err == nil && sdk.HasLayer(key.name())
}

// name is the layer's name.
func (k layerKey) name() string { return strings.TrimPrefix(k.Layer.Resource, layerKind) }

// makeForeign makes the layers of other accounts that are not there yet, and
// that everybody may use, of the packages that they are made of.
func (s *Service) makeForeign(ctx context.Context, call *aws.Call, list []string, runtime string) error {
	for _, text := range list {
		key, err := parseLayerVersion(text)
		if err != nil || key.Layer.Account == call.Account || key.Layer.Region != call.Region || !sdk.HasLayer(key.name()) {
			continue
		}
		if err := s.makeLayer(ctx, key, runtime); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) makeLayer(ctx context.Context, key layerKey, runtime string) error {
	exists := false
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		exists, err = layerVersions.Has(tx, key)
		return err
	})
	if err != nil || exists {
		return err
	}
	archive, err := s.runner.Layer(ctx, key.name(), runtime)
	if err != nil {
		return aws.NotImplemented.Errorf("Aloft could not make the layer %s of its packages: %v", key.arn(), err)
	}
	code, err := s.takeIn(ctx, key.Layer, bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	defer code.Close()
	row := layerVersion{Code: code.packed, Created: time.Now(), Description: "Made by Aloft of published packages."}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := layerVersions.Has(tx, key); err != nil || exists {
			return err // somebody else was faster
		}
		return errors.Join(code.keep(tx), layerVersions.Put(tx, key, row))
	})
}

// useLayers counts one more use of the code of v's layers.
func useLayers(tx *store.Tx, v *version) error {
	for i := range v.Layers {
		if err := v.Layers[i].Code.use(tx); err != nil {
			return err
		}
	}
	return nil
}

// PublishLayerVersion makes the next version of a layer.
func (s *Service) PublishLayerVersion(ctx context.Context, call *aws.Call, in *api.PublishLayerVersionInput) (*api.PublishLayerVersionOutput, error) {
	arn := layerARN(call, in.LayerName)
	c := in.Content
	code, err := s.receive(ctx, call, arn, source{api.PublishLayerVersion.Name, c.ZipFile, c.S3Bucket, c.S3Key, c.S3ObjectVersion, nil})
	if err != nil {
		return nil, err
	}
	defer code.Close()
	key := layerKey{Layer: arn}
	row := layerVersion{
		Code:          code.packed,
		Description:   aws.Value(in.Description),
		Created:       time.Now(),
		Runtimes:      in.CompatibleRuntimes,
		Architectures: in.CompatibleArchitectures,
		License:       aws.Value(in.LicenseInfo),
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		l, err := layers.Get(tx, arn)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		l.Published++
		key.Number = l.Published
		return errors.Join(code.keep(tx), layers.Put(tx, arn, l), layerVersions.Put(tx, key, row))
	})
	if err != nil {
		return nil, err
	}
	return (*api.PublishLayerVersionOutput)(s.describeLayer(call, key, &row)), nil
}

// describeLayer is a layer's version as answers show it.
func (s *Service) describeLayer(call *aws.Call, key layerKey, row *layerVersion) *api.GetLayerVersionOutput {
	out := &api.GetLayerVersionOutput{
		Content: &api.LayerVersionContentOutput{
			CodeSha256: new(row.Code.sha256()),
			CodeSize:   &row.Code.Size,
			Location:   new(s.codeURL(call, row.Code.Key)),
		},
		LayerArn:                new(key.Layer.String()),
		LayerVersionArn:         new(key.arn().String()),
		Version:                 &key.Number,
		Description:             &row.Description,
		CreatedDate:             new(row.Created.UTC().Format(timeFormat)),
		CompatibleRuntimes:      row.Runtimes,
		CompatibleArchitectures: row.Architectures,
	}
	if row.License != "" {
		out.LicenseInfo = &row.License
	}
	return out
}

// item is a layer's version as lists show it.
func (row *layerVersion) item(key layerKey) api.LayerVersionsListItem {
	out := api.LayerVersionsListItem{
		LayerVersionArn:         new(key.arn().String()),
		Version:                 &key.Number,
		Description:             &row.Description,
		CreatedDate:             new(row.Created.UTC().Format(timeFormat)),
		CompatibleRuntimes:      row.Runtimes,
		CompatibleArchitectures: row.Architectures,
	}
	if row.License != "" {
		out.LicenseInfo = &row.License
	}
	return out
}

// GetLayerVersion describes a version of a layer, and says where it is.
func (s *Service) GetLayerVersion(ctx context.Context, call *aws.Call, in *api.GetLayerVersionInput) (*api.GetLayerVersionOutput, error) {
	return s.getLayer(ctx, call, layerKey{layerARN(call, in.LayerName), in.VersionNumber})
}

// GetLayerVersionByArn is GetLayerVersion for an ARN.
func (s *Service) GetLayerVersionByArn(ctx context.Context, call *aws.Call, in *api.GetLayerVersionByArnInput) (*api.GetLayerVersionByArnOutput, error) {
	key, err := parseLayerVersion(in.Arn)
	if err != nil {
		return nil, err
	}
	out, err := s.getLayer(ctx, call, key)
	return out, err
}

func (s *Service) getLayer(ctx context.Context, call *aws.Call, key layerKey) (*api.GetLayerVersionOutput, error) {
	if err := key.check(); err != nil {
		return nil, err
	}
	var row layerVersion
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		row, err = layerVersions.Get(tx, key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = errNoResource()
	}
	if err != nil {
		return nil, err
	}
	return s.describeLayer(call, key, &row), nil
}

// check refuses numbers that no version has.
func (k layerKey) check() error {
	if k.Number < 1 {
		return invalid("Layer Version Cannot be less than 1")
	}
	return nil
}

// DeleteLayerVersion removes a version of a layer, if there is one. Functions
// that use it go on with it.
func (s *Service) DeleteLayerVersion(ctx context.Context, call *aws.Call, in *api.DeleteLayerVersionInput) (*api.DeleteLayerVersionOutput, error) {
	key := layerKey{layerARN(call, in.LayerName), in.VersionNumber}
	if err := key.check(); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := layerVersions.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { s.epoch.Add(1) })
		return errors.Join(s.drop(tx, row.Code), layerVersions.Delete(tx, key), policies.Delete(tx, key.policy()))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteLayerVersionOutput{}, nil
}

// suits reports whether a version is for a runtime and an architecture, if they are given.
func (row *layerVersion) suits(runtime, architecture *string) bool {
	return (runtime == nil || slices.Contains(row.Runtimes, *runtime)) &&
		(architecture == nil || slices.Contains(row.Architectures, *architecture))
}

// ListLayers lists layers with their last versions.
func (s *Service) ListLayers(ctx context.Context, call *aws.Call, in *api.ListLayersInput) (*api.ListLayersOutput, error) {
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list := []api.LayersListItem{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for arn := range layers.Scan(tx, call.ARN("lambda", "")) {
			for key, row := range layerVersions.ScanReverse(tx, layerKey{Layer: arn}) {
				if !row.suits(in.CompatibleRuntime, in.CompatibleArchitecture) {
					continue
				}
				if p.takes(arn.Resource) {
					name := strings.TrimPrefix(arn.Resource, layerKind)
					list = append(list, api.LayersListItem{LayerName: &name, LayerArn: new(arn.String()), LatestMatchingVersion: new(row.item(key))})
				}
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListLayersOutput{Layers: list, NextMarker: p.next()}, nil
}

// ListLayerVersions lists the versions of a layer, the last first.
func (s *Service) ListLayerVersions(ctx context.Context, call *aws.Call, in *api.ListLayerVersionsInput) (*api.ListLayerVersionsOutput, error) {
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	const most = 1 << 60
	list := []api.LayerVersionsListItem{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for key, row := range layerVersions.ScanReverse(tx, layerKey{Layer: layerARN(call, in.LayerName)}) {
			if row.suits(in.CompatibleRuntime, in.CompatibleArchitecture) && p.takes(sortable(most-key.Number)) {
				list = append(list, row.item(key))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListLayerVersionsOutput{LayerVersions: list, NextMarker: p.next()}, nil
}
