// Package cli is the command line: one file per command. It alone reads flags,
// the environment and files of settings, and hands structs to the rest.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Version is what this build is; the linker may set it.
var Version = "0.1.0-dev"

// Main runs the command that the arguments name, and exits.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "aloft:", explain(err))
		os.Exit(1)
	}
}

// newRoot returns the command that has all others.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "aloft",
		Short:         "The serverless cloud in one binary",
		Long:          "Aloft runs serverless applications: API gateway, functions, tables, buckets, logs and deployments,\nspoken to with the SDKs and templates made for AWS.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	s := newSettings(root.PersistentFlags())
	root.AddCommand(
		devCommand(s), serveCommand(s), deployCommand(s), publishCommand(s), invokeCommand(s), logsCommand(s), imageCommand(s), dockerCommand(s),
		operationsCommand(), envCommand(s), configCommand(s), versionCommand(), scriptsCommand(), roomCommand(),
	)
	return root
}

// explain says what to do about the errors that people meet first.
func explain(err error) string {
	if refused, ok := errors.AsType[*aws.Error](err); ok {
		return refused.Code + ": " + refused.Message
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		if _, ok := errors.AsType[*net.OpError](err); ok {
			return fmt.Sprintf("no Aloft answers at %s; start one with `aloft dev`, or name yours with --endpoint", u.URL)
		}
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return err.Error() + "; another Aloft may be running, or choose a port with --listen"
	}
	return err.Error()
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), "aloft "+Version+"\n")
			return err
		},
	}
}
