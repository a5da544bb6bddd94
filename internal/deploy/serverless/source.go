package serverless

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// A missing value is one that a source does not have; the next may.
type missing string

func (m missing) Error() string { return string(m) }

func notThere(format string, args ...any) error { return missing(fmt.Sprintf(format, args...)) }

// source asks one source. The address and the parameters are resolved.
func (r *resolver) source(ctx context.Context, s source) (any, error) {
	// Versions before 3 wrote the region so: ${cf.us-east-1:stack.output}.
	kind, region, _ := strings.Cut(s.kind, ".")
	if region != "" {
		s.params = append([]string{region}, s.params...)
	}
	switch kind {
	case "self":
		return r.self(ctx, s)
	case "opt":
		return r.opt(s)
	case "env":
		return r.getenv(s)
	case "file":
		return r.file(ctx, s)
	case "sls":
		return r.sls(ctx, s)
	case "aws":
		return r.aws(ctx, s)
	case "param":
		return r.param(ctx, s)
	case "strToBool":
		return strToBool(s)
	case "ssm":
		return r.ssm(ctx, s)
	case "cf":
		return r.cf(ctx, s)
	case "s3":
		return r.s3(ctx, s)
	case "construct":
		name, member, _ := strings.Cut(s.address, ".")
		if v := r.s.constructValue(name, member); v != nil {
			return v, nil
		}
		return nil, notThere("there is no construct with %s", s.address)
	}
	return nil, fmt.Errorf("${%s}: Aloft knows no variable source %q", s, s.kind)
}

func (r *resolver) self(ctx context.Context, s source) (any, error) {
	var path []string
	if s.address != "" {
		path = strings.Split(s.address, ".")
	}
	v, err := r.lookup(ctx, path)
	// The name of a service may be written as service: {name: …}.
	if s.address == "service" && at(v, "name") != nil {
		v = at(v, "name")
	} else if s.address == "service.name" && v == nil && err == nil {
		v, err = r.lookup(ctx, path[:1])
	}
	if v == nil && err == nil {
		return nil, notThere("nothing is at %s", s.address)
	}
	return v, err
}

func (r *resolver) opt(s source) (any, error) {
	if s.address == "" {
		all := object{}
		for key, v := range r.options() {
			all[key] = v
		}
		return all, nil
	}
	if v, ok := r.options()[s.address]; ok {
		return v, nil
	}
	return nil, notThere("there is no option --%s", s.address)
}

// options are those of the command line.
func (r *resolver) options() map[string]string {
	all := make(map[string]string, len(r.cfg.Options)+2)
	for key, v := range r.cfg.Options {
		all[key] = v
	}
	if r.cfg.Stage != "" {
		all["stage"] = r.cfg.Stage
	}
	if r.cfg.Region != "" {
		all["region"] = r.cfg.Region
	}
	return all
}

func (r *resolver) getenv(s source) (any, error) {
	if v, ok := r.cfg.getenv(s.address); ok {
		return v, nil
	}
	if v, ok := r.env[s.address]; ok {
		return v, nil
	}
	return nil, notThere("the environment has no variable %s", s.address)
}

func (r *resolver) sls(ctx context.Context, s source) (any, error) {
	switch s.address {
	case "instanceId":
		return instanceID, nil
	case "stage":
		return r.stage(ctx)
	}
	return nil, fmt.Errorf("${%s}: the sls source has stage and instanceId only", s)
}

func (r *resolver) aws(ctx context.Context, s source) (any, error) {
	switch s.address {
	case "region":
		return r.region(ctx)
	case "accountId":
		if r.cfg.Lookup == nil {
			return nil, errNoLookup
		}
		return r.cfg.Lookup.Account(ctx)
	}
	return nil, fmt.Errorf("${%s}: the aws source has region and accountId only", s)
}

// param looks at the command line, then at the stage, then at all stages.
func (r *resolver) param(ctx context.Context, s source) (any, error) {
	if v, ok := r.cfg.Params[s.address]; ok {
		return v, nil
	}
	stage, err := r.stage(ctx)
	if err != nil {
		return nil, err
	}
	for _, path := range [][]string{
		{"stages", stage, "params"}, {"params", stage}, {"stages", "default", "params"}, {"params", "default"},
	} {
		if v, err := r.lookup(ctx, in(path, s.address)); v != nil || err != nil {
			return v, err
		}
	}
	return nil, notThere("there is no parameter %s for stage %s", s.address, stage)
}

func strToBool(s source) (any, error) {
	if len(s.params) == 0 {
		return nil, fmt.Errorf("strToBool wants a text")
	}
	switch strings.ToLower(strings.TrimSpace(s.params[0])) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return nil, fmt.Errorf("strToBool wants true, false, 1 or 0, not %q", s.params[0])
}

// file reads a file of the application, or has its script say what it is.
func (r *resolver) file(ctx context.Context, s source) (any, error) {
	if len(s.params) == 0 {
		return nil, fmt.Errorf("${%s}: file wants a path", s)
	}
	name := s.params[0]
	if path.IsAbs(name) || strings.HasPrefix(name, "~") {
		return nil, fmt.Errorf("${%s}: paths of files are relative to the application", s)
	}
	name = path.Clean(name)
	var address []string
	if s.address != "" {
		address = strings.Split(s.address, ".")
	}
	switch path.Ext(name) {
	case ".js", ".cjs", ".mjs", ".ts":
		return r.script(ctx, name, address)
	}
	content, err := r.read(name)
	if err != nil {
		return nil, err
	}
	for i := range address {
		// What the file says there may be a variable itself.
		if text, isText := content.(string); isText {
			if content, err = r.expand(ctx, text, nil, 1); err != nil {
				return nil, err
			}
		}
		var has bool
		if content, has = member(content, address[i:i+1]); !has {
			return nil, notThere("%s has no %s", name, s.address)
		}
	}
	return content, nil
}

