package ssm

import (
	"bytes"
	"encoding/base64"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A secure string from before KMS sealed them can still be read.
func TestOldSeal(t *testing.T) {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	call := &aws.Call{Region: "us-east-1", Account: "000000000000"}
	k, secret := key{shelf(call), "/old"}, bytes.Repeat([]byte{7}, 32)
	box, err := boxOf(secret)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		if err := seals.Put(tx, k.In, secret); err != nil {
			return err
		}
		value := base64.StdEncoding.EncodeToString(box.Seal(nil, nil, []byte("hunter2"), []byte(k.Name)))
		return parameters.Put(tx, k, parameter{version: version{Version: 1, Type: api.ParameterTypeSecureString, Value: value}})
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := New(db, nil, nil).GetParameter(t.Context(), call, &api.GetParameterInput{Name: "/old", WithDecryption: new(true)})
	if err != nil || *out.Parameter.Value != "hunter2" {
		t.Fatalf("got %v, %v", out, err)
	}
}
