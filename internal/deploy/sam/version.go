package sam

import (
	"maps"
	"regexp"
	"strings"
)

var (
	aliasName = regexp.MustCompile(`^[a-zA-Z0-9\-_]+$`)
	digits    = regexp.MustCompile(`^[0-9]+$`)
)

// versionAndAlias makes what AutoPublishAlias asks for: a version whose id
// changes with the code, and an alias that points to it.
func (f *function) versionAndAlias() ([]*resource, error) {
	p := f.props
	if given(p["ProvisionedConcurrencyConfig"]) && !given(p["AutoPublishAlias"]) {
		return nil, badResource(f.id, "To set ProvisionedConcurrencyConfig AutoPublishALias must be defined on the function")
	}
	if !given(p["AutoPublishAlias"]) {
		return nil, nil
	}
	name, err := f.resolved("AutoPublishAlias")
	if err != nil {
		return nil, err
	}
	var ok bool
	if f.aliasOf, ok = name.(string); !ok {
		return nil, badResource(f.id, "'AutoPublishAlias' must be a string or a Ref to a template parameter")
	}
	hash, err := f.codeHash()
	if err != nil {
		return nil, err
	}
	version, err := f.version(hash)
	if err != nil {
		return nil, err
	}
	if f.alias, err = f.newAlias(version); err != nil {
		return nil, err
	}
	return []*resource{version, f.alias}, nil
}

// codeHash returns what AutoPublishCodeSha256 says, and puts it into the
// description so that Lambda sees a change where only it changed.
func (f *function) codeHash() (string, error) {
	p := f.props
	if !given(p["AutoPublishCodeSha256"]) {
		return "", nil
	}
	v, err := f.resolved("AutoPublishCodeSha256")
	if err != nil {
		return "", err
	}
	hash, ok := v.(string)
	if !ok {
		return "", badResource(f.id, "AutoPublishCodeSha256 must be a string")
	}
	description, err := f.resolved("Description")
	if err != nil {
		return "", err
	}
	switch {
	case !given(description):
		f.made.props["Description"] = hash
	case isString(description):
		f.made.props["Description"] = description.(string) + " " + hash
	default:
		f.made.props["Description"] = object{"Fn::Join": []any{" ", []any{description, hash}}}
	}
	return hash, nil
}

func (f *function) version(hash string) (*resource, error) {
	code, err := f.t.params.resolve(f.made.props["Code"])
	if err != nil {
		return nil, err
	}
	data := maps.Clone(asObject(code))
	if given(f.props["AutoPublishAliasAllProperties"]) {
		data = maps.Clone(f.made.props)
		for _, layer := range asList(f.made.props["Layers"]) {
			if id := refersTo(layer); id != "" {
				if of := asObject(at(f.t.out[id], "Properties")); given(of["PublishLambdaVersion"]) {
					data[id] = of
				}
			}
		}
	} else {
		maps.Copy(data, asObject(f.made.props["Environment"]))
		if size := f.made.props["MemorySize"]; given(size) {
			data["MemorySize"] = size
		}
		if snap := asObject(f.made.props["SnapStart"]); len(snap) > 0 && snap["ApplyOn"] != nil && snap["ApplyOn"] != "None" {
			data["SnapStart"] = snap
		}
	}
	suffix := hashOf(data)
	if hash != "" {
		suffix = hash[:min(10, len(hash))]
	}
	r := newResource("AWS::Lambda::Version", f.id+"Version"+suffix, f.passed())
	if _, has := r.attrs["DeletionPolicy"]; !has {
		switch {
		case f.props["VersionDeletionPolicy"] != nil:
			r.attrs["DeletionPolicy"] = f.props["VersionDeletionPolicy"]
		case f.props["CapacityProviderConfig"] != nil:
			r.attrs["DeletionPolicy"] = "Delete"
		default:
			r.attrs["DeletionPolicy"] = "Retain"
		}
	}
	r.props["FunctionName"] = f.made.ref()
	put(r.props, "Description", f.props["VersionDescription"])
	if f.props["CapacityProviderConfig"] != nil {
		put(r.props, "FunctionScalingConfig", f.props["FunctionScalingConfig"])
	}
	return r, nil
}

