package sts

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Roles knows the roles that can be taken on: package iam does. It stands
// where other services have their tables.
type Roles interface {
	// FindRole returns the id of a role, empty if there is none, and how long
	// its sessions may last.
	FindRole(ctx context.Context, role aws.ARN) (id string, longest time.Duration, err error)
}
