package pack

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
)

// Runtimes before nodejs18.x have version 2 of the AWS SDK, and many
// applications count on it that name a later runtime now. Where a function asks
// for it and does not bring it, it is packed, for otherwise it could not start.

const oldSDK = "aws-sdk"

func oldSDKIf(wanted bool) []string {
	if !wanted {
		return nil
	}
	return []string{oldSDK + "@2"}
}

var (
	nodeVersion = regexp.MustCompile(`^nodejs(\d+)`)
	asksOldSDK  = regexp.MustCompile(`(require\(|from |import )\s*['"]aws-sdk['"/]`)
)

// hasNewNode says whether a function's runtime is without version 2.
func hasNewNode(a serverless.Artifact) bool {
	for _, e := range a.Entries {
		if m := nodeVersion.FindStringSubmatch(e.Runtime); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil && n >= 18 {
				return true
			}
		}
	}
	return false
}

const maxSource = 1 << 20 // bytes of a source that is looked into

// wantsOldSDK says whether sources ask for version 2, which is not with them.
func (w *workshop) wantsOldSDK(a serverless.Artifact, t *tree) bool {
	if !hasNewNode(a) || exists(w.dir, filepath.Join("node_modules", oldSDK)) {
		return false
	}
	for _, f := range t.files {
		if strings.HasPrefix(f.name, "node_modules/") || !strings.HasSuffix(f.name, "js") {
			continue
		}
		if info, err := os.Stat(f.path); err != nil || info.Size() > maxSource {
			continue
		}
		text, err := os.ReadFile(f.path)
		if err == nil && asksOldSDK.Match(text) {
			w.tell("aws-sdk 2 is asked for, and is not in its runtime")
			return true
		}
	}
	return false
}

// addOldSDK adds version 2 beside modules that are there already.
func (w *workshop) addOldSDK(ctx context.Context, wanted bool, t *tree) error {
	if !wanted {
		return nil
	}
	modules, err := w.nodeModules(ctx, oldSDKIf(true))
	if err != nil {
		return err
	}
	return t.addModules(filepath.Dir(modules), []string{oldSDK})
}
