package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// A setting is one thing a user may choose, by a flag, by the environment or
// in a file; the first that says something counts.
type setting struct {
	name  string   // of the flag, and in the file
	env   []string // variables, the first that is set counts
	usual string
	usage string
}

var allSettings = []setting{
	{"listen", []string{"ALOFT_LISTEN"}, "127.0.0.1:4566", "address to listen on"},
	{"listen-tls", []string{"ALOFT_LISTEN_TLS"}, "", "address to listen on for HTTPS as well, such as 127.0.0.1:4567"},
	{"tls-cert", []string{"ALOFT_TLS_CERT"}, "", "files of certificates for HTTPS, with commas between; names not in them have one of Aloft's own authority"},
	{"tls-key", []string{"ALOFT_TLS_KEY"}, "", "files of their keys, in the same order"},
	{"acme", []string{"ALOFT_ACME"}, "", "domains, with commas between, for which to get certificates by ACME; needs --listen-tls on port 443"},
	{"acme-directory", []string{"ALOFT_ACME_DIRECTORY"}, "", "address of the ACME authority's directory; that of Let's Encrypt if empty"},
	{"acme-email", []string{"ALOFT_ACME_EMAIL"}, "", "address that the ACME authority may write to"},
	{"mqtt", []string{"ALOFT_MQTT"}, "", "address to speak MQTT over TLS on, with devices that show certificates of IoT: 127.0.0.1:8883"},
	{"dns", []string{"ALOFT_DNS"}, "", "address to answer DNS on, for the zones of Route 53 and AWS's own names, which lead here: 127.0.0.1:5353"},
	{"smtp", []string{"ALOFT_SMTP"}, "", "address to take mail on, for the receipt rules of SES: 127.0.0.1:2525"},
	{"data", []string{"ALOFT_DATA"}, ".aloft", "directory that keeps everything"},
	{"region", []string{"AWS_REGION", "AWS_DEFAULT_REGION"}, "us-east-1", "region of commands"},
	{"endpoint", []string{"AWS_ENDPOINT_URL"}, "http://127.0.0.1:4566", "the Aloft that commands talk to; the one that last ran on --data, if it says nothing"},
	{"access-key-id", []string{"AWS_ACCESS_KEY_ID"}, "test", "access key of commands"},
	{"secret-access-key", []string{"AWS_SECRET_ACCESS_KEY"}, "test", "secret of the access key"},
	{"session-token", []string{"AWS_SESSION_TOKEN"}, "", "session token of the access key"},
	{"log", []string{"ALOFT_LOG"}, "warn", "what to log: debug, info (with each request), warn or error"},
	{"unfenced", []string{"ALOFT_UNFENCED"}, "false", "run functions even where this host cannot fence them off"},
	{"egress", []string{"ALOFT_EGRESS"}, "internet", "what functions may reach besides Aloft: internet, none, host (this machine's loopback, as host.docker.internal), addresses and prefixes (10.1.0.0/16), with commas between"},
	{"index-delay", []string{"ALOFT_INDEX_DELAY"}, "0s", "how long global indexes of DynamoDB lag behind their tables, to find code that relies on their not doing so: 500ms"},
	{"table-delay", []string{"ALOFT_TABLE_DELAY"}, "0s", "how long tables of DynamoDB take to be created, updated and deleted, to find code that does not wait for it: 5s"},
	{"private-addresses", []string{"ALOFT_PRIVATE_ADDRESSES"}, "false", "let topics, rules and gateways send to this host and its networks, as dev does"},
	{"mail", []string{"ALOFT_MAIL"}, "", "server that topics send mail by, such as smtp://user:password@mail.example.com:587?from=alerts@example.com; mail is kept in an inbox otherwise"},
	{"letters", []string{"ALOFT_LETTERS"}, "", "URL to which text messages and pushes are posted as JSON; they are kept in an inbox otherwise"},
	{"config", []string{"ALOFT_CONFIG"}, "aloft.yaml", "file of settings, if there is one"},
}

// secretSettings are not shown.
var secretSettings = map[string]bool{"secret-access-key": true, "session-token": true, "mail": true, "letters": true}

// settings are the choices in force.
type settings struct {
	flags *pflag.FlagSet
	file  map[string]string // nil until read
	stage string            // of a serverless.yml, by commands that deploy
}

// newSettings declares the flags of all settings.
func newSettings(flags *pflag.FlagSet) *settings {
	for _, s := range allSettings {
		if s.usual == "false" {
			flags.Bool(s.name, false, s.usage)
			continue
		}
		flags.String(s.name, s.usual, s.usage)
	}
	return &settings{flags: flags}
}

// load reads the file of settings.
func (s *settings) load() error {
	s.file = make(map[string]string)
	name, from := s.find("config")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && from == "default" {
		return nil
	}
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, &s.file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for key := range s.file {
		if s.flags.Lookup(key) == nil {
			return fmt.Errorf("%s: there is no setting %q", name, key)
		}
	}
	return nil
}

// find returns the value of a setting, and where it comes from.
func (s *settings) find(name string) (value, from string) {
	flag := s.flags.Lookup(name)
	if flag.Changed {
		return flag.Value.String(), "--" + name
	}
	for _, set := range allSettings {
		if set.name != name {
			continue
		}
		for _, env := range set.env {
			if v := os.Getenv(env); v != "" {
				return v, env
			}
		}
	}
	if v, ok := s.file[name]; ok {
		return v, "file"
	}
	if name == "endpoint" {
		if v, from := s.lastServed(); v != "" {
			return v, from
		}
	}
	return flag.DefValue, "default"
}

// servedFile, among the data, says where the Aloft that keeps them was last
// reached, so that commands beside it need not be told.
const servedFile = "endpoint"

// lastServed reads it. It is empty where none has run.
func (s *settings) lastServed() (endpoint, from string) {
	name := filepath.Join(s.get("data"), servedFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return "", ""
	}
	return strings.TrimSpace(string(text)), name
}

// served writes down that an Aloft is reached at addr.
func served(data string, addr net.Addr) error {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return os.WriteFile(filepath.Join(data, servedFile), []byte("http://"+net.JoinHostPort(host, port)+"\n"), 0o644)
}

func (s *settings) get(name string) string {
	v, _ := s.find(name)
	return v
}

func (s *settings) bool(name string) bool {
	b, _ := strconv.ParseBool(s.get(name))
	return b
}

// duration is a setting that is one, such as 500ms.
func (s *settings) duration(name string) (time.Duration, error) {
	d, err := time.ParseDuration(s.get(name))
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--%s %s: want a duration such as 500ms", name, s.get(name))
	}
	return d, nil
}

// logger returns the log of this process, on standard error.
func (s *settings) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.get("log"))); err != nil {
		return nil, fmt.Errorf("--log %s: want debug, info, warn or error", s.get("log"))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}

func configCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "Show the settings in force", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.load(); err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, set := range allSettings {
				value, from := s.find(set.name)
				if secretSettings[set.name] && value != "" {
					value = "(set)"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", set.name, value, from)
			}
			return w.Flush()
		},
	}
}
