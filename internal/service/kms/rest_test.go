package kms_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An object is an input or an output.
type object = map[string]any

// A client asks a platform that keeps everything in a directory.
type client struct {
	*testing.T
	platform *platform.Platform
	log      strings.Builder // its errors
	mu       sync.Mutex      // guards log
}

// Write takes a line of the log.
func (c *client) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(line)
}

// said returns what was logged since it was last asked for.
func (c *client) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.log.Reset()
	return c.log.String()
}

// kill returns what kill -9 would leave now of what is in dir, which goes on.
func kill(t *testing.T, dir string) (left string) {
	t.Helper()
	synctest.Wait()
	left = t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return left
}

// start starts a platform on what kill -9 would leave now of what is in dir.
func start(t *testing.T, dir string) (c *client, left string) {
	t.Helper()
	left = kill(t, dir)
	c = &client{T: t}
	c.platform = platformtest.Start(t, func(cfg *platform.Config) {
		cfg.Memory, cfg.Data = false, left
		cfg.Log = slog.New(slog.NewTextHandler(c, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	return c, left
}

// send asks KMS in a region, and returns the status and the answer.
func (c *client) send(region, operation string, in object) (int, object) {
	c.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost:4566/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	sigv4.Sign(r, sigv4.Credentials{AccessKey: "test", Secret: "test"}, region, "kms", time.Now(), body)
	w := httptest.NewRecorder()
	c.platform.Handler.ServeHTTP(w, r)
	var out object
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil && w.Body.Len() > 0 {
		c.Fatalf("%s: %v: %s", operation, err, w.Body)
	}
	return w.Code, out
}

// ask is send, of what is not refused.
func (c *client) ask(operation string, in object) object {
	c.Helper()
	status, out := c.send("us-east-1", operation, in)
	if status != http.StatusOK {
		c.Fatalf("%s: %d %v; %s", operation, status, out, c.said())
	}
	return out
}

// create makes a key, and returns its id.
func (c *client) create(in object) string {
	c.Helper()
	return c.ask("CreateKey", in)["KeyMetadata"].(object)["KeyId"].(string)
}

// table has the rows of keys, as they are kept: in JSON.
var table = store.NewTable[aws.ARN, json.RawMessage]("kms.key")

// rows changes or reads rows, while no platform has them.
func rows(t *testing.T, dir string, do func(*store.Tx) error) {
	t.Helper()
	db, err := store.Open(store.Config{Dir: filepath.Join(dir, "store")})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), do); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkSealed reads the rows that kill -9 would leave of what is in dir, and
// fails if they are not so many, or if any material is there to be read.
func checkSealed(t *testing.T, dir string, keys, materials int) {
	t.Helper()
	rows(t, kill(t, dir), func(tx *store.Tx) error {
		k, m := 0, 0
		for arn, row := range table.Scan(tx, aws.ARN{}) {
			var v struct {
				Materials []struct{ Secret, Sealed []byte }
			}
			if err := json.Unmarshal(row, &v); err != nil {
				return err
			}
			k++
			for _, of := range v.Materials {
				m++
				if of.Secret != nil || len(of.Sealed) < 28+28 { // a nonce, a tag, and the shortest there is
					t.Errorf("%s has material that is not sealed: %s", arn, row)
				}
			}
		}
		if k != keys || m != materials {
			t.Errorf("there are %d keys of %d materials, want %d of %d", k, m, keys, materials)
		}
		return nil
	})
}

// What was made before Aloft was killed is of use after, with keys/ alone.
func TestSealed(t *testing.T) { synctest.Test(t, useSealed) }

func useSealed(t *testing.T) {
	c, dir := start(t, t.TempDir())
	const text = "aGVsbG8="
	encrypt := func(in object) object {
		in["Plaintext"] = text
		blob := c.ask("Encrypt", in)["CiphertextBlob"]
		delete(in, "Plaintext")
		in["CiphertextBlob"] = blob
		return in
	}
	many := c.create(object{"MultiRegion": true})
	pair := c.create(object{"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"})
	signer := c.create(object{"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})
	mac := c.create(object{"KeySpec": "HMAC_224", "KeyUsage": "GENERATE_VERIFY_MAC"})

	type use struct {
		region, operation string
		in                object
	}
	uses := []use{{"us-east-1", "Decrypt", encrypt(object{"KeyId": many})}}
	c.ask("RotateKeyOnDemand", object{"KeyId": many})
	rotated := encrypt(object{"KeyId": many})
	c.ask("ReplicateKey", object{"KeyId": many, "ReplicaRegion": "eu-west-1"})
	signature := c.ask("Sign", object{"KeyId": signer, "Message": text, "SigningAlgorithm": "ECDSA_SHA_256"})["Signature"]
	sum := c.ask("GenerateMac", object{"KeyId": mac, "Message": text, "MacAlgorithm": "HMAC_SHA_224"})["Mac"]
	uses = append(uses,
		use{"us-east-1", "Decrypt", rotated}, use{"eu-west-1", "Decrypt", rotated}, use{"eu-west-1", "Decrypt", uses[0].in},
		use{"us-east-1", "Decrypt", encrypt(object{"KeyId": pair, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"})},
		use{"us-east-1", "Verify", object{"KeyId": signer, "Message": text, "SigningAlgorithm": "ECDSA_SHA_256", "Signature": signature}},
		use{"us-east-1", "VerifyMac", object{"KeyId": mac, "Message": text, "MacAlgorithm": "HMAC_SHA_224", "Mac": sum}},
	)
	c.ask("DescribeKey", object{"KeyId": "alias/aws/s3"}) // makes it
	checkSealed(t, dir, 6, 8)

	again, dir := start(t, dir)
	for _, u := range uses {
		status, out := again.send(u.region, u.operation, u.in)
		if status != http.StatusOK || u.operation == "Decrypt" && out["Plaintext"] != text {
			t.Errorf("started again, %s of %v: %d %v; %s", u.operation, u.in, status, out, again.said())
		}
	}

	if err := os.RemoveAll(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	bare, _ := start(t, dir)
	for _, u := range append(uses, use{"us-east-1", "Encrypt", object{"KeyId": many, "Plaintext": text}}, use{"us-east-1", "GetPublicKey", object{"KeyId": pair}}) {
		bare.said()
		status, out := bare.send(u.region, u.operation, u.in)
		if status != http.StatusInternalServerError || out["__type"] != "KMSInternalException" || out["Plaintext"] != nil {
			t.Errorf("without keys/, %s of %v: %d %v", u.operation, u.in, status, out)
		}
		if said := bare.said(); !strings.Contains(said, "is not sealed with the key of this installation") || !strings.Contains(said, ":key/") {
			t.Errorf("without keys/, %s logs %q", u.operation, said)
		}
	}
	bare.ask("DescribeKey", object{"KeyId": many})
	bare.ask("ScheduleKeyDeletion", object{"KeyId": mac})
	bare.ask("Encrypt", object{"KeyId": bare.create(object{}), "Plaintext": text})
}

// A key's file that is none is not replaced, and no key is made without one.
func TestKeyFileSpoilt(t *testing.T) { synctest.Test(t, spoilKeyFile) }

func spoilKeyFile(t *testing.T) {
	made := t.TempDir()
	file := filepath.Join(made, "keys", "kms")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := start(t, made)
	if status, out := c.send("us-east-1", "CreateKey", object{}); status != http.StatusInternalServerError || out["__type"] != "KMSInternalException" {
		t.Errorf("a key is made: %d %v", status, out)
	}
	if said := c.said(); !strings.Contains(said, "is no key") {
		t.Errorf("it logs %q", said)
	}
}

// The row of a key that was written unsealed is read, and is sealed when it is
// written next. The ciphertext is from then too.
func TestUnsealedRow(t *testing.T) { synctest.Test(t, readUnsealed) }

func readUnsealed(t *testing.T) {
	const (
		id  = "192d86ce-b380-4292-8ccf-1a2659ac65cb"
		row = `{"Spec":"SYMMETRIC_DEFAULT","Usage":"ENCRYPT_DECRYPT","Description":"","State":"Enabled","Manager":"CUSTOMER","Policy":%q,` +
			`"Created":"2026-11-29T09:51:01.273954446Z","Deletion":"0001-01-01T00:00:00Z","Rotation":"0001-01-01T00:00:00Z",` +
			`"Materials":[{"ID":"95e50e748641d3867e897b173ceac0d026da99a6c16d32f5f56627c797a6f4d8","Secret":"FVvMM27UnAHBpbSfnhGSyVSl21XLySEU4NYXLbubzxo=","Since":"2026-11-29T09:51:01.273956879Z"}]}`
		policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}]}`
		blob   = "ATEwMDAwMDAwMDAwMDAvMTkyZDg2Y2UtYjM4MC00MjkyLThjY2YtMWEyNjU5YWM2NWNileUOdIZB04Z+iXsXPOrA0CbamabBbTL19WYnx5em9NjFVL3k2kk9zKkVNuG84toZjPaFP1+RUIHD7/77NIpwEXg="
	)
	old := t.TempDir()
	rows(t, old, func(tx *store.Tx) error {
		return table.Put(tx, aws.ARN{Service: "kms", Region: "us-east-1", Account: auth.DefaultAccount, Resource: "key/" + id}, json.RawMessage(fmt.Sprintf(row, policy)))
	})
	c, dir := start(t, old)
	opens := func(c *client) {
		t.Helper()
		if got := c.ask("Decrypt", object{"CiphertextBlob": blob})["Plaintext"]; got != "aGVsbG8=" {
			t.Errorf("it decrypts to %v", got)
		}
	}
	opens(c)
	c.ask("Decrypt", object{"CiphertextBlob": c.ask("Encrypt", object{"KeyId": id, "Plaintext": "aGk="})["CiphertextBlob"]})
	c.ask("UpdateKeyDescription", object{"KeyId": id, "Description": "old"})
	opens(c)
	checkSealed(t, dir, 1, 1)
	c, dir = start(t, dir)
	opens(c)
	c.ask("RotateKeyOnDemand", object{"KeyId": id})
	opens(c)
	checkSealed(t, dir, 1, 2)
}
