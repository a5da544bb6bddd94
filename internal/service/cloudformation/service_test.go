package cloudformation_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

func TestScripts(t *testing.T) { platformtest.Run(t, "testdata") }

// Templates have limits, in requests and in buckets.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	long := "Resources: {A: {Type: AWS::SNS::Topic}}\nDescription: x\n#" + strings.Repeat("x", 51200)
	longest := long + strings.Repeat("x", 1<<20)
	script := `# A request holds at most 51,200 bytes of a template, a bucket 1 MB.
! cloudformation CreateStack StackName=st TemplateBody<=long.yaml
stdout 'at .templateBody. failed to satisfy constraint: Member must have length less than or equal to 51200'
s3 CreateBucket Bucket=templates
s3 PutObject Bucket=templates Key=long Body=` + base64.StdEncoding.EncodeToString([]byte(long)) + `
s3 PutObject Bucket=templates Key=longest Body=` + base64.StdEncoding.EncodeToString([]byte(longest)) + `
cloudformation CreateStack StackName=st TemplateURL=https://s3.amazonaws.com/templates/long
! cloudformation CreateStack StackName=no TemplateURL=https://s3.amazonaws.com/templates/longest
stdout 'Template may not exceed 1000000 bytes in size\.'
-- long.yaml --
` + long + "\n"
	if err := os.WriteFile(filepath.Join(dir, "limits.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	platformtest.Run(t, dir)
}
