package sdk_test

import "testing"

// TestAppSyncBoto3 makes, asks and subscribes to a GraphQL API, whose resolvers
// run in processes of their own.
func TestAppSyncBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/appsync.py")
}