// read returns what a file says, as its name tells the form.
func (r *resolver) read(name string) (any, error) {
	if v, ok := r.files[name]; ok {
		return v, nil
	}
	body, err := r.readFile(name)
	if err != nil {
		return nil, err
	}
	var v any = string(body)
	switch path.Ext(name) {
	case ".yml", ".yaml", ".json", ".tfstate":
		doc, err := parse(name, body)
		if err != nil {
			return nil, err
		}
		v = doc.Value
	}
	if r.braces {
		v = respell(v)
	}
	r.files[name] = v
	return v, nil
}

func (r *resolver) readFile(name string) ([]byte, error) {
	if r.cfg.ReadFile == nil {
		return nil, notThere("there is no file %s", name)
	}
	body, err := r.cfg.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notThere("there is no file %s", name)
	}
	if err != nil {
		return nil, err
	}
	if len(body) > template.MaxStored {
		return nil, fmt.Errorf("%s is over %d bytes", name, template.MaxStored)
	}
	return body, nil
}

// parse reads YAML or JSON as the framework does.
func parse(name string, body []byte) (*template.Document, error) {
	doc, err := template.Parse(string(body), template.Options{Aliases: true, Plain: true})
	if e, ok := errors.AsType[*template.Error](err); ok {
		return nil, &Error{File: name, Message: strings.TrimPrefix(e.Message, "Template format error: ")}
	}
	return doc, err
}

// script has a script say what its member at an address is.
func (r *resolver) script(ctx context.Context, name string, address []string) (any, error) {
	key := name + ":" + strings.Join(address, ".")
	if v, ok := r.files[key]; ok {
		return v, nil
	}
	if _, err := r.readFile(name); err != nil {
		return nil, err
	}
	if r.cfg.Script == nil {
		return nil, fmt.Errorf("%s: scripts are not run here", name)
	}
	v, err := r.cfg.Script(ctx, Script{
		File: name, Member: address, Options: r.options(),
		Getenv: func(name string) (string, bool) {
			if v, ok := r.cfg.getenv(name); ok {
				return v, true
			}
			v, ok := r.env[name]
			return v, ok
		},
		Property: func(path []string) (any, error) { return r.lookup(ctx, path) },
		Variable: func(text string) (any, error) { return r.expand(ctx, "${"+text+"}", nil, 1) },
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if v == nil {
		return nil, notThere("%s has no %s", name, strings.Join(address, "."))
	}
	r.files[key] = v
	return v, nil
}

var errNoLookup = errors.New("nothing is there to ask for it: no Aloft is known")

// ssm reads a parameter. Versions before 3 wrote name~true to decrypt it.
func (r *resolver) ssm(ctx context.Context, s source) (any, error) {
	if r.cfg.Lookup == nil {
		return nil, errNoLookup
	}
	name, flag, _ := strings.Cut(s.address, "~")
	raw, decrypt, region := false, flag != "false", ""
	for _, p := range s.params {
		switch p {
		case "raw":
			raw = true
		case "noDecrypt":
			decrypt = false
		default:
			region = p
		}
	}
	p, err := r.cfg.Lookup.Parameter(ctx, region, name, decrypt)
	if err != nil {
		return nil, err
	}
	switch {
	case p == nil:
		return nil, notThere("there is no parameter %s", name)
	case p.Type == "StringList" && !raw:
		return anys(strings.Split(p.Value, ",")), nil
	case p.Type == "SecureString" && !raw && strings.HasPrefix(p.Value, "{"):
		var v object
		if json.Unmarshal([]byte(p.Value), &v) == nil {
			return v, nil
		}
	}
	return p.Value, nil
}

func (r *resolver) cf(ctx context.Context, s source) (any, error) {
	if r.cfg.Lookup == nil {
		return nil, errNoLookup
	}
	stack, output, ok := strings.Cut(s.address, ".")
	if !ok {
		return nil, fmt.Errorf("${%s}: want the name of a stack, a dot and an output", s)
	}
	region := ""
	if len(s.params) > 0 {
		region = s.params[0]
	}
	v, err := r.cfg.Lookup.Output(ctx, region, stack, output)
	if v == "" && err == nil {
		return nil, notThere("there is no output %s of a stack %s", output, stack)
	}
	return v, err
}

func (r *resolver) s3(ctx context.Context, s source) (any, error) {
	if r.cfg.Lookup == nil {
		return nil, errNoLookup
	}
	bucket, key, ok := strings.Cut(s.address, "/")
	if !ok {
		return nil, fmt.Errorf("${%s}: want the name of a bucket, a slash and a key", s)
	}
	body, err := r.cfg.Lookup.Object(ctx, bucket, key)
	if body == nil && err == nil {
		return nil, notThere("there is no object %s in %s", key, bucket)
	}
	return string(body), err
}
