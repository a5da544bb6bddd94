package amplify

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	together = 4       // jobs that are done at a time
	batch    = 500     // files that are kept or dropped in one transaction,
	weight   = 8 << 20 // or as many as have so many bytes
	manifest = "deploy-manifest.json"
)

// errOver says that a job was cancelled meanwhile.
var errOver = errors.New("the job is over")

// runWork does the jobs that are to be done, and removes files that are served
// no more.
func (s *Service) runWork(ctx context.Context) (time.Duration, error) {
	for {
		var some []jobKey
		var drop []setKey
		err := s.db.View(ctx, func(tx *store.Tx) error {
			some, drop = nil, nil
			for key := range queue.Scan(tx, jobKey{}) {
				if some = append(some, key); len(some) == together {
					break
				}
			}
			for key := range drops.Scan(tx, setKey{}) {
				if drop = append(drop, key); len(drop) == together {
					break
				}
			}
			return tx.Err()
		})
		if err != nil {
			return 0, err
		}
		if len(some)+len(drop) == 0 {
			return expiries.Run(ctx, s.db, s.expire)
		}
		for _, key := range drop {
			if err := s.remove(ctx, key); err != nil {
				return 0, err
			}
		}
		var g task.Group
		errs := make([]error, len(some))
		for i, key := range some {
			g.Go(func() { errs[i] = s.do(ctx, key) })
		}
		g.Wait()
		if err := errors.Join(errs...); err != nil {
			return 0, err
		}
	}
}

// expire fails a job that nobody has started in time.
func (s *Service) expire(tx *store.Tx, _ time.Time, key jobKey) error {
	j, err := jobs.Get(tx, key)
	if err != nil {
		return err
	}
	j.Status, j.EndTime, j.Expires = api.JobStatusFailed, new(time.Now().UTC()), time.Time{}
	j.Reason = "The deployment was not started in time."
	return errors.Join(s.end(tx, key, &j), jobs.Put(tx, key, j))
}

// remove removes the files of a set, or what was put with a ticket.
func (s *Service) remove(ctx context.Context, key setKey) error {
	for more := true; more; {
		err := s.db.Update(ctx, func(tx *store.Tx) error {
			n := 0
			prefix := fileKey{App: key.App, Set: key.Set}
			for k, f := range files.Scan(tx, prefix) {
				if n++; n > batch {
					break
				}
				if err := errors.Join(s.db.Blobs().Drop(tx, f.Body), files.Delete(tx, k)); err != nil {
					return err
				}
			}
			for k, u := range uploads.Scan(tx, prefix) {
				if n++; n > batch {
					break
				}
				if err := errors.Join(s.db.Blobs().Drop(tx, u.Body), uploads.Delete(tx, k)); err != nil {
					return err
				}
			}
			if more = n > batch; more {
				return tx.Err()
			}
			return errors.Join(tx.Err(), drops.Delete(tx, key))
		})
		if err != nil {
			return fmt.Errorf("remove files of %s: %w", key.App, err)
		}
	}
	return nil
}

// do does a job. What is its maker's fault fails it; what is ours is tried again.
func (s *Service) do(ctx context.Context, key jobKey) error {
	j, err := s.start(ctx, key)
	if errors.Is(err, errOver) {
		return nil
	}
	if err != nil {
		return err
	}
	k := &keeper{s: s, ctx: ctx, key: key, set: j.Set, seen: make(map[string]bool)}
	err = s.readJob(ctx, key, j, k.take)
	if err == nil {
		err = k.flush()
	}
	if err == nil {
		err = k.check()
	}
	k.close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var why failure
	switch {
	case errors.Is(err, errOver):
		return nil
	case errors.As(err, &why):
		return s.finish(ctx, key, why.words)
	case err != nil:
		return fmt.Errorf("deploy %s: %w", j.JobArn, err)
	}
	return s.finish(ctx, key, "")
}

// start has a job begin, or begin anew: what an earlier try has kept goes.
func (s *Service) start(ctx context.Context, key jobKey) (j job, err error) {
	set := newID(20)
	return j, s.db.Update(ctx, func(tx *store.Tx) error {
		j, err = jobs.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && over(j.Status) {
			return errors.Join(errOver, queue.Delete(tx, key))
		}
		if err != nil {
			return err
		}
		if err := s.drop(tx, key.App, j.Set); err != nil {
			return err
		}
		j.Status, j.Set = api.JobStatusRunning, set
		return jobs.Put(tx, key, j)
	})
}

// readJob gives take the files of a job. Amplify itself reads buckets: they say
// for which branch it may.
func (s *Service) readJob(ctx context.Context, key jobKey, j job, take taker) error {
	if j.SourceUrl == nil {
		return s.readUploads(ctx, key.App, j.Ticket, take)
	}
	src, err := parseSource(*j.SourceUrl, j.SourceUrlType)
	if err != nil {
		return failf("%v.", err)
	}
	return s.read(ctx, aws.ServiceCall("amplify", below(key.App, "branches", key.Branch)), src, take)
}

