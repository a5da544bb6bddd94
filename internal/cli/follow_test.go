package cli

import "testing"

func TestPlainCause(t *testing.T) {
	same := func(reason, want string) {
		t.Helper()
		if got := plainCause(reason); got != want {
			t.Errorf("plainCause(%q) = %q, want %q", reason, got, want)
		}
	}
	same(`Resource handler returned message: "The specified bucket is not valid. (Service: S3, Status Code: 400, Request ID: b297)" (RequestToken: 0554, HandlerErrorCode: InvalidRequest)`,
		"The specified bucket is not valid.")
	same("Resource creation cancelled", "Resource creation cancelled")
}
