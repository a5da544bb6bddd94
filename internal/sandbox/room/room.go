// Package room runs the commands by which an image is built, each in a room of
// its own: its root is the directory that becomes the image, in which programs
// of the host are seen, and nothing else of the host is. What a command writes
// goes into that directory, or is refused; of the host it has the network, and
// directories that it is given.
//
// A room is made by a process of our own, in new namespaces, that then becomes
// the command. So it needs no right that every user does not have.
package room

import (
	"context"
	"errors"
	"io"
)

// ErrUnable says that this host has no rooms.
var ErrUnable = errors.New("commands of a build need namespaces of Linux, which this host does not give")

// A Bind is a directory or file of the host that is seen in a room.
type Bind struct {
	Host, Path string
	Write      bool
}

// A Room is where a command runs.
type Room struct {
	Root  string // directory that it has for a root, and writes
	Work  string // directory for the kernel's own, on the file system of Root
	Binds []Bind
}

// A Command is what runs in a room.
type Command struct {
	Argv []string // the program by its path inside
	Env  []string
	Dir  string // inside
	In   io.Reader
	Out  io.Writer
}

// A plan is what the process that makes a room is told.
type plan struct {
	Room      Room
	Argv, Env []string
	Dir       string
}

// A Runner runs commands. Self is the program, with arguments, that calls Enter.
type Runner struct{ Self []string }

// Run runs a command and waits for its end. Where it fails to run at all
// because of what the host lacks, the error is ErrUnable.
func (r Runner) Run(ctx context.Context, in Room, c Command) error {
	remove, err := prepare(in)
	if err != nil {
		return err
	}
	return errors.Join(r.run(ctx, in, c), remove())
}
