package iam

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// awsAccount stands in the ARNs of AWS's own policies where an account does.
const awsAccount = "aws"

//go:embed managed.json
var managedJSON []byte

// A catalogue is AWS's own policies.
type catalogue struct {
	byARN map[aws.ARN]*ownPolicy
}

// An ownPolicy is one of AWS's own. There is one version of each here, and it
// has the number that AWS's had when it was written down.
type ownPolicy struct {
	row      managedPolicy
	document string
}

// readCatalogue reads managed.json: by name with its path, version and statements.
func readCatalogue() *catalogue {
	var entries map[string]struct {
		Version   int64
		Created   time.Time
		Statement json.RawMessage
	}
	if err := json.Unmarshal(managedJSON, &entries); err != nil {
		panic(fmt.Sprintf("iam: managed.json: %v", err)) // a test would have caught it
	}
	c := &catalogue{byARN: make(map[aws.ARN]*ownPolicy, len(entries))}
	for name, e := range entries {
		arn := aws.ARN{Service: "iam", Account: awsAccount, Resource: "policy/" + name}
		sum := sha256.Sum256([]byte(arn.String()))
		base := strings.LastIndexByte(name, '/') + 1
		c.byARN[arn] = &ownPolicy{
			row: managedPolicy{
				Name: name[base:], Path: "/" + name[:base], ID: "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17],
				Default: e.Version, Latest: e.Version, Created: e.Created, Updated: e.Created,
			},
			document: `{"Version":"2012-10-17","Statement":` + string(e.Statement) + `}`,
		}
	}
	return c
}
