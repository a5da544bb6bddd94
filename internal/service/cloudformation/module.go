package cloudformation

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A moduleType is a name under which parts of templates are registered.
type moduleType struct {
	Latest  int
	Default string // version; "": none is left
	Created time.Time
	Updated time.Time
}

// A moduleVersion is a part of a template.
type moduleVersion struct {
	Fragment    string // as it was packed
	Schema      string
	Description string
	Token       string // of its registration
	Created     time.Time
}

type moduleKey struct {
	Place aws.ARN
	Name  string
}

type moduleVersionKey struct {
	Type    moduleKey
	Version string
}

type registrationKey struct {
	Place aws.ARN
	Token string
}

var (
	modules        = store.NewTable[moduleKey, moduleType]("cloudformation.module")
	moduleVersions = store.NewTable[moduleVersionKey, moduleVersion]("cloudformation.moduleversion")
	registrations  = store.NewTable[registrationKey, moduleVersionKey]("cloudformation.registration")
)

var moduleName = regexp.MustCompile(`^[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::MODULE$`)

// typeARN names a module, or a version of it.
func (k moduleKey) typeARN(version string) string {
	arn := k.Place
	arn.Resource = "type/module/" + strings.ReplaceAll(k.Name, "::", "-")
	if version != "" {
		arn.Resource += "/" + version
	}
	return arn.String()
}

// Module implements deploy.Macros.
func (e expander) Module(name string) (map[string]any, error) {
	key := moduleKey{place(e.call.ARN("cloudformation", "")), name}
	var v moduleVersion
	err := e.s.db.View(e.ctx, func(tx *store.Tx) error {
		t, err := modules.Get(tx, key)
		if err == nil {
			v, err = moduleVersions.Get(tx, moduleVersionKey{key, t.Default})
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, &template.Error{Message: fmt.Sprintf("Template format error: Unrecognized resource types: [%s]", name)}
	}
	if err != nil {
		return nil, err
	}
	doc, err := template.Parse(v.Fragment, template.Options{})
	if err != nil {
		return nil, err
	}
	return doc.Root, nil
}

// RegisterType registers a part of a template as a module. It is there at once.
func (s *Service) RegisterType(ctx context.Context, call *aws.Call, in *api.RegisterTypeInput) (*api.RegisterTypeOutput, error) {
	if kind := aws.Or(in.Type, api.RegistryTypeResource); kind != api.RegistryTypeModule {
		return nil, aws.NotImplemented.Errorf("Aloft does not have types of kind %s in its registry: of those that can be registered, it has modules.", kind)
	}
	if !moduleName.MatchString(in.TypeName) {
		return nil, api.CFNRegistryException.Errorf("Module type name %s is not valid: it must be of the form Organization::Service::UseCase::MODULE", in.TypeName)
	}
	pack, err := s.fetch(ctx, call, in.SchemaHandlerPackage)
	if err != nil {
		return nil, err
	}
	v, err := unpackModule([]byte(pack))
	if err != nil {
		return nil, api.CFNRegistryException.Errorf("%s", err.Error())
	}
	v.Token, v.Created = aws.Or(in.ClientRequestToken, aws.NewRequestID()), time.Now()
	key := moduleKey{place(call.ARN("cloudformation", "")), in.TypeName}
	return &api.RegisterTypeOutput{RegistrationToken: &v.Token}, s.db.Update(ctx, func(tx *store.Tx) error {
		if done, err := registrations.Has(tx, registrationKey{key.Place, v.Token}); done || err != nil {
			return err
		}
		t, err := modules.Get(tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if t.Latest == 0 {
			t.Created = v.Created
		}
		t.Latest++
		t.Updated = v.Created
		version := fmt.Sprintf("%08d", t.Latest)
		if t.Default == "" {
			t.Default = version
		}
		id := moduleVersionKey{key, version}
		return errors.Join(modules.Put(tx, key, t), moduleVersions.Put(tx, id, *v), registrations.Put(tx, registrationKey{key.Place, v.Token}, id))
	})
}

// unpackModule reads the archive of a module: a schema, and one fragment.
func unpackModule(pack []byte) (*moduleVersion, error) {
	archive, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		return nil, fmt.Errorf("the schema handler package is not a valid zip archive")
	}
	v := &moduleVersion{}
	for _, f := range archive.File {
		fragment := path.Dir(f.Name) == "fragments" && slices.Contains([]string{".json", ".yaml", ".yml"}, path.Ext(f.Name))
		if f.Name != "schema.json" && !fragment {
			continue
		}
		text, err := unpackFile(f)
		switch {
		case err != nil:
			return nil, err
		case !fragment:
			v.Schema = text
		case v.Fragment != "":
			return nil, fmt.Errorf("a module must have exactly one template fragment")
		default:
			v.Fragment = text
		}
	}
	if v.Fragment == "" {
		return nil, fmt.Errorf("a module must have exactly one template fragment")
	}
	doc, err := template.Parse(v.Fragment, template.Options{})
	if err != nil {
		return nil, fmt.Errorf("the template fragment is not valid: %w", err)
	}
	if resources, _ := doc.Root["Resources"].(map[string]any); len(resources) == 0 {
		return nil, fmt.Errorf("the template fragment is not valid: At least one Resources member must be defined.")
	}
	if doc.Root["Transform"] != nil {
		return nil, fmt.Errorf("the template fragment is not valid: modules cannot use transforms")
	}
	var schema struct{ Description string }
	if json.Unmarshal([]byte(v.Schema), &schema) == nil {
		v.Description = schema.Description
	}
	if text, ok := doc.Root["Description"].(string); ok && v.Description == "" {
		v.Description = text
	}
	return v, nil
}

func unpackFile(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", fmt.Errorf("%s cannot be read", f.Name)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, template.MaxStored+1))
	if err != nil || len(text) > template.MaxStored {
		return "", fmt.Errorf("%s cannot be read, or is longer than %d bytes", f.Name, template.MaxStored)
	}
	return string(text), nil
}

// DescribeTypeRegistration says what came of a registration.
func (s *Service) DescribeTypeRegistration(ctx context.Context, call *aws.Call, in *api.DescribeTypeRegistrationInput) (*api.DescribeTypeRegistrationOutput, error) {
	out := &api.DescribeTypeRegistrationOutput{ProgressStatus: new(api.RegistrationStatusComplete)}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		id, err := registrations.Get(tx, registrationKey{place(call.ARN("cloudformation", "")), in.RegistrationToken})
		if errors.Is(err, store.ErrNotFound) {
			return api.CFNRegistryException.Errorf("No registration token matches the identifier provided.")
		}
		out.TypeArn, out.TypeVersionArn = new(id.Type.typeARN("")), new(id.Type.typeARN(id.Version))
		return err
	})
}

