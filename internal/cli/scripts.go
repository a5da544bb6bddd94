package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/sandbox/room"
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
func scripts() []string { return []string{self(), scriptsName} }

// self is this program.
func self() string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0] // what cannot be started is refused
	}
	return self
}

// roomName is what this program starts itself as, to run a command of a build.
const roomName = "enter-room"

// roomCommand is for processes of its own.
func roomCommand() *cobra.Command {
	return &cobra.Command{Use: roomName, Hidden: true, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return room.Enter() }}
}

// rooms is the command by which a build runs others, each in a room.
func rooms() []string { return []string{self(), roomName} }
