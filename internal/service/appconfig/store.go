package appconfig

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	applications = store.NewTable[aws.ARN, row[api.Application]]("appconfig.application")
	environments = store.NewTable[aws.ARN, row[api.Environment]]("appconfig.environment")
	profiles     = store.NewTable[aws.ARN, row[api.ConfigurationProfile]]("appconfig.profile")
	strategies   = store.NewTable[aws.ARN, row[api.DeploymentStrategy]]("appconfig.strategy")
	versions     = store.NewTable[numberKey, version]("appconfig.version")       // of a profile
	deployments  = store.NewTable[numberKey, deployment]("appconfig.deployment") // to an environment
	lives        = store.NewTable[liveKey, live]("appconfig.live")
	dues         = due.NewTimes[numberKey]("appconfig.due")
)

// A row is a resource as the API has it, and what is kept besides.
type row[V any] struct {
	Is    V
	Tags  map[string]string `json:",omitempty"`
	Count int32             `json:",omitempty"` // of versions or deployments there ever were
}

type numberKey struct {
	Of     aws.ARN
	Number int32
}

// A version is one of a hosted configuration.
type version struct {
	Content     []byte
	ContentType string
	Description *string
	Label       *string
}

// A deployment is one to an environment.
type deployment struct {
	Is   api.Deployment
	Tags map[string]string `json:",omitempty"`
	Step int               // steps that were taken
	At   time.Time         // of the next; zero if there is none
}

type liveKey struct {
	Environment aws.ARN
	Profile     string // its id
}

// A live is what sessions read of a profile in an environment.
type live struct {
	Current *release
	Next    *release // while it is deployed
	Percent float32  // of sessions that read it
}

// A release is a configuration that was deployed.
type release struct {
	Deployment  int32
	Version     string
	Label       *string
	ContentType string
	Content     []byte
}

const idLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

// newID is an id that nothing has yet.
func newID() string {
	b := make([]byte, 7)
	rand.Read(b)
	for i := range b {
		b[i] = idLetters[int(b[i])%len(idLetters)]
	}
	return string(b)
}

func applicationARN(call *aws.Call, id string) aws.ARN {
	return call.ARN("appconfig", "application/"+id)
}

func environmentARN(call *aws.Call, application, id string) aws.ARN {
	return call.ARN("appconfig", "application/"+application+"/environment/"+id)
}

func profileARN(call *aws.Call, application, id string) aws.ARN {
	return call.ARN("appconfig", "application/"+application+"/configurationprofile/"+id)
}

func strategyARN(call *aws.Call, id string) aws.ARN {
	return call.ARN("appconfig", "deploymentstrategy/"+id)
}

// find returns a row, or a refusal that names what it is.
func find[V any](tx *store.Tx, table store.Table[aws.ARN, row[V]], arn aws.ARN, what string) (row[V], error) {
	r, err := table.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		id := arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:]
		return r, errNone(what, id)
	}
	return r, err
}

func errNone(what, id string) error {
	return api.ResourceNotFoundException.With(&api.ResourceNotFoundExceptionDetail{ResourceName: &what}, what+" "+id+" could not be found")
}

func invalid(format string, args ...any) error {
	return api.BadRequestException.Errorf(format, args...)
}