func (f *function) newAlias(version *resource) (*resource, error) {
	if f.aliasOf == "" {
		return nil, badResource(f.id, "Alias name is required to create an alias")
	}
	if !aliasName.MatchString(f.aliasOf) || digits.MatchString(f.aliasOf) {
		return nil, badResource(f.id, "AutoPublishAlias name ('%s') must contain only alphanumeric characters, hyphens, or underscores matching (?!^[0-9]+$)([a-zA-Z0-9-_]+) pattern.", f.aliasOf)
	}
	id := f.id + "Alias" + strings.NewReplacer("-", "D", "_", "U").Replace(f.aliasOf)
	r := newResource("AWS::Lambda::Alias", id, f.passed())
	r.props["Name"] = f.aliasOf
	r.props["FunctionName"] = f.made.ref()
	r.props["FunctionVersion"] = getAtt(version.id, "Version")
	if given(f.props["ProvisionedConcurrencyConfig"]) {
		r.props["ProvisionedConcurrencyConfig"] = f.props["ProvisionedConcurrencyConfig"]
	}
	return r, nil
}

// corsTypes are the types of the properties of a function URL's Cors.
var corsTypes = map[string]struct {
	is   func(any) bool
	name string
}{
	"AllowCredentials": {isBool, "bool"}, "AllowHeaders": {isList, "list"}, "AllowMethods": {isList, "list"},
	"AllowOrigins": {isList, "list"}, "ExposeHeaders": {isList, "list"}, "MaxAge": {isInt, "int"},
}

// url makes the address at which the function answers itself.
func (f *function) url() ([]*resource, error) {
	config := asObject(f.props["FunctionUrlConfig"])
	if len(config) == 0 {
		return nil, nil
	}
	if err := f.checkURL(config); err != nil {
		return nil, err
	}
	var target any = f.made.ref()
	if f.alias != nil {
		target = f.alias.ref()
	}
	r := newResource("AWS::Lambda::Url", f.id+"Url", f.passed())
	if given(config["Cors"]) {
		r.props["Cors"] = config["Cors"]
	}
	copyMembers(r.props, config, "AuthType", "InvokeMode")
	r.props["TargetFunctionArn"] = target
	if config["AuthType"] != "NONE" || isCall(config) {
		return []*resource{r}, nil
	}
	public := newResource("AWS::Lambda::Permission", f.id+"UrlPublicPermissions", f.passed())
	public.props = object{
		"Action": "lambda:InvokeFunctionUrl", "FunctionName": target, "Principal": "*", "FunctionUrlAuthType": "NONE",
	}
	invoke := newResource("AWS::Lambda::Permission", f.id+"URLInvokeAllowPublicAccess", f.passed())
	invoke.props = object{
		"Action": "lambda:InvokeFunction", "FunctionName": target, "Principal": "*", "InvokedViaFunctionUrl": true,
	}
	return []*resource{r, public, invoke}, nil
}

func (f *function) checkURL(config object) error {
	if isCall(config) {
		return nil
	}
	if auth := config["AuthType"]; !isCall(auth) && auth != "AWS_IAM" && auth != "NONE" {
		return badResource(f.id, "AuthType is required to configure function property `FunctionUrlConfig`. Please provide either AWS_IAM or NONE.")
	}
	if !given(config["Cors"]) || isCall(config["Cors"]) {
		return nil
	}
	if err := wantResource(f.id, "FunctionUrlConfig.Cors", config["Cors"], aMap); err != nil {
		return err
	}
	cors := asObject(config["Cors"])
	for _, name := range keys(cors) {
		want, known := corsTypes[name]
		if !known {
			return badResource(f.id, "%s is not a valid property for configuring Cors.", name)
		}
		if !isCall(cors[name]) && !want.is(cors[name]) {
			return badResource(f.id, "%s must be of type %s.", name, want.name)
		}
	}
	return nil
}