// finish ends a job, and has its branch serve the files, unless it failed.
func (s *Service) finish(ctx context.Context, key jobKey, why string) error {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		j, err := running(tx, key)
		if err != nil {
			return err
		}
		j.EndTime = new(time.Now().UTC())
		if j.Status, j.Reason = api.JobStatusSucceed, why; why != "" {
			j.Status = api.JobStatusFailed
			return errors.Join(s.end(tx, key, &j), jobs.Put(tx, key, j))
		}
		b, err := branches.Get(tx, partKey{key.App, key.Branch})
		if err != nil {
			return err
		}
		if err := s.drop(tx, key.App, b.Set); err != nil {
			return err
		}
		b.Set, b.ActiveJobId = j.Set, j.JobId
		if err := s.end(tx, key, &j); err != nil {
			return err
		}
		s.index.Changed(tx)
		return errors.Join(branches.Put(tx, partKey{key.App, key.Branch}, b), jobs.Put(tx, key, j), noteDeployed(tx, key.App, &b.Branch))
	})
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// noteDeployed notes in an app when its branch for production was deployed.
func noteDeployed(tx *store.Tx, app aws.ARN, b *api.Branch) error {
	if b.Stage != api.StageProduction {
		return nil
	}
	a, err := apps.Get(tx, app)
	if err != nil {
		return err
	}
	a.ProductionBranch = &api.ProductionBranch{BranchName: new(b.BranchName), LastDeployTime: new(time.Now().UTC()), Status: new(api.JobStatusSucceed)}
	return apps.Put(tx, app, a)
}

// running returns a job that still is.
func running(tx *store.Tx, key jobKey) (job, error) {
	j, err := jobs.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && j.Status != api.JobStatusRunning {
		return j, errOver
	}
	return j, err
}

// A keeper keeps the files of a job, some at a time.
type keeper struct {
	s    *Service
	ctx  context.Context
	key  jobKey
	set  string
	seen map[string]bool
	size int64

	pending []pending
	weight  int64
}

// A pending file is on disk, and not yet kept.
type pending struct {
	name string
	md5  string
	up   *store.Upload
}

// take takes a file. Of two of one name, the first counts.
func (k *keeper) take(name string, r io.Reader) error {
	if err := checkPath(name); err != nil {
		return failf("%v.", err)
	}
	if k.seen[name] {
		return nil
	}
	if k.seen[name] = true; len(k.seen) > maxFiles {
		return failf("There are more than %d files.", maxFiles)
	}
	up, sum := k.s.db.Blobs().Create(k.ctx), md5.New()
	k.pending = append(k.pending, pending{name: name, up: up})
	n, err := io.Copy(io.MultiWriter(up, sum), io.LimitReader(r, maxBytes-k.size+1))
	if k.size += n; k.size > maxBytes {
		return failf("The files are larger than %d bytes.", int64(maxBytes))
	}
	if err != nil {
		if errors.Is(err, store.ErrFull) || k.ctx.Err() != nil {
			return err
		}
		return failf("%.100q cannot be read: %v.", name, err)
	}
	k.pending[len(k.pending)-1].md5 = hex.EncodeToString(sum.Sum(nil))
	if err := up.Finish(); err != nil {
		return err
	}
	if n <= store.MaxInline {
		k.weight += n
	}
	if len(k.pending) < batch && k.weight < weight {
		return nil
	}
	return k.flush()
}

// flush keeps the files that are on disk, while the job runs.
func (k *keeper) flush() error {
	now := time.Now().UTC()
	err := k.s.db.Update(k.ctx, func(tx *store.Tx) error {
		if _, err := running(tx, k.key); err != nil {
			return err
		}
		for _, p := range k.pending {
			body, err := p.up.Keep(tx)
			if err != nil {
				return err
			}
			if err := files.Put(tx, fileKey{k.key.App, k.set, p.name}, file{Body: body, MD5: p.md5, Modified: now}); err != nil {
				return err
			}
		}
		return nil
	})
	k.close()
	return err
}

// close forgets what is not kept.
func (k *keeper) close() {
	for _, p := range k.pending {
		p.up.Close()
	}
	k.pending, k.weight = nil, 0
}

// check refuses what cannot be served.
func (k *keeper) check() error {
	switch {
	case len(k.seen) == 0:
		return failf("The source has no files.")
	case k.seen[manifest] || k.seen[".amplify-hosting/"+manifest]:
		return failf("The source has a %s: Aloft serves files, and runs no compute of Amplify.", manifest)
	}
	return nil
}
