package rapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Extensions may subscribe to what the function and the platform log, while
// they start: by the Telemetry API, or by the older Logs API.

const (
	telemetryPath = "/2022-07-01/telemetry"
	logsPath      = "/2020-08-15/logs"
)

// Types of records.
const (
	PlatformRecords  = "platform"
	FunctionRecords  = "function"
	ExtensionRecords = "extension"
)

// A Subscription is what an extension wants to be told, and where.
type Subscription struct {
	Extension string   // its name
	Types     []string // of records
	Logs      bool     // it knows the Logs API alone

	MaxItems int
	MaxBytes int
	Timeout  time.Duration

	TCP  bool   // lines of JSON over a connection, in place of requests
	Port string // of the extension's server
	Path string // of its requests
}

// A bound is what a number of a subscription may be, and what it is if it is
// left out.
type bound struct{ usual, least, most int }

var (
	itemBound    = bound{10000, 1000, 10000}
	byteBound    = bound{262144, 262144, 1048576}
	timeoutBound = bound{1000, 25, 30000} // ms
)

func (b bound) check(name string, n *int) (int, error) {
	if n == nil {
		return b.usual, nil
	}
	if *n < b.least || *n > b.most {
		return 0, fmt.Errorf("buffering.%s must be between %d and %d", name, b.least, b.most)
	}
	return *n, nil
}

// versions are those of the schema that each API knows.
var (
	telemetryVersions = []string{"2022-07-01", "2022-12-13", "2025-01-29"}
	logsVersions      = []string{"", "2020-08-15", "2021-03-18"}
)

// parseSubscription reads what an extension asks for.
func parseSubscription(body []byte, logs bool) (s Subscription, err error) {
	var in struct {
		SchemaVersion string   `json:"schemaVersion"`
		Types         []string `json:"types"`
		Buffering     struct {
			MaxItems, MaxBytes, TimeoutMs *int
		} `json:"buffering"`
		Destination struct {
			Protocol string `json:"protocol"`
			URI      string `json:"URI"`
			Port     int    `json:"port"`
		} `json:"destination"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return s, err
	}
	known := telemetryVersions
	if logs {
		known = logsVersions
	}
	if !slices.Contains(known, in.SchemaVersion) {
		return s, fmt.Errorf("schemaVersion %q is not supported", in.SchemaVersion)
	}
	s = Subscription{Types: in.Types, Logs: logs}
	if len(s.Types) == 0 {
		return s, fmt.Errorf("types must name what to subscribe to")
	}
	for _, t := range s.Types {
		if t != PlatformRecords && t != FunctionRecords && t != ExtensionRecords {
			return s, fmt.Errorf("type %q is not supported", t)
		}
	}
	b := in.Buffering
	if s.MaxItems, err = itemBound.check("maxItems", b.MaxItems); err != nil {
		return s, err
	}
	if s.MaxBytes, err = byteBound.check("maxBytes", b.MaxBytes); err != nil {
		return s, err
	}
	ms, err := timeoutBound.check("timeoutMs", b.TimeoutMs)
	if err != nil {
		return s, err
	}
	s.Timeout = time.Duration(ms) * time.Millisecond
	return s, s.destine(in.Destination.Protocol, in.Destination.URI, in.Destination.Port)
}

// destine sets where records go, which is always a port of the worker itself.
func (s *Subscription) destine(protocol, uri string, port int) error {
	switch protocol {
	case "TCP":
		if port < 1 || port > 65535 {
			return fmt.Errorf("destination.port must be a port")
		}
		s.TCP, s.Port = true, strconv.Itoa(port)
		return nil
	case "HTTP":
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || !slices.Contains([]string{"sandbox", "sandbox.localdomain"}, u.Hostname()) {
			return fmt.Errorf("destination.URI must be of http://sandbox.localdomain")
		}
		s.Port, s.Path = u.Port(), u.RequestURI()
		if s.Port == "" {
			s.Port = "80"
		}
		return nil
	}
	return fmt.Errorf("destination.protocol %q is not supported", protocol)
}

// subscribe answers a request to subscribe.
func (c *conn) subscribe(req request) error {
	c.s.mu.Lock()
	e := c.s.byID[req.extension]
	c.s.mu.Unlock()
	if e == nil {
		return c.pass(req, errExtension)
	}
	body, _, err := req.collect(c.r)
	if err != nil {
		return err
	}
	s, err := parseSubscription(body.bytes(), req.path == logsPath)
	if body.over > 0 || err != nil {
		message, _ := json.Marshal(fmt.Sprint(err)) // of a string
		return c.refuse(&refusal{"400 Bad Request", "ValidationError", string(message[1 : len(message)-1])})
	}
	s.Extension = e.name
	if !c.s.hooks.Subscribe(s) {
		kind := "Telemetry"
		if s.Logs {
			kind = "Logs"
		}
		return c.refuse(&refusal{"403 Forbidden", kind + ".SubscriptionClosed", kind + " API subscription is closed already"})
	}
	return c.reply("200 OK", "text/plain", []byte("OK"))
}
