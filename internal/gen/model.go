package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// A model is what service-2.json says, as far as it matters here.
type model struct {
	Metadata   metadata           `json:"metadata"`
	Operations ordered[operation] `json:"operations"`
	Shapes     ordered[shape]     `json:"shapes"`
}

type metadata struct {
	APIVersion      string    `json:"apiVersion"`
	EndpointPrefix  string    `json:"endpointPrefix"`
	SigningName     string    `json:"signingName"`
	ServiceID       string    `json:"serviceId"`
	TargetPrefix    string    `json:"targetPrefix"`
	JSONVersion     string    `json:"jsonVersion"`
	XMLNamespace    string    `json:"xmlNamespace"`
	Protocol        string    `json:"protocol"`
	Protocols       []string  `json:"protocols"`
	QueryCompatible *struct{} `json:"awsQueryCompatible"`

	// Unconstrained says that the service checks its input itself, in words of
	// its own. Only patches say it.
	Unconstrained bool `json:"unconstrained"`
}

type operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method       string `json:"method"`
		URI          string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input            *ref   `json:"input"`
	Output           *ref   `json:"output"`
	AuthType         string `json:"authtype"`
	ChecksumRequired bool   `json:"httpChecksumRequired"`
	Checksum         struct {
		Required bool `json:"requestChecksumRequired"`
	} `json:"httpChecksum"`
	Endpoint struct {
		HostPrefix string `json:"hostPrefix"`
	} `json:"endpoint"`

	// Unwrapped says that the answer is its one member without an element
	// around it. Only patches say it.
	Unwrapped bool `json:"unwrapped"`
}

type shape struct {
	Type      string       `json:"type"`
	Members   ordered[ref] `json:"members"`
	Required  []string     `json:"required"`
	Member    *ref         `json:"member"`
	Key       *ref         `json:"key"`
	Value     *ref         `json:"value"`
	Min       json.Number  `json:"min"`
	Max       json.Number  `json:"max"`
	Pattern   string       `json:"pattern"`
	Enum      []string     `json:"enum"`
	Payload   string       `json:"payload"`
	TSFormat  string       `json:"timestampFormat"`
	Namespace *namespace   `json:"xmlNamespace"`
	Flattened bool         `json:"flattened"`
	Union     bool         `json:"union"`
	Document  bool         `json:"document"`
	Streaming bool         `json:"streaming"`
	Events    bool         `json:"eventstream"`
	Sparse    bool         `json:"sparse"`
	Sensitive bool         `json:"sensitive"`
	Exception bool         `json:"exception"`
	Fault     bool         `json:"fault"` // the server's
	Error     struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`

	// Go is a type of ours that stands for the shape and brings its own codec,
	// such as "item.Value"; nil is absent. Only patches say it.
	Go string `json:"go"`
}

// A ref is one place where a shape is used.
type ref struct {
	Shape        string     `json:"shape"`
	LocationName string     `json:"locationName"`
	Location     string     `json:"location"`
	Wrapper      string     `json:"resultWrapper"`
	TSFormat     string     `json:"timestampFormat"`
	Namespace    *namespace `json:"xmlNamespace"`
	Enum         []string   `json:"enum"`
	Flattened    bool       `json:"flattened"`
	Attribute    bool       `json:"xmlAttribute"`
	Streaming    bool       `json:"streaming"`
	JSONValue    bool       `json:"jsonvalue"`
	EventPayload bool       `json:"eventpayload"`
	EventHeader  bool       `json:"eventheader"`

	// QueryName is the member's name in the query protocol, of a service that
	// speaks another besides. Only patches say it.
	QueryName string `json:"queryName"`
}

type namespace struct {
	URI    string `json:"uri"`
	Prefix string `json:"prefix"`
}

// An ordered is a JSON object that keeps the order of its members. Decoding
// into one that has members merges: what is new is added, what is there is
// decoded into, and null removes. So a patch is a piece of a model.
type ordered[T any] struct {
	names []string
	at    map[string]*T
}

func (o *ordered[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("want an object, got %.20s", b)
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name := t.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if string(raw) == "null" {
			if o.at[name] == nil {
				return fmt.Errorf("there is no %s to remove", name)
			}
			o.remove(name)
			continue
		}
		if err := json.Unmarshal(raw, o.add(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// add returns what is at name, new if there is nothing yet.
func (o *ordered[T]) add(name string) *T {
	if o.at == nil {
		o.at = make(map[string]*T)
	}
	if o.at[name] == nil {
		o.names = append(o.names, name)
		o.at[name] = new(T)
	}
	return o.at[name]
}

func (o *ordered[T]) remove(name string) {
	delete(o.at, name)
	o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
}

// refs returns every use that s makes of other shapes, in order.
func (s *shape) refs() []*ref {
	var refs []*ref
	for _, n := range s.Members.names {
		refs = append(refs, s.Members.at[n])
	}
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			refs = append(refs, r)
		}
	}
	return refs
}

func (s *shape) requires(member string) bool { return slices.Contains(s.Required, member) }

// protocols are what the service speaks, the model's first choice first.
func (md *metadata) protocols() []string {
	if len(md.Protocols) > 0 {
		return md.Protocols
	}
	return []string{md.Protocol}
}

func (md *metadata) signingName() string {
	if md.SigningName != "" {
		return md.SigningName
	}
	return md.EndpointPrefix
}
