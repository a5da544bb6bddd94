package pack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// cargoBuild builds a function that is written in Rust as cargo-lambda does,
// which need not be there: for this machine, which is to run it. The executable
// is the one that the template names, or else the only one.
func cargoBuild(ctx context.Context, a artifact, src, out string) error {
	args := []string{"build", "--release", "--message-format=json-render-diagnostics"}
	binary := scalar(child(a.options, "Binary"))
	if binary == "" && a.handler != "bootstrap" {
		binary = a.handler
	}
	if binary != "" {
		args = append(args, "--bin", binary)
	}
	cmd := command(ctx, "cargo", args...)
	cmd.Dir = src
	var said, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cargo build: %w\n%s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	built := executables(said.Bytes())
	if len(built) != 1 {
		return fmt.Errorf("cargo build made %d executables; name one in Metadata.BuildProperties.Binary", len(built))
	}
	text, err := os.ReadFile(built[0])
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "bootstrap"), text, 0o755)
}

// executables are those that cargo says, a line each, to have built.
func executables(said []byte) []string {
	var built []string
	for line := range bytes.Lines(said) {
		var message struct {
			Reason     string
			Executable string
		}
		if json.Unmarshal(line, &message) == nil && message.Reason == "compiler-artifact" && message.Executable != "" {
			built = append(built, message.Executable)
		}
	}
	return built
}
