package pipes

import (
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var pipes = store.NewTable[aws.ARN, pipe]("pipes.pipe")

// A pipe is one as its owner wrote it.
type pipe struct {
	Spec     api.CreatePipeInput
	Created  time.Time
	Modified time.Time
}

const pipeKind = "pipe/"

func pipeARN(call *aws.Call, name string) aws.ARN { return call.ARN("pipes", pipeKind+name) }

func pipeName(arn aws.ARN) string { return strings.TrimPrefix(arn.Resource, pipeKind) }

// findPipe returns a pipe, or a refusal if there is no such.
func findPipe(tx *store.Tx, arn aws.ARN) (pipe, error) {
	row, err := pipes.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.NotFoundException.Errorf("Pipe %s does not exist.", pipeName(arn))
	}
	return row, err
}

// state is what a pipe should be and is.
func (p *pipe) state() string { return aws.Or(p.Spec.DesiredState, api.PipeStateRunning) }