// findModule finds a module by its ARN or its name, and the version that is meant:
// the default one, if none is named.
func findModule(tx *store.Tx, call *aws.Call, arn, name, version *string) (moduleVersionKey, moduleType, error) {
	id := moduleVersionKey{Type: moduleKey{place(call.ARN("cloudformation", "")), aws.Value(name)}, Version: aws.Value(version)}
	if parts := strings.Split(aws.Value(arn), "/"); len(parts) >= 3 {
		id.Type.Name = strings.ReplaceAll(parts[2], "-", "::")
		if len(parts) > 3 {
			id.Version = parts[3]
		}
	}
	t, err := modules.Get(tx, id.Type)
	if err == nil && id.Version == "" {
		id.Version = t.Default
	}
	has := false
	if err == nil {
		has, err = moduleVersions.Has(tx, id)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && !has {
		return id, t, api.TypeNotFoundException.Errorf("The type '%s' cannot be found.", id.Type.Name)
	}
	return id, t, err
}

// DescribeType describes a module.
func (s *Service) DescribeType(ctx context.Context, call *aws.Call, in *api.DescribeTypeInput) (*api.DescribeTypeOutput, error) {
	var out *api.DescribeTypeOutput
	err := s.db.View(ctx, func(tx *store.Tx) error {
		id, t, err := findModule(tx, call, in.Arn, in.TypeName, in.VersionId)
		if err != nil {
			return err
		}
		v, err := moduleVersions.Get(tx, id)
		shown := id.Version
		if in.VersionId == nil && strings.Count(aws.Value(in.Arn), "/") < 3 {
			shown = ""
		}
		out = &api.DescribeTypeOutput{
			Arn: new(id.Type.typeARN(shown)), Type: new(api.RegistryTypeModule), TypeName: &id.Type.Name, DefaultVersionId: &t.Default,
			IsDefaultVersion: new(id.Version == t.Default), Description: optional(v.Description), Schema: optional(v.Schema), ProvisioningType: new(api.ProvisioningTypeImmutable),
			DeprecatedStatus: new(api.DeprecatedStatusLive), Visibility: new(api.VisibilityPrivate), LastUpdated: &t.Updated, TimeCreated: &v.Created,
		}
		return err
	})
	return out, err
}

// SetTypeDefaultVersion says which version of a module templates mean.
func (s *Service) SetTypeDefaultVersion(ctx context.Context, call *aws.Call, in *api.SetTypeDefaultVersionInput) (*api.SetTypeDefaultVersionOutput, error) {
	return &api.SetTypeDefaultVersionOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		id, t, err := findModule(tx, call, in.Arn, in.TypeName, in.VersionId)
		if err != nil {
			return err
		}
		t.Default, t.Updated = id.Version, time.Now()
		return modules.Put(tx, id.Type, t)
	})
}

