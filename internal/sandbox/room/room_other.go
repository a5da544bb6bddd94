//go:build !linux

package room

import "context"

func (Runner) run(context.Context, Room, Command) error { return ErrUnable }

// Enter makes the room that the process was started for, and becomes its command.
func Enter() error { return ErrUnable }
