package sdk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// central is where packages of Java are.
const central = "https://repo1.maven.org/maven2/"

// maxJar is more bytes than any file that we fetch has.
const maxJar = 64 << 20

// A jar is a file that we know.
type jar struct{ path, sha256 string }

// javaClient is AWS's client of the Runtime API and what it needs.
var javaClient = []jar{
	{"com/amazonaws/aws-lambda-java-runtime-interface-client/2.10.1/aws-lambda-java-runtime-interface-client-2.10.1.jar", "b0dd01f45b7258da0e32ade0bff950b12d0cf279ccebf416ad8c3795af21f1db"},
	{"com/amazonaws/aws-lambda-java-core/1.4.0/aws-lambda-java-core-1.4.0.jar", "575c24393cc1ad645e83e618956eabd89ffe8cc09efae2cb62bc6589154d68ed"},
	{"com/amazonaws/aws-lambda-java-serialization/1.4.1/aws-lambda-java-serialization-1.4.1.jar", "0ab04580117a1a326c7abea912331c77bec1292ce0c22285eb2d40563145dd9b"},
	{"software/amazon/awssdk/utils-lite/2.34.0/utils-lite-2.34.0.jar", "efaf784f07ae526f0b5c89d71ef21cf16636131c47d44616e3df9bedc3f4f89a"},
}

// maven fetches files into a directory, and takes them only as we know them.
func maven(jars []jar) func(context.Context, lang.Language, string) error {
	return func(ctx context.Context, _ lang.Language, dir string) error {
		for _, j := range jars {
			if err := j.fetch(ctx, dir); err != nil {
				return err
			}
		}
		return nil
	}
}

func (j jar) fetch(ctx context.Context, dir string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, central+j.path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxJar))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if res.StatusCode != http.StatusOK || hex.EncodeToString(sum[:]) != j.sha256 {
		return fmt.Errorf("%s%s: %s, and not the file that we know", central, j.path, res.Status)
	}
	return os.WriteFile(filepath.Join(dir, path.Base(j.path)), body, 0o644)
}
