package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/script"
)

// scriptsName is what this program starts itself as, to run scripts.
const scriptsName = "run-scripts"

// scriptsCommand is for processes of the platform's own.
func scriptsCommand() *cobra.Command {
	return &cobra.Command{
		Use: scriptsName, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return script.Serve(os.Getenv(script.EnvAddress)) },
	}
}

// scripts is the command by which the platform runs scripts apart from itself.
func scripts() []string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0] // a script that cannot be started is refused
	}
	return []string{self, scriptsName}
}