// DeregisterType takes a version of a module out of use, or the module if no
// version is named. The default version goes last.
func (s *Service) DeregisterType(ctx context.Context, call *aws.Call, in *api.DeregisterTypeInput) (*api.DeregisterTypeOutput, error) {
	return &api.DeregisterTypeOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		id, t, err := findModule(tx, call, in.Arn, in.TypeName, in.VersionId)
		if err != nil {
			return err
		}
		others := 0
		for key := range moduleVersions.Scan(tx, moduleVersionKey{Type: id.Type}) {
			if key.Version != id.Version {
				others++
			}
		}
		whole := in.VersionId == nil && strings.Count(aws.Value(in.Arn), "/") < 3
		if others == 0 || whole {
			return errors.Join(modules.Delete(tx, id.Type), moduleVersions.DeletePrefix(tx, moduleVersionKey{Type: id.Type}))
		}
		if id.Version == t.Default {
			return api.CFNRegistryException.Errorf("Version '%s' is the default version and cannot be deregistered", id.Version)
		}
		return moduleVersions.Delete(tx, id)
	})
}

// ListTypes lists the modules of the account.
func (s *Service) ListTypes(ctx context.Context, call *aws.Call, in *api.ListTypesInput) (*api.ListTypesOutput, error) {
	out := &api.ListTypesOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		out.TypeSummaries = []api.TypeSummary{}
		if aws.Or(in.Visibility, api.VisibilityPrivate) != api.VisibilityPrivate || in.Type != nil && *in.Type != api.RegistryTypeModule {
			return nil
		}
		for key, t := range modules.Scan(tx, moduleKey{Place: place(call.ARN("cloudformation", ""))}) {
			if in.Filters != nil && !strings.HasPrefix(key.Name, aws.Value(in.Filters.TypeNamePrefix)) {
				continue
			}
			v, err := moduleVersions.Get(tx, moduleVersionKey{key, t.Default})
			if err != nil {
				return err
			}
			out.TypeSummaries = append(out.TypeSummaries, api.TypeSummary{
				Type: new(api.RegistryTypeModule), TypeName: new(key.Name), DefaultVersionId: new(t.Default), TypeArn: new(key.typeARN("")), LastUpdated: new(t.Updated), Description: optional(v.Description),
			})
		}
		return nil
	})
}

// ListTypeVersions lists the versions of a module.
func (s *Service) ListTypeVersions(ctx context.Context, call *aws.Call, in *api.ListTypeVersionsInput) (*api.ListTypeVersionsOutput, error) {
	out := &api.ListTypeVersionsOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		out.TypeVersionSummaries = []api.TypeVersionSummary{}
		id, t, err := findModule(tx, call, in.Arn, in.TypeName, nil)
		if err != nil {
			return err
		}
		for key, v := range moduleVersions.Scan(tx, moduleVersionKey{Type: id.Type}) {
			out.TypeVersionSummaries = append(out.TypeVersionSummaries, api.TypeVersionSummary{
				Type: new(api.RegistryTypeModule), TypeName: new(key.Type.Name), VersionId: new(key.Version), IsDefaultVersion: new(key.Version == t.Default),
				Arn: new(key.Type.typeARN(key.Version)), TimeCreated: new(v.Created), Description: optional(v.Description),
			})
		}
		return nil
	})
}
