package rds

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

// anybody is an authority that takes every signature, and lets one resource be used.
type anybody string

func (anybody) Authenticate(r *http.Request, _ string, _ []byte) (*aws.Call, error) {
	return &aws.Call{}, nil
}

func (a anybody) Authorize(_ context.Context, _ *aws.Call, access service.Access) error {
	if access.Action != "rds-db:connect" || access.Resource.String() != string(a) {
		return errors.New("denied")
	}
	return nil
}

// A token is for one host, port and user, for a quarter of an hour at most.
func TestCheckToken(t *testing.T) {
	s := &Service{cfg: Config{Auth: anybody("arn:aws:rds-db:us-east-1:000000000000:dbuser:cluster-A/jane")}}
	w := &way{endpoint: endpoint{Host: "app.rds.amazonaws.com", Of: aws.ARN{Service: "rds", Region: "us-east-1", Account: "000000000000"}}, port: 5432, id: "cluster-A"}
	const rest = "&X-Amz-Expires=900&X-Amz-Signature=00"
	for token, good := range map[string]bool{
		"app.rds.amazonaws.com:5432/?Action=connect&DBUser=jane" + rest:                               true,
		"app.rds.amazonaws.com:5432/?Action=connect&DBUser=joe" + rest:                                false,
		"app.rds.amazonaws.com:3306/?Action=connect&DBUser=jane" + rest:                               false,
		"app.rds.amazonaws.com/?Action=connect&DBUser=jane" + rest:                                    false,
		"other.rds.amazonaws.com:5432/?Action=connect&DBUser=jane" + rest:                             false,
		"app.rds.amazonaws.com:5432/?Action=other&DBUser=jane" + rest:                                 false,
		"app.rds.amazonaws.com:5432/?Action=connect&DBUser=jane&X-Amz-Expires=901&X-Amz-Signature=00": false,
		"app.rds.amazonaws.com:5432/?Action=connect&DBUser=jane&X-Amz-Expires=900":                    false,
		"secret":        false,
		"\x00%zz://[::": false,
		"":              false,
	} {
		if err := s.checkToken(t.Context(), w, "jane", token); (err == nil) != good {
			t.Errorf("%q: %v", token, err)
		}
	}
	w.id = "cluster-B"
	if err := s.checkToken(t.Context(), w, "jane", "app.rds.amazonaws.com:5432/?Action=connect&DBUser=jane"+rest); err == nil {
		t.Error("another database lets the user in")
	}
}
