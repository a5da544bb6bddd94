package codedeploy

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	applications = store.NewTable[aws.ARN, application]("codedeploy.application")
	groups       = store.NewTable[aws.ARN, group]("codedeploy.group")
	configs      = store.NewTable[aws.ARN, api.DeploymentConfigInfo]("codedeploy.config")
	deployments  = store.NewTable[aws.ARN, deployment]("codedeploy.deployment")
	active       = store.NewTable[aws.ARN, struct{}]("codedeploy.active") // deployments that are not over
)

// An application is one, and its tags.
type application struct {
	Is   api.ApplicationInfo
	Tags map[string]string `json:",omitempty"`
}

// A group is one, and its tags.
type group struct {
	Is   api.DeploymentGroupInfo
	Tags map[string]string `json:",omitempty"`
}

// A deployment is one of a function's alias.
type deployment struct {
	Is     api.DeploymentInfo
	Of     spec
	Role   string   // as which it is done
	Alarms []string // for which it ends
	Phase  phase
	Moves  []float64     // weights of the target, one after another; the last is 1
	Every  time.Duration // between two of them
	Moved  int           // how many have been
	Next   time.Time     // when the next is due
	Hook   hook          // of this phase
	Stop   bool          // somebody wants it to end
	Undo   bool          // whoever wants that wants it taken back
	Events []api.LifecycleEvent
}

// A spec is what a revision says: which alias, from where to where.
type spec struct {
	Function, Alias, Current, Target string
	Before, After                    string // functions to ask; "" is none
}

// A hook is a function that is asked.
type hook struct {
	ID     string // of the question
	Asked  bool
	Answer string    // status; "" is none yet
	Until  time.Time // when it is too late
}

// A phase is where a deployment is.
type phase int

const (
	before phase = iota
	traffic
	after
	over
)

var phaseNames = []string{"BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"}

const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func newDeploymentID() string {
	b := make([]byte, 9)
	rand.Read(b)
	for i := range b {
		b[i] = idLetters[int(b[i])%len(idLetters)]
	}
	return "d-" + string(b)
}

func applicationARN(call *aws.Call, name string) aws.ARN {
	return call.ARN("codedeploy", "application:"+name)
}

func groupARN(call *aws.Call, application, name string) aws.ARN {
	return call.ARN("codedeploy", "deploymentgroup:"+application+"/"+name)
}

func configARN(call *aws.Call, name string) aws.ARN {
	return call.ARN("codedeploy", "deploymentconfig:"+name)
}

func deploymentARN(call *aws.Call, id string) aws.ARN {
	return call.ARN("codedeploy", "deployment:"+id)
}

func findApplication(tx *store.Tx, call *aws.Call, name string) (application, error) {
	row, err := applications.Get(tx, applicationARN(call, name))
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ApplicationDoesNotExistException.Errorf("No application found for name: %s", name)
	}
	return row, err
}

func findGroup(tx *store.Tx, call *aws.Call, app, name string) (group, error) {
	if _, err := findApplication(tx, call, app); err != nil {
		return group{}, err
	}
	row, err := groups.Get(tx, groupARN(call, app, name))
	if errors.Is(err, store.ErrNotFound) {
		return row, api.DeploymentGroupDoesNotExistException.Errorf("No Deployment Group found for name: %s", name)
	}
	return row, err
}

func findConfig(tx *store.Tx, call *aws.Call, name string) (api.DeploymentConfigInfo, error) {
	if is, ok := predefined[name]; ok {
		return is, nil
	}
	is, err := configs.Get(tx, configARN(call, name))
	if errors.Is(err, store.ErrNotFound) {
		return is, api.DeploymentConfigDoesNotExistException.Errorf("No Deployment Configuration found for name: %s", name)
	}
	return is, err
}

func findDeployment(tx *store.Tx, call *aws.Call, id string) (deployment, error) {
	if !strings.HasPrefix(id, "d-") {
		return deployment{}, api.InvalidDeploymentIdException.Errorf("Specified deployment ID is not in the valid format: %s", id)
	}
	row, err := deployments.Get(tx, deploymentARN(call, id))
	if errors.Is(err, store.ErrNotFound) {
		return row, api.DeploymentDoesNotExistException.Errorf("No Deployment found with ID: %s", id)
	}
	return row, err
}
