package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/ca"
	"github.com/aloft-cloud/aloft/internal/platform"
)

func envCommand(s *settings) *cobra.Command {
	var unset bool
	cmd := &cobra.Command{
		Use:   "env",
		Short: `Print variables that point AWS's tools at Aloft: eval "$(aloft env)"`,
		Long: `Print variables that point AWS's tools at Aloft, for a shell to take over:

    eval "$(aloft env)"

Tools that heed AWS_ENDPOINT_URL talk to Aloft; the others, which know the
addresses of AWS alone, reach it by HTTPS_PROXY: Aloft answers for the hosts of
AWS with certificates of its own authority, and connects to all other hosts.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := s.load()
			var vars [][2]string
			if err == nil {
				vars, err = environment(s)
			}
			if err != nil {
				// What eval is given must fail too, or a script goes on and talks to AWS.
				_, printed := fmt.Fprintln(cmd.OutOrStdout(), "false")
				return errors.Join(err, printed)
			}
			return printVars(cmd.OutOrStdout(), vars, unset)
		},
	}
	cmd.Flags().BoolVar(&unset, "unset", false, "print commands that take the variables back")
	return cmd
}

// environment returns the variables, in the order they are printed.
func environment(s *settings) ([][2]string, error) {
	endpoint, err := url.Parse(s.get("endpoint"))
	if err != nil || endpoint.Host == "" {
		return nil, fmt.Errorf("the endpoint %q is no URL", s.get("endpoint"))
	}
	data, err := filepath.Abs(s.get("data"))
	if err != nil {
		return nil, err
	}
	trust, err := trusted(data)
	if err != nil {
		return nil, err
	}
	vars := [][2]string{
		{"AWS_ENDPOINT_URL", endpoint.String()},
		{"AWS_REGION", s.get("region")}, {"AWS_DEFAULT_REGION", s.get("region")},
		{"AWS_ACCESS_KEY_ID", s.get("access-key-id")}, {"AWS_SECRET_ACCESS_KEY", s.get("secret-access-key")},
	}
	if token := s.get("session-token"); token != "" {
		vars = append(vars, [2]string{"AWS_SESSION_TOKEN", token})
	}
	docker, err := dockerProgram(platform.AuthorityDir(data))
	if err != nil {
		return nil, err
	}
	proxy := "http://" + endpoint.Host
	java := "-Dhttps.proxyHost=" + endpoint.Hostname() + " -Dhttps.proxyPort=" + endpoint.Port() +
		" -Djavax.net.ssl.trustStore=" + trust.java + " -Djavax.net.ssl.trustStorePassword=changeit"
	return append(vars, [][2]string{
		{"HTTPS_PROXY", proxy}, {"https_proxy", proxy}, {"NO_PROXY", "localhost,127.0.0.1,::1"}, {"no_proxy", "localhost,127.0.0.1,::1"},
		{"NODE_EXTRA_CA_CERTS", trust.one}, {"AWS_CA_BUNDLE", trust.all}, {"REQUESTS_CA_BUNDLE", trust.all},
		{"CURL_CA_BUNDLE", trust.all}, {"SSL_CERT_FILE", trust.all}, {"JAVA_TOOL_OPTIONS", java}, {"CDK_DOCKER", docker},
	}...), nil
}

// A trust is files by which programs trust Aloft's authority.
type trust struct{ one, all, java string }

// trusted writes them into the directory of the authority.
func trusted(data string) (*trust, error) {
	dir := platform.AuthorityDir(data)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("no Aloft has run with its data in %s; start one with `aloft dev`, or name its directory with --data", data)
	}
	authority, err := ca.Open(dir)
	if err != nil {
		return nil, err
	}
	t := &trust{one: filepath.Join(dir, "ca.pem"), all: filepath.Join(dir, "bundle.pem"), java: filepath.Join(dir, "truststore.jks")}
	if err := os.WriteFile(t.all, authority.Bundle(), 0o644); err != nil {
		return nil, err
	}
	return t, os.WriteFile(t.java, authority.KeyStore(), 0o644)
}

func printVars(w io.Writer, vars [][2]string, unset bool) error {
	var b strings.Builder
	for _, v := range vars {
		if unset {
			fmt.Fprintf(&b, "unset %s\n", v[0])
			continue
		}
		fmt.Fprintf(&b, "export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
