package sdk_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestKillReplication kills the binary while objects are put in a bucket whose
// rules replicate them, and finds each that was acknowledged in the other
// bucket in the end, as the same version.
func TestKillReplication(t *testing.T) {
	data := t.TempDir()
	a := start(t, data)
	replicate(t, a)
	var put sync.Map // versions, by key
	var next, count atomic.Int64
	for range 3 {
		client := objects(a)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					key := fmt.Sprintf("k%d", next.Add(1))
					out, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("source"), Key: &key, Body: strings.NewReader(strings.Repeat(key, 2000))})
					if err != nil {
						return // killed
					}
					put.Store(key, *out.VersionId)
					count.Add(1)
				}
			})
		}
		time.Sleep(200 * time.Millisecond)
		a.stop(syscall.SIGKILL)
		wg.Wait()
		a = start(t, data)
	}
	client := objects(a)
	end := time.Now().Add(time.Minute)
	put.Range(func(key, version any) bool {
		for {
			out, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: new("copies"), Key: new(key.(string))})
			if err == nil {
				if *out.VersionId != version {
					t.Errorf("%s is version %s, and version %s of the copies", key, version, *out.VersionId)
				}
				return true
			}
			if time.Now().After(end) {
				t.Errorf("%s was put and is not replicated: %v", key, err)
				return false
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	if count.Load() == 0 {
		t.Error("no object was put")
	}
	t.Logf("%d objects put, all replicated", count.Load())
}

// replicate makes a bucket, and a rule that replicates all of it to another.
func replicate(t *testing.T, a *aloft) {
	t.Helper()
	roles, client := iam.NewFromConfig(config(a)), objects(a)
	role, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("copier"), AssumeRolePolicyDocument: new(strings.ReplaceAll(trust, "lambda", "s3"))})
	check(t, err)
	_, err = roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: new("copier"), PolicyName: new("all"), PolicyDocument: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)})
	check(t, err)
	for _, name := range []string{"source", "copies"} {
		_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
		check(t, err)
		_, err = client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
		check(t, err)
	}
	_, err = client.PutBucketReplication(t.Context(), &s3.PutBucketReplicationInput{Bucket: new("source"), ReplicationConfiguration: &types.ReplicationConfiguration{
		Role: role.Role.Arn, Rules: []types.ReplicationRule{{
			Status: types.ReplicationRuleStatusEnabled, Priority: new(int32(1)), Filter: &types.ReplicationRuleFilter{Prefix: new("")},
			DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: types.DeleteMarkerReplicationStatusDisabled}, Destination: &types.Destination{Bucket: new("arn:aws:s3:::copies")},
		}},
	}})
	check(t, err)
}
