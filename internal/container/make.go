package container

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/dockerfile"
)

// make makes the files of a stage, once: from what was kept after the last of
// its steps that is known, if any is.
func (b *builder) make(ctx context.Context, s *stage) error {
	if s.root != "" {
		return nil
	}
	dir := filepath.Join(b.dir, strconv.Itoa(s.from.Line))
	root := filepath.Join(dir, "root")
	s.work = filepath.Join(dir, "work")
	if err := errors.Join(os.MkdirAll(root, 0o755), os.MkdirAll(s.work, 0o755)); err != nil {
		return err
	}
	left, err := b.start(ctx, s, root)
	if err != nil {
		return err
	}
	s.root = root
	for _, one := range left {
		if err := b.perform(ctx, s, one); err != nil {
			return err
		}
	}
	return nil
}

// start puts into root what s begins with, and returns the steps that are left.
func (b *builder) start(ctx context.Context, s *stage, root string) ([]step, error) {
	for i := len(s.steps) - 1; i >= 0; i-- {
		if kept := b.cfg.Place(s.steps[i].key); isKept(kept) {
			return s.steps[i+1:], clone(filepath.Join(kept, "root"), root)
		}
	}
	if s.parent != nil {
		if err := b.make(ctx, s.parent); err != nil {
			return nil, err
		}
		return s.steps, clone(s.parent.root, root)
	}
	if s.base.Empty {
		return s.steps, nil
	}
	return s.steps, errors.Join(os.MkdirAll(filepath.Join(root, s.base.dir()), 0o755), os.MkdirAll(filepath.Join(root, "tmp"), 0o1777))
}

// perform does one step, after what it needs is made.
func (b *builder) perform(ctx context.Context, s *stage, one step) error {
	for _, other := range needs(one.do) {
		if err := b.make(ctx, other); err != nil {
			return err
		}
	}
	r, runs := one.do.(*running)
	if runs {
		b.tell("RUN %s", r.said)
	}
	began := time.Now()
	if err := one.do.do(ctx, b, s); err != nil {
		return b.failed(one.in, err)
	}
	if runs && time.Since(began) > slow {
		return b.keepStage(s, one.key)
	}
	return nil
}

// failed says where an error is from, unless it says so.
func (b *builder) failed(in dockerfile.Instruction, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return b.refuse(in, "%w", err)
}

// needs are the stages of which a step takes files.
func needs(do action) []*stage {
	var all []*stage
	switch do := do.(type) {
	case *copying:
		if do.from != nil {
			all = append(all, do.from)
		}
	case *running:
		for _, m := range do.mounts {
			if m.from != nil {
				all = append(all, m.from)
			}
		}
	}
	return all
}

// doneName is the file that says that a directory was kept in whole.
const doneName = "done"

func isKept(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, doneName))
	return err == nil
}

// keepStage keeps the files of a stage as they are after a step.
func (b *builder) keepStage(s *stage, key string) error {
	made, err := os.MkdirTemp(b.dir, "keep-")
	if err != nil {
		return err
	}
	if err := clone(s.root, filepath.Join(made, "root")); err != nil {
		return err
	}
	_, err = keep(made, b.cfg.Place(key))
	return err
}

// keep moves what was made to its place. If another build was faster, that is
// as good.
func keep(made, place string) (string, error) {
	if err := os.WriteFile(filepath.Join(made, doneName), nil, 0o644); err != nil {
		return "", err
	}
	if isKept(place) {
		return place, nil
	}
	if err := os.RemoveAll(place); err != nil { // of a build that was cut short
		return "", err
	}
	if err := os.Rename(made, place); err != nil && !isKept(place) {
		return "", err
	}
	return place, nil
}
